"""Every figure of the report with its caption and its place on the page, drawn one at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from benchmark.report import findings as found
from benchmark.report.figures import (
    band,
    conspicuity,
    curves,
    extraction,
    gallery,
    heatmap,
    intervals,
    radar,
    sensitivity,
    separation,
    strips,
)
from benchmark.report.figures.picture import Picture
from benchmark.report.figures.sheet import Sheet
from benchmark.report.findings import COLUMNS, Findings
from benchmark.report.names import spaced
from benchmark.report.owner import rate_of
from benchmark.report.shares import AT
from benchmark.report.view import WHOLE, View

Drawn = Iterator[tuple[Picture, Figure]]
LOST = "hollow dots are degraded suspects, which lost too much of the victim's skill"


def drawn(findings: Findings, summary: pd.DataFrame, view: View = WHOLE) -> Drawn:
    """All but the galleries, in the order of the page; those of stealth alone look at other channels than the main one.

    They need what is in the csv and nothing else. A figure of several pages goes by NAME, NAME_2, NAME_3.
    """
    sheet = Sheet.of(findings, view)
    shown = _of_view(findings, view)
    main = found.of_main_channel(shown)
    every = _Every(main, _chosen(summary, view), sheet)
    yield from every.verdicts()
    for task in found.tasks(main.scores):
        yield from every.task(task)
        yield from every.apart(task)
    yield from every.stealth(shown)
    yield from every.sensitivity()


def galleries(findings: Findings) -> Drawn:
    """The pictures of the prints: they are drawn where the prints are at hand, once."""
    sheet = Sheet.of(findings, WHOLE)
    for task in dict.fromkeys(exhibit.task for exhibit in findings.exhibits):
        group = [exhibit for exhibit in findings.exhibits if exhibit.task == task]
        about = f"{spaced(task)}: "
        if len(group) > 1:  # one method has nothing to be compared with
            signs = sheet.explained(exhibit.fingerprint for exhibit in group)
            text = (
                f"{about}the first prints of every method, first victim and repeat. As Figure 7 of the saliency paper."
            )
            yield Picture(slug(f"gallery_{task}"), "gallery", text + signs), gallery.compare(group, sheet)
        for exhibit in group:
            name = sheet.names.fingerprint(exhibit.fingerprint)
            text = f"{about}prints of {name}, first victim and repeat. {gallery.explain(exhibit)}"
            text += " As Figure 1 of the saliency paper." if exhibit.maps else ""
            text += sheet.explained([exhibit.fingerprint])
            yield Picture(slug(f"gallery_{task}_{exhibit.fingerprint}"), "gallery", text), gallery.draw(exhibit, sheet)


def slug(name: str) -> str:
    """A file name without ending: letters, digits, dot, dash and underscore."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", name)


def _of_view(findings: Findings, view: View) -> Findings:
    """The findings of the methods that are to be drawn, in their order; clean images stay."""
    if not view.methods:
        return findings
    frames: dict[str, Any] = {
        name: _chosen(getattr(findings, name), view) for name in COLUMNS if "fingerprint" in COLUMNS[name]
    }
    return replace(findings, **frames)


def _chosen(frame: pd.DataFrame, view: View) -> pd.DataFrame:
    if not view.methods:
        return frame
    order = {"": -1} | {name: place for place, name in enumerate(view.methods)}
    kept = frame[frame["fingerprint"].isin(order)]
    return kept.sort_values("fingerprint", key=lambda names: names.map(order), kind="stable")


def _paged(name: str, section: str, caption: str, figures: Iterator[Figure]) -> Drawn:
    """The pages of a figure; the first alone has the caption, further ones say whose they are."""
    for number, figure in enumerate(figures, 1):
        if number == 1:
            yield Picture(slug(name), section, caption), figure
        else:
            head = caption.partition(":")[0] if ":" in caption.partition(".")[0] else caption.partition(".")[0]
            yield Picture(slug(f"{name}_{number}"), section, f"{head}, page {number} of the figure before."), figure


