"""Distances to the victim while an extraction proceeds: each substitute at the number of its queries."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from benchmark.report import findings as found
from benchmark.report.figures import style
from benchmark.report.figures.grid import Grid, Legend
from benchmark.report.figures.separation import of_task
from benchmark.report.figures.sheet import Sheet, of_method

FEWEST = 2  # budgets of one extraction, below which there is no line


def extractions(scores: pd.DataFrame, models: pd.DataFrame, task: str) -> pd.DataFrame:
    """Mean distance and threshold of each substitute, with its `queries` and the `attack` that made it.

    Means are over victims and repeats. Attacks with one budget only are left out. An attack goes by its family and by
    what the API hands out.
    """
    asked = models.loc[models["queries"] > 0].drop_duplicates("key").set_index("key")["queries"]
    rows = of_task(scores, task)
    rows = rows.assign(queries=rows["suspect_key"].map(asked))  # those of the thief, not of the verifier
    rows = rows[rows["statistic"].notna() & rows["queries"].notna()]
    if rows.empty:
        return rows.assign(attack="")
    keys = ["family", "suspect", "fingerprint", "verifier"]
    numbers = ["statistic", "threshold", "queries"]
    mean = rows.groupby(keys, sort=False)[numbers].mean().reset_index()
    mean["answers"] = [_answers(name) for name in mean["suspect"]]
    mean["attack"] = mean["family"] + mean["answers"].map(lambda name: f", {name}" if name else "")
    return mean[mean.groupby("attack")["queries"].transform("nunique") >= FEWEST]


def _answers(suspect: str) -> str:
    answers = re.search(r"\banswers=(\w+)", suspect)
    return answers[1] if answers else ""


def draw(scores: pd.DataFrame, models: pd.DataFrame, task: str, sheet: Sheet) -> Iterator[Figure]:
    """A panel per distance, a line per attack; suspects are called positive up to the dotted line, the threshold."""
    rows = extractions(scores, models, task)
    attacks = sorted(set(rows["attack"]))
    grid = Grid(sheet.width, 1.5, 1.15, left=0.45, gap=0.36, foot=0.34, columns=3, stretch=1.6)
    for first in range(0, len(attacks), style.LINES):
        looks = {attack: style.line(first + i) for i, attack in enumerate(attacks[first : first + style.LINES])}
        legend = Legend(_handles(rows, looks, sheet), sheet.width)
        for page in grid.pages(found.methods(rows), legend.height):
            figure, panels = grid.figure(len(page), legend)
            for axes, method in zip(panels, page, strict=True):
                _panel(axes, of_method(rows, method), looks)
                grid.name(axes, sheet.label(method))
            for axes in grid.first(panels):
                axes.set_ylabel("distance")
            for axes in grid.lowest(panels):
                axes.set_xlabel("queries to the victim")
            yield figure


Looks = dict[str, dict[str, object]]


def _handles(rows: pd.DataFrame, looks: Looks, sheet: Sheet) -> list[Line2D]:
    parts = rows.drop_duplicates("attack").set_index("attack")
    words = {
        attack: ", ".join(word for word in (sheet.family(parts["family"][attack]), parts["answers"][attack]) if word)
        for attack in looks
    }
    lines = [Line2D([], [], markersize=4, label=words[attack], **look) for attack, look in looks.items()]  # type: ignore[arg-type]
    return [*lines, Line2D([], [], color=style.INK, linewidth=0.9, linestyle=":", label="threshold")]


def _panel(axes: Axes, here: pd.DataFrame, looks: Looks) -> None:
    for attack, look in looks.items():
        line = here[here["attack"] == attack].groupby("queries")["statistic"].mean()
        axes.plot(line.index, line, markersize=4, label=attack, **look)  # type: ignore[arg-type]
    axes.axhline(here["threshold"].mean(), color=style.INK, linewidth=0.9, linestyle=":", label="threshold")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(_apart(sorted(here["queries"].unique()))))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.set_ylim(bottom=0)
    axes.locator_params(axis="y", nbins=4)
    axes.tick_params(labelleft=True)  # every distance has its own unit


def _apart(ticks: list[float]) -> list[float]:
    """The ticks that stand far enough apart for their numbers, on a logarithmic axis."""
    kept: list[float] = []
    for tick in ticks:
        if not kept or tick >= 2.2 * kept[-1]:
            kept.append(tick)
    return kept
