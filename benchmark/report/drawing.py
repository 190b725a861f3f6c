"""All that is drawn from the data part of a report: summary, tables, figures and page. Neither store nor torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from benchmark.errors import InputError, near_misses
from benchmark.report import data, reading
from benchmark.report import owner as owners
from benchmark.report.figures import every, style
from benchmark.report.figures.picture import Picture
from benchmark.report.findings import Findings, of_main_channel
from benchmark.report.names import Names
from benchmark.report.page import page
from benchmark.report.statistics import Statistics
from benchmark.report.summary import summarise
from benchmark.report.tables import (
    areas,
    channels,
    costs,
    differences,
    families,
    headline,
    latex,
    matrix,
    owner,
    stealth,
    worth,
)
from benchmark.report.tables import published as papers
from benchmark.report.tables.table import Table
from benchmark.report.view import View

PRINTED = ("pdf", "svg", "png")  # of every figure; the page, the README and readings show the last


def draw(folder: Path, published: Path | None, read: bool, kinds: Sequence[str] = PRINTED) -> None:
    """Draws everything into `folder`, which holds the data part.

    Args:
        published: has the papers' csv files.
        read: whether the page leads to a reading.
    """
    findings = reading.read(folder)
    statistics = Statistics.of(findings)
    for name, frame in statistics.frames().items():
        data.write_frame(frame, folder / reading.file_of(name))
    tables = {table.name: table for table in _tables(findings, statistics, papers.read(published))}
    (folder / "tables").mkdir()
    for table in tables.values():
        (folder / "tables" / f"{table.name}.md").write_text(table.markdown(), encoding="utf-8", newline="\n")
        (folder / "tables" / f"{table.name}.tex").write_text(latex.render(table), encoding="utf-8", newline="\n")
    shown = [*_figures(findings, statistics.summary, folder, kinds), *_galleries(folder)]
    page.write(of_main_channel(findings), tables, shown, folder, read)


def draw_figures(findings: Findings, folder: Path, view: View) -> None:
    """The figures of a view, for a paper, into a new folder.

    Raises:
        InputError: the view names a method that the experiment does not have.
    """
    known = list(dict.fromkeys(map(str, findings.scores["fingerprint"])))
    for name in view.methods:
        if name not in known:
            raise InputError(f"methods={name}: {findings.experiment} has no such method, {near_misses(name, known)}")
    folder.mkdir(parents=True)
    scores, rate = of_main_channel(findings).scores, owners.rate_of(findings.manifest)
    with style.styled():
        for picture, figure in every.drawn(findings, summarise(scores, findings.references, rate), view):
            style.save(figure, folder, picture.name, PRINTED)


def _tables(findings: Findings, statistics: Statistics, claims: pd.DataFrame) -> Iterator[Table]:
    names = Names.of(findings.scores, findings.manifest)
    findings = replace(findings, scores=names.labelled(findings.scores))
    scores, prints, marks = of_main_channel(findings).scores, findings.prints, findings.marks
    summary, rate = statistics.summary, owners.rate_of(findings.manifest)
    shown = findings.manifest.get("config", {}).get("headline") or ()
    yield headline.headline(scores, summary, statistics.families, rate, marks, shown)
    yield areas.areas(scores, summary, marks)
    yield owner.table(scores, summary, rate, marks)
    yield differences.table(scores, statistics.differences, marks)
    yield areas.operating_points(scores, summary, marks)
    yield areas.degraded(scores)
    yield worth.table(findings)
    yield families.table(scores, summary, marks)
    yield families.areas(scores, summary, statistics.families, marks)
    yield matrix.table(scores, marks)
    yield stealth.table(findings)
    yield channels.table(findings)
    yield costs.cost(scores, prints, marks)
    yield costs.generation(scores, prints, marks, names)
    yield costs.zoo(findings.models)
    yield papers.table(findings, summary, claims)
    failures = [(str(job["job"]), str(job["error"])) for job in findings.manifest.get("failures", [])]
    yield Table("failures", "Jobs that failed", ("Job", "Error"), failures, 2)


def _figures(findings: Findings, summary: pd.DataFrame, folder: Path, kinds: Sequence[str]) -> Iterator[Picture]:
    """Draws one after another."""
    place = folder / reading.FIGURES
    place.mkdir(exist_ok=True)
    with style.styled():
        for picture, figure in every.drawn(findings, summary):
            style.save(figure, place, picture.name, kinds)
            yield picture


def _galleries(folder: Path) -> Iterator[Picture]:
    for picture in reading.galleries(folder)["pictures"]:
        yield Picture(**picture)
