"""results/<experiment>/: csv, tables, figures, page and manifest, written aside and swapped in whole."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.errors import InputError
from benchmark.report import current
from benchmark.report.figures import every, style
from benchmark.report.findings import COLUMNS, Findings, checked, of_main_channel
from benchmark.report.page import page
from benchmark.report.summary import summarise
from benchmark.report.tables import channels, costs, families, headline, matrix, stealth
from benchmark.report.tables import published as papers
from benchmark.report.tables.table import Table

FLOATS = {"distances": "%.6g"}  # a row per print and detector: six digits keep the file small


def write(findings: Findings, folder: Path, published: Path | None) -> None:
    """Writes the whole report; `published` is the folder of the papers' csv files.

    The report is made in a hidden sibling and swapped in by renaming: `folder` holds the old report or the new one,
    never half of one. A report that is already the one to be written stays as it is.

    Raises:
        InputError: the findings lack something, `folder` holds files that are no report, or it cannot be written.
    """
    ready, claims = checked(findings), papers.read(published)
    folder = folder.absolute()
    wanted = current.digest(ready, published)
    if current.is_current(folder, wanted):
        return
    if folder.exists() and any(folder.iterdir()) and not (folder / "manifest.json").is_file():
        raise InputError(f"{folder}: holds files but no report (manifest.json), choose an empty or a new folder")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            _fill(ready, claims, aside / "new", wanted)
            if (folder / current.READING).is_file():
                shutil.copy2(folder / current.READING, aside / "new")
            _swap(aside / "new", folder, aside / "old")
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot write the report ({error.strerror or error})") from error


def _fill(findings: Findings, claims: pd.DataFrame, folder: Path, wanted: str) -> None:
    for name in ("tables", "figures"):
        (folder / name).mkdir(parents=True)
    summary = summarise(of_main_channel(findings).scores)
    frames = {"summary": summary} | {name: getattr(findings, name) for name in COLUMNS}
    for name, frame in frames.items():
        _plain(frame).to_csv(folder / f"{name}.csv", index=False, lineterminator="\n", float_format=FLOATS.get(name))
    tables = {table.name: table for table in _tables(findings, summary, claims)}
    for table in tables.values():
        (folder / "tables" / f"{table.name}.md").write_text(table.markdown(), encoding="utf-8", newline="\n")
        (folder / "tables" / f"{table.name}.tex").write_text(table.latex(), encoding="utf-8", newline="\n")
    shown = []
    with style.styled():
        for picture, figure in every.drawn(findings, summary):
            style.save(figure, folder / "figures", picture.name)
            shown.append(picture)
    page.write(of_main_channel(findings), tables, shown, folder)
    record = {"channel": findings.channel, "question": findings.question, current.KEY: current.entry(folder, wanted)}
    manifest = json.dumps(findings.manifest | record, indent=2, default=str, ensure_ascii=False)
    (folder / "manifest.json").write_text(manifest + "\n", encoding="utf-8", newline="\n")


def _tables(findings: Findings, summary: pd.DataFrame, claims: pd.DataFrame) -> Iterator[Table]:
    scores, prints, marks = of_main_channel(findings).scores, findings.prints, findings.marks
    yield headline.headline(scores, summary, marks)
    yield headline.operating_points(scores, summary, marks)
    yield headline.degraded(scores)
    yield families.table(scores, summary, marks)
    yield matrix.table(scores, marks)
    yield stealth.table(findings)
    yield channels.table(findings)
    yield costs.cost(scores, prints, marks)
    yield costs.generation(scores, prints, marks)
    yield costs.zoo(findings.models)
    yield papers.table(findings, summary, claims)
    failures = [(str(job["job"]), str(job["error"])) for job in findings.manifest.get("failures", [])]
    yield Table("failures", "Jobs that failed", ("Job", "Error"), failures, 2)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame for csv: counts as integers, mappings as JSON."""
    result = frame.copy()
    for column in result.columns:
        if column in ("matched", "n", "queries", "positives", "negatives"):
            result[column] = result[column].astype("Int64")
        elif result[column].map(lambda value: isinstance(value, Mapping)).any():
            result[column] = result[column].map(_json)
    return result


def _json(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False) if isinstance(value, Mapping) else ""


def _swap(new: Path, folder: Path, old: Path) -> None:
    """Puts `new` in the place of `folder`; the former content goes to `old`, and comes back if that fails."""
    if folder.exists():
        os.replace(folder, old)
    try:
        os.replace(new, folder)
    except OSError:
        if old.exists():
            os.replace(old, folder)
        raise
