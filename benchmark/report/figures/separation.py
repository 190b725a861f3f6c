"""Distances between each suspect and the victim, in their own units: a row per family, the threshold as a line."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.report import findings as found
from benchmark.report.figures import strips, style

COLUMNS = 2


def of_task(scores: pd.DataFrame, task: str) -> pd.DataFrame:
    """The rows of the verifiers that score by a distance on this task, those of suspects they could not judge too."""
    here = scores[scores["task"] == task]
    known = here[here["threshold"].notna()]
    methods = set(zip(known["fingerprint"], known["verifier"], strict=True))
    chosen = [pair in methods for pair in zip(here["fingerprint"], here["verifier"], strict=True)]
    return here[pd.Series(chosen, here.index, dtype=bool)]


def draw(scores: pd.DataFrame, task: str, marks: Container[str] = ()) -> Figure:
    """A panel per distance; its threshold is the mean over repeats, hollow dots are degraded suspects."""
    rows = of_task(scores, task)
    methods, names = found.methods(rows), found.families(rows)
    names = ["victim", *names] if (rows["family"] == "victim").any() else names
    width = min(COLUMNS, len(methods))
    height = -(-len(methods) // width)
    size = (3.1 * width + 1.1, (0.25 * len(names) + 0.62) * height + 0.75)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(height, width, sharey=True, squeeze=False).ravel()
    for axes, (fingerprint, verifier) in zip(grid, methods, strict=False):
        group = rows[(rows["fingerprint"] == fingerprint) & (rows["verifier"] == verifier)]
        strips.panel(axes, group[group["statistic"].notna()], names, "statistic")
        axes.axvline(group["threshold"].mean(), color=style.INK, linewidth=0.9, linestyle=":", zorder=1)
        axes.set_title(found.label(scores, fingerprint, verifier, marks))
        axes.set_xlim(left=-0.03 * axes.get_xlim()[1])
        _absent(axes, group, names)
    for axes in grid[len(methods) :]:
        axes.set_axis_off()
    grid[0].set(yticks=range(len(names)), ylim=(len(names) - 0.4, -0.6))
    grid[0].set_yticklabels([name.replace("_", " ") for name in names])
    for axes in grid[max(0, len(methods) - width) : len(methods)]:
        axes.set_xlabel("distance to the victim")
    handles = strips.legend("threshold: positive up to here")
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False, columnspacing=1.2)
    return figure


def _absent(axes: Axes, group: pd.DataFrame, names: list[str]) -> None:
    """Says in a family's row that some or all of it could not be judged."""
    unknown = group.loc[group["statistic"].isna(), ["family", "suspect"]].drop_duplicates()
    for family, number in unknown["family"].value_counts(sort=False).items():
        place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "fontsize": 6.5}
        y = names.index(str(family))
        axes.annotate(f"{number} n/a", (1.0, y), (-2, 0), ha="right", va="center", color=style.GREY, **place)
