"""A statistic of every method as a point with its 95 % interval, a panel per task."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmark.report import findings as found
from benchmark.report.figures import style
from benchmark.report.figures.grid import Grid, Legend
from benchmark.report.figures.sheet import Method, Sheet
from benchmark.report.names import spaced
from benchmark.report.numbers import number
from benchmark.report.summary import by_method

ROW = 0.2  # inches of a method
ROWS = 38  # methods on a page at most
SIGN: dict[str, Any] = {"markersize": 3.6, "markeredgewidth": 0.8}


@dataclass(frozen=True)
class Statistic:
    """A column of the summary, with its ends `_low` and `_high`.

    Attributes:
        bound: where a dotted line stands, and what it means there.
    """

    column: str
    name: str
    bound: float
    meaning: str


AUC = Statistic("auc", "AUC", 0.5, "chance")
ARUC = Statistic("aruc", "ARUC", 100 / 101, "largest value possible")


def draw(scores: pd.DataFrame, summary: pd.DataFrame, statistic: Statistic, sheet: Sheet) -> Iterator[Figure]:
    """Methods from top to bottom; filled signs for all suspects, hollow ones below without the degraded."""
    methods = found.methods(scores)
    chart = _Chart(summary, statistic, ("all", "kept") if scores["degraded"].any() else ("all",), sheet)
    left = style.broadest(map(sheet.label, methods)) + 0.12
    for first in range(0, len(methods), ROWS):
        shown = methods[first : first + ROWS]
        grid = Grid(sheet.width, 1.25, ROW * len(shown), left, stretch=2.2, columns=4, gap=0.2)
        legend = Legend(chart.handles(), sheet.width)
        for page in grid.pages(found.tasks(scores), legend.height):
            figure, panels = grid.figure(len(page), legend)
            for axes, task in zip(panels, page, strict=True):
                chart.panel(axes, task, shown)
            for axes in grid.lowest(panels):
                axes.set_xlabel(statistic.name)
            yield figure


@dataclass(frozen=True)
class _Chart:
    summary: pd.DataFrame
    statistic: Statistic
    variants: tuple[str, ...]
    sheet: Sheet

    def panel(self, axes: Axes, task: str, methods: list[Method]) -> None:
        """One task."""
        axes.hlines(range(len(methods)), 0, 1, color=style.PALE, linewidth=0.6, zorder=0)
        axes.axvline(self.statistic.bound, color=style.GREY, linewidth=0.8, linestyle=":", zorder=1)
        for offset, variant in enumerate(self.variants):
            rows = by_method(self.summary, variant)
            for place, method in enumerate(methods):
                y = place + 0.36 * (offset - (len(self.variants) - 1) / 2)
                row = rows.get((task, *method))
                if row is not None and not row["reason"]:
                    _point(axes, row, y, self.statistic.column, self._look(method, variant))
                elif not offset:
                    text = "not run" if row is None else "not applicable"
                    axes.text(0.02, place, text, va="center", color=style.GREY, fontsize=style.TINY)
        style.shares(axes)
        axes.set_xlim(-0.03, 1.2)
        axes.spines["bottom"].set_bounds(0, 1)
        axes.tick_params(axis="y", length=0)
        axes.set_yticks(range(len(methods)), [self.sheet.label(method) for method in methods])
        axes.set_ylim(len(methods) - 0.4, -0.6)
        axes.set_title(spaced(task))

    def handles(self) -> list[Line2D]:
        """All suspects, those without the degraded, the bound."""
        look = {"color": style.INK, "marker": "o"} | SIGN | {"linewidth": 0.9}
        handles = [Line2D([], [], label="all suspects, 95 % interval", **look)]
        if "kept" in self.variants:
            handles.append(Line2D([], [], **look | {"markerfacecolor": "white"}, label="without degraded suspects"))
        dotted: dict[str, Any] = {"color": style.GREY, "linewidth": 0.8, "linestyle": ":"}
        return [*handles, Line2D([], [], label=self.statistic.meaning, **dotted)]

    def _look(self, method: Method, variant: str) -> dict[str, Any]:
        own = self.sheet.line(method)
        face = own["color"] if variant == "all" else "white"
        return {"color": own["color"], "marker": own["marker"], "markerfacecolor": face} | SIGN


def _point(axes: Axes, row: pd.Series, y: float, column: str, look: dict[str, Any]) -> None:
    """The interval as a line, the value as a sign upon it and, of all suspects, as a number at the right."""
    value, low, high = (float(row[name]) for name in (column, f"{column}_low", f"{column}_high"))
    if not np.isnan(low):
        axes.plot([low, high], [y, y], color=look["color"], linewidth=0.9, zorder=2, solid_capstyle="butt")
    axes.plot([value], [y], linestyle="", zorder=3, **look)
    if look["markerfacecolor"] != "white":
        axes.text(1.2, y, number(value, 2), ha="right", va="center", fontsize=style.TINY)
