"""index.html: one self-contained page with every table and figure, in plain words."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from benchmark.report import findings as found
from benchmark.report.figures.picture import Picture
from benchmark.report.findings import Findings
from benchmark.report.tables.table import Table

VECTOR_LIMIT = 300_000  # bytes; a larger svg is shown as png so that the page stays small
RUN = ("seeds", "versions", "hardware", "git", "counts", "seconds")


def write(findings: Findings, tables: Mapping[str, Table], pictures: list[Picture], folder: Path) -> None:
    """Fills the template with findings of the main channel; the figures are read from `folder`/figures."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    shown = [
        {"section": p.section, "caption": p.caption, "source": _embedded(folder / "figures", p.name)} for p in pictures
    ]
    page = environment.get_template("page.html.j2").render(
        experiment=findings.experiment,
        question=found.QUESTIONS[findings.question],
        channel=found.channel_name(findings.channel),
        facts=facts(findings.scores),
        tables={name: _markup(table) for name, table in tables.items()},
        filled={name: bool(table.rows) for name, table in tables.items()},
        pictures=shown,
        sections={picture.section for picture in pictures},
        failures=list(findings.manifest.get("failures", [])),
        losers=losers(findings.scores),
        run={name: _lines(findings.manifest[name]) for name in RUN if name in findings.manifest},
        config=_lines(findings.manifest.get("config", {})),
    )
    (folder / "index.html").write_text(page, encoding="utf-8", newline="\n")


def facts(scores: pd.DataFrame) -> dict[str, Any]:
    """For the opening sentences: tasks, methods, repeats, prints, and by side how many suspects per task, and which."""
    suspects = scores[scores["family"] != "victim"].drop_duplicates(["task", "suspect"])
    sides = {
        side: suspects[suspects["positive"] == positive]
        for side, positive in (("positives", True), ("negatives", False))
    }
    return {
        "tasks": found.tasks(scores),
        "fingerprints": [str(name) for name in scores["fingerprint"].unique()],
        "repeats": int(scores["repeat"].nunique()),
        "prints": _range(scores.loc[scores["score"].notna(), "n"]),
        **{side: _range(_sizes(members, found.tasks(scores))) for side, members in sides.items()},
        "relations": {side: ", ".join(sorted(set(map(str, members["relation"])))) for side, members in sides.items()},
    }


def _sizes(suspects: pd.DataFrame, tasks: list[str]) -> pd.Series:
    """How many suspects each task has."""
    return suspects.groupby("task").size().reindex(tasks).fillna(0)


def losers(scores: pd.DataFrame) -> list[str]:
    """Degraded suspects by task, "digits_class: filter_pruning ratio=5/16, ..."."""
    lost = scores[scores["degraded"] & (scores["family"] != "victim")].drop_duplicates(["task", "suspect"])
    return [f"{task}: {', '.join(map(str, group['suspect']))}" for task, group in lost.groupby("task", sort=False)]


def _range(values: pd.Series) -> str:
    known = values.dropna()
    if known.empty:
        return "0"
    low, high = int(known.min()), int(known.max())
    return str(low) if low == high else f"{low} to {high}"


def _markup(table: Table) -> Any:
    """The table's own html, which escapes its cells itself."""
    return Markup(table.html())


def takes_vector(folder: Path, name: str) -> bool:
    """Whether the page shows this figure's svg; else it wants the png."""
    vector = folder / f"{name}.svg"
    return vector.is_file() and vector.stat().st_size <= VECTOR_LIMIT


def _embedded(folder: Path, name: str) -> str:
    """The figure as a data address: the svg, or the png where that is large or holds pictures."""
    if takes_vector(folder, name):
        return f"data:image/svg+xml;base64,{base64.b64encode((folder / f'{name}.svg').read_bytes()).decode()}"
    return f"data:image/png;base64,{base64.b64encode((folder / f'{name}.png').read_bytes()).decode()}"


def _lines(value: Any, path: str = "") -> list[tuple[str, str]]:
    """A nested value as (dotted name, text) pairs."""
    if isinstance(value, Mapping):
        return [line for key, inner in value.items() for line in _lines(inner, f"{path}.{key}" if path else str(key))]
    if isinstance(value, (list, tuple)):
        return [(path, ", ".join(map(str, value)))]
    return [(path, "unknown" if value is None else str(value))]
