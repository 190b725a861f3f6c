"""Distances between each suspect and the victim, in their own units: a row per family, the threshold as a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.report import findings as found
from benchmark.report.figures import strips, style
from benchmark.report.figures.grid import Legend
from benchmark.report.figures.sheet import Sheet, of_method


def of_task(scores: pd.DataFrame, task: str) -> pd.DataFrame:
    """The rows of the verifiers that score by a distance on this task, those of suspects they could not judge too."""
    here = scores[scores["task"] == task]
    known = here[here["threshold"].notna()]
    methods = set(zip(known["fingerprint"], known["verifier"], strict=True))
    chosen = [pair in methods for pair in zip(here["fingerprint"], here["verifier"], strict=True)]
    return here[pd.Series(chosen, here.index, dtype=bool)]


def draw(scores: pd.DataFrame, task: str, sheet: Sheet) -> Iterator[Figure]:
    """A panel per distance; its threshold is the mean over victims and repeats, hollow dots are degraded suspects."""
    rows = of_task(scores, task)
    names = sheet.families(rows)
    grid = strips.setting(sheet, names, below=0.22)
    legend = Legend(strips.handles(rows, {"threshold: positive up to here": strips.BEST}), sheet.width)
    for page in grid.pages(found.methods(rows), legend.height):
        figure, panels = grid.figure(len(page), legend)
        for axes, method in zip(panels, page, strict=True):
            group = of_method(rows, method)
            strips.panel(axes, group[group["statistic"].notna()], names, "statistic")
            axes.axvline(group["threshold"].mean(), **strips.LINE, **strips.BEST)
            grid.name(axes, sheet.label(method))
            strips.frame(axes, [sheet.family(name) for name in names])
            axes.set_xlim(left=-0.03 * axes.get_xlim()[1])
            axes.locator_params(axis="x", nbins=3)
            axes.tick_params(labelbottom=True)  # every distance has its own unit
            _absent(axes, group, names)
        for axes in grid.lowest(panels):
            axes.set_xlabel("distance to the victim")
        yield figure


def _absent(axes: Axes, group: pd.DataFrame, names: list[str]) -> None:
    """Says in a family's row that some or all of it could not be judged."""
    unknown = group.loc[group["statistic"].isna(), ["family", "suspect"]].drop_duplicates()
    for family, count in unknown["family"].value_counts(sort=False).items():
        place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
        look: dict[str, Any] = {"color": style.GREY, "fontsize": style.TINY, "ha": "right", "va": "center"}
        axes.annotate(f"{count} n/a", (1.0, names.index(str(family))), (-1, 0), **place, **look)