@dataclass(frozen=True)
class _Every:
    """What is drawn of the main channel's findings."""

    findings: Findings
    summary: pd.DataFrame
    sheet: Sheet

    @property
    def rate(self) -> float:
        """The share of innocents that the owner is ready to accuse."""
        return rate_of(self.findings.manifest)

    def verdicts(self) -> Drawn:
        """Across tasks."""
        scores = self.findings.scores
        signs = self.sheet.explained(scores["fingerprint"])
        about = f"numbers those of filled signs.{self.sheet.settings(found.methods(scores))}{signs}"
        for chart in (intervals.AUC, intervals.ARUC, intervals.owners(self.rate)):
            if chart.known(self.summary):
                text = f"{chart.explained} Lines are 95 % bootstrap intervals, {about}"
                yield from _paged(chart.name, "headline", text, intervals.draw(scores, self.summary, chart, self.sheet))
        text = f"Families: {AT} U at the left of a family's row: negatives. A dash: not judged.{signs}"
        yield from _paged("families", "families", text, heatmap.draw(scores, self.sheet))

    def _owned(self, task: str) -> bool:
        """Whether the owner has a threshold for some method."""
        return bool(self.summary.loc[self.summary["task"] == task, "owner_rho"].notna().any())

    def task(self, task: str) -> Drawn:
        """The scores of one task."""
        scores, sheet = self.findings.scores, self.sheet
        here = scores[scores["task"] == task]
        signs = sheet.explained(here["fingerprint"])
        text = (
            f"{spaced(task)}: robustness R, the share of positives that score above the threshold rho, and uniqueness "
            f"U, the share of negatives that do not. {band.explained(here)} "
            f"As Figures 4, 5 and 8 of the saliency paper.{curves.absent(scores, self.summary, task, sheet)}{signs}"
        )
        yield from _paged(f"ru_curves_{task}", "tasks", text, curves.draw(scores, self.summary, task, sheet))
        text = (
            f"{spaced(task)}: every suspect's score, mean over repeats, a row per family; {LOST}. "
            f"{strips.lines(self.rate, self._owned(task))}{strips.shades(here['victim'].nunique())}{signs}"
        )
        yield from _paged(f"strips_{task}", "tasks", text, strips.draw(scores, self.summary, task, sheet))

    def apart(self, task: str) -> Drawn:
        """Of methods that score by a distance, if there are any."""
        scores, models, sheet = self.findings.scores, self.findings.models, self.sheet
        axes = radar.axes_of(scores, task)
        signs = sheet.explained(fingerprint for fingerprint, _ in axes)
        if axes:
            victims = scores.loc[scores["task"] == task, "victim"].nunique()
            text = (
                f"{spaced(task)}: every suspect's distance to the victim, mean over repeats, a panel per distance; a "
                "suspect is called positive up to the dotted line, the mean of the thresholds that contrast models "
                f"gave; {LOST}.{strips.shades(victims)}{signs}"
            )
            yield from _paged(f"separation_{task}", "tasks", text, separation.draw(scores, task, sheet))
        if len(axes) >= radar.AXES:
            text = (
                f"{spaced(task)}: scores on {len(axes)} distances, mean over a family's suspects, victims and repeats; "
                "1 at the rim: no distance, 0.5 at the dotted line: the threshold. The number is the area as a share "
                f"of the largest, the confidence that the family comes of the victim.{signs}"
            )
            yield from _paged(f"radar_{task}", "tasks", text, radar.draw(scores, task, sheet))
        if not extraction.extractions(scores, models, task).empty:
            text = (
                f"{spaced(task)}: distances of extracted substitutes against the queries that they cost, means over "
                "victims and repeats; up to the dotted line, the mean threshold, a suspect is called positive."
                f"{signs}"
            )
            yield from _paged(f"extraction_{task}", "tasks", text, extraction.draw(scores, models, task, sheet))

    def stealth(self, findings: Findings) -> Drawn:
        """Of these findings, which have all channels."""
        known, told = findings.distances[findings.distances["distance"].notna()], findings.detections
        for task in found.tasks(known):
            shown = pd.concat([frame.loc[frame["task"] == task, "fingerprint"] for frame in (known, told)])
            text = (
                f"{spaced(task)}: what each detector measures on clean test images and, channel by channel, on prints "
                "(all victims and repeats); it flags what lies right of a threshold (the mean; a band spans all of its "
                "values). Lines span 5 to 95 %, boxes 25 to 75 %, the black tick is the median, the strokes below are "
                f"up to {conspicuity.POINTS} single prints of the first channel, evenly spaced by rank. "
                f"As Figure 6 of the saliency paper.{self.sheet.explained(shown)}"
            )
            figures = conspicuity.draw(findings, task, self.sheet)
            yield from _paged(f"conspicuity_{task}", "stealth", text, figures)

    def sensitivity(self) -> Drawn:
        """Of settings that were varied."""
        known = sensitivity.along_numbers(self.findings.ablations)
        config = self.findings.manifest.get("config", {})
        for task in found.tasks(known):
            here = known[known["task"] == task]
            text = (
                f"{spaced(task)}: ARUC with one setting at other values, all else as in the run; "
                f"{sensitivity.sizes(known, task)}. {band.explained(here)} "
                "A dotted line stands at the run's own value. "
                f"As Figure 9 of the saliency paper.{self.sheet.explained(here['fingerprint'])}"
            )
            figures = sensitivity.draw(self.findings.scores, known, task, self.sheet, config)
            yield from _paged(f"sensitivity_{task}", "sensitivity", text, figures)
