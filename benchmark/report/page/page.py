"""index.html: one self-contained page with every table and figure, in plain words."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup
from PIL import Image

from benchmark.report import findings as found
from benchmark.report import reading
from benchmark.report.figures.picture import Picture
from benchmark.report.findings import Findings
from benchmark.report.names import Names, spaced
from benchmark.report.tables.table import Table

EMBEDDED = 2_200_000  # characters of pictures within the page; further ones are files beside it
INCH = 110  # pixels of the page that an inch of a figure takes
RUN = ("seeds", "versions", "hardware", "git", "counts", "seconds")
SOURCES = {  # the csv with what a table shows, to the last digit
    **{"headline": ("summary", "families"), "areas": ("summary",), "owner": ("summary", "verdicts")},
    **{"differences": ("differences",), "operating_points": ("summary",), "degraded": ("scores",), "worth": ("worth",)},
    **{"families": ("scores",), "family_areas": ("families",), "matrix": ("scores",), "channels": ("scores",)},
    **{"stealth": ("visibility", "detections"), "cost": ("scores", "prints"), "generation": ("prints", "scores")},
    **{"models": ("models",), "published": ("summary", "visibility", "detections")},
}


def write(
    findings: Findings, tables: Mapping[str, Table], pictures: list[Picture], folder: Path, read: bool = False
) -> None:
    """Fills the template with findings of the main channel; csv and figures are those in `folder`.

    Args:
        read: whether somebody wrote a reading of these results, to which the page leads.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    page = environment.get_template("page.html.j2").render(
        experiment=findings.experiment,
        question=found.QUESTIONS[findings.question],
        channel=spaced(findings.channel),
        facts=facts(findings),
        tables={name: _shown(table, folder) for name, table in tables.items()},
        filled={name: bool(table.rows) for name, table in tables.items()},
        pictures=_pictures(pictures, folder / "figures"),
        sections={picture.section for picture in pictures},
        failures=list(findings.manifest.get("failures", [])),
        losers=losers(findings.scores),
        reading=reading.READING if read else "",
        points=reading.file_of("ablations"),
        data=sorted(path.name for path in folder.iterdir() if ".csv" in path.suffixes),
        run={name: _lines(findings.manifest[name]) for name in RUN if name in findings.manifest},
        config=_lines(findings.manifest.get("config", {})),
    )
    (folder / "index.html").write_text(page, encoding="utf-8", newline="\n")


def facts(findings: Findings) -> dict[str, Any]:
    """For the opening sentences: tasks, methods, victims, repeats, prints, and by side how many suspects, and which."""
    scores, names = findings.scores, Names.of(findings.scores, findings.manifest)
    suspects = scores[scores["family"] != "victim"].drop_duplicates(["task", "suspect"])
    sides = {
        side: suspects[suspects["positive"] == positive]
        for side, positive in (("positives", True), ("negatives", False))
    }
    return {
        "tasks": [spaced(task) for task in found.tasks(scores)],
        "fingerprints": [names.fingerprint(str(key)) for key in scores["fingerprint"].unique()],
        "victims": int(scores["victim"].nunique()),
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
    return [
        f"{spaced(str(task))}: {', '.join(map(str, group['suspect']))}"
        for task, group in lost.groupby("task", sort=False)
    ]


def _range(values: pd.Series) -> str:
    known = values.dropna()
    if known.empty:
        return "0"
    low, high = int(known.min()), int(known.max())
    return str(low) if low == high else f"{low} to {high}"


def _shown(table: Table, folder: Path) -> dict[str, Any]:
    """The table's own html, which escapes its cells itself, and the files that hold what it shows."""
    names = (reading.file_of(name) for name in SOURCES.get(table.name, ()))
    files = [name for name in (*names, f"tables/{table.name}.tex") if (folder / name).is_file()]
    return {"html": Markup(table.html()), "notes": Markup(table.html_notes()), "files": files}


def _pictures(pictures: list[Picture], folder: Path) -> list[dict[str, Any]]:
    """What the page needs of each figure: its png within the page, as long as that does not grow too large."""
    shown, free = [], EMBEDDED
    for picture in pictures:
        content = (folder / f"{picture.name}.png").read_bytes()
        source = f"data:image/png;base64,{base64.b64encode(content).decode()}"
        if len(source) > free:
            source = f"figures/{picture.name}.png"
        else:
            free -= len(source)
        width, height = _size(content)
        sizes = {"source": source, "width": width, "height": height}
        shown.append({"section": picture.section, "caption": picture.caption} | sizes)
    return shown


def _size(png: bytes) -> tuple[int, int]:
    """Width and height on the page in pixels."""
    with Image.open(io.BytesIO(png)) as image:
        dots = float(image.info.get("dpi", (INCH,))[0])  # optimisers of files may drop what a picture says of its size
        return round(image.width / dots * INCH), round(image.height / dots * INCH)


def _lines(value: Any, path: str = "") -> list[tuple[str, str]]:
    """A nested value as (dotted name, text) pairs."""
    if isinstance(value, Mapping):
        return [line for key, inner in value.items() for line in _lines(inner, f"{path}.{key}" if path else str(key))]
    if isinstance(value, (list, tuple)):
        return [(path, ", ".join(map(str, value)))]
    return [(path, "unknown" if value is None else str(value))]
