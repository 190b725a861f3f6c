"""Every figure of the report with its caption and its place on the page, drawn one at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure

from benchmark.report import findings as found
from benchmark.report.figures import (
    bars,
    conspicuity,
    curves,
    extraction,
    gallery,
    heatmap,
    radar,
    sensitivity,
    separation,
    strips,
)
from benchmark.report.figures.picture import Picture
from benchmark.report.findings import Findings
from benchmark.report.shares import AT
from benchmark.report.view import WHOLE, View

BAND = "Lines are means over repeats, bands one standard deviation."
Drawn = Iterator[tuple[Picture, Figure]]


def drawn(findings: Findings, summary: pd.DataFrame, view: View = WHOLE) -> Drawn:
    """All but the galleries, in the order of the page; those of stealth alone look at other channels than the main one.

    They need what is in the csv and nothing else.
    """
    main = found.of_main_channel(findings)
    yield from _verdicts(main, summary)
    for task in found.tasks(main.scores):
        yield from _task(main, summary, task)
        yield from _apart(main, task)
    yield from _stealth(findings)
    yield from _sensitivity(main)


def slug(name: str) -> str:
    """A file name without ending: letters, digits, dot, dash and underscore."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", name)


def _verdicts(findings: Findings, summary: pd.DataFrame) -> Drawn:
    scores, marks = findings.scores, findings.marks
    signs = found.explained(marks, scores["fingerprint"])
    text = (
        f"Robustness R and uniqueness U against the threshold, each task from a new row on. {BAND} "
        f"As Figures 4, 5 and 8 of the saliency paper.{signs}"
    )
    yield Picture("ru_curves", "headline", text), curves.of_all(scores, summary, marks)
    text = (
        "ARUC with 95 % bootstrap intervals over suspects; the dotted line is the largest value possible, 100/101. "
        f"As the bars of Figure 5 of the saliency paper.{signs}"
    )
    yield Picture("aruc_bars", "headline", text), bars.draw(scores, summary, marks)
    text = f"{AT} Methods that do not apply to a task are left out.{signs}"
    yield Picture("families", "families", text), heatmap.draw(scores, summary, marks)


def _task(findings: Findings, summary: pd.DataFrame, task: str) -> Drawn:
    scores, marks = findings.scores, findings.marks
    signs = found.explained(marks, scores.loc[scores["task"] == task, "fingerprint"])
    text = f"{task}: robustness R and uniqueness U of every method. {BAND}{signs}"
    yield Picture(slug(f"ru_curves_{task}"), "tasks", text), curves.of_task(scores, summary, task, marks)
    text = f"{task}: every suspect's mean score over repeats, a row per family; hollow dots lost more than 5 points."
    yield Picture(slug(f"strips_{task}"), "tasks", text + signs), strips.draw(scores, summary, task, marks)


def _apart(findings: Findings, task: str) -> Drawn:
    """Of methods that score by a distance, if there are any."""
    axes = radar.axes_of(findings.scores, task)
    signs = found.explained(findings.marks, [fingerprint for fingerprint, _ in axes])
    if axes:
        text = (
            f"{task}: every suspect's distance to the victim, mean over repeats, a panel per distance; a suspect "
            "is called positive up to the threshold, which contrast models gave; hollow dots lost more than 5 "
            f"points.{signs}"
        )
        yield Picture(slug(f"separation_{task}"), "tasks", text), separation.draw(findings.scores, task, findings.marks)
    if len(axes) >= radar.AXES:
        text = (
            f"{task}: each suspect's scores on {len(axes)} distances, mean over repeats, 1 at the rim: no distance, "
            "0.5 at the dotted line: the threshold. The number is the area, as a share of the largest: the "
            f"confidence that the suspect is a positive.{signs}"
        )
        yield Picture(slug(f"radar_{task}"), "tasks", text), radar.draw(findings.scores, task)
    if not extraction.extractions(findings.scores, findings.models, task).empty:
        text = (
            f"{task}: distances of extracted substitutes against the queries that they cost, mean over repeats; up to "
            f"the dotted line, the mean threshold, a suspect is called positive.{signs}"
        )
        figure = extraction.draw(findings.scores, findings.models, task, findings.marks)
        yield Picture(slug(f"extraction_{task}"), "tasks", text), figure


def _stealth(findings: Findings) -> Drawn:
    known, told = findings.distances[findings.distances["distance"].notna()], findings.detections
    for task in found.tasks(known):
        shown = pd.concat([frame.loc[frame["task"] == task, "fingerprint"] for frame in (known, told)])
        text = (
            f"{task}: what each detector measures on clean test images and, channel by channel, on prints (all "
            "repeats); it flags what lies right of a threshold (mean over repeats). Lines span 5 to 95 %, boxes 25 to "
            "75 %, the black tick is the median, the strokes below are up to "
            f"{conspicuity.POINTS} single prints of the first channel, evenly spaced by rank. "
            f"As Figure 6 of the saliency paper.{found.explained(findings.marks, shown)}"
        )
        figure = conspicuity.draw(findings, task)
        yield Picture(slug(f"conspicuity_{task}"), "stealth", text), figure


def galleries(findings: Findings) -> Drawn:
    """The pictures of the prints: they are drawn where the prints are at hand, once."""
    marks = findings.marks
    for task in dict.fromkeys(exhibit.task for exhibit in findings.exhibits):
        group = [exhibit for exhibit in findings.exhibits if exhibit.task == task]
        if len(group) > 1:  # one method has nothing to be compared with
            signs = found.explained(marks, [exhibit.fingerprint for exhibit in group])
            text = f"{task}: the first prints of every method, first repeat. As Figure 7 of the saliency paper.{signs}"
            yield Picture(slug(f"gallery_{task}"), "gallery", text), gallery.compare(group, marks)
        for exhibit in group:
            text = f"{task}: prints of {exhibit.fingerprint}, first repeat. {gallery.explain(exhibit)}"
            text += " As Figure 1 of the saliency paper." if exhibit.maps else ""
            text += found.explained(marks, [exhibit.fingerprint])
            yield Picture(slug(f"gallery_{task}_{exhibit.fingerprint}"), "gallery", text), gallery.draw(exhibit)


def _sensitivity(findings: Findings) -> Drawn:
    known = findings.ablations[findings.ablations["aruc"].notna()]
    config = findings.manifest.get("config", {})
    for task in found.tasks(known):
        shown = known.loc[known["task"] == task, "fingerprint"]
        text = (
            f"{task}: ARUC with one setting at other values, all else as in the run; {sensitivity.sizes(known, task)}. "
            f"{BAND} A dotted line stands at the run's own value. As Figure 9 of the saliency paper."
            f"{found.explained(findings.marks, shown)}"
        )
        figure = sensitivity.draw(findings.scores, known, task, config, findings.marks)
        yield Picture(slug(f"sensitivity_{task}"), "sensitivity", text), figure
