"""Statistics of every method as points with their 95 % intervals, a panel per task."""

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
class Sign:
    """A point of every method: a column of the summary, with its ends `_low` and `_high`, on a set of suspects."""

    column: str
    suspects: str
    words: str


@dataclass(frozen=True)
class Chart:
    """What is drawn of every method: one sign above the other, the first filled, the second hollow.

    Attributes:
        bound: where a dotted line stands, and what it means there.
    """

    name: str
    axis: str
    signs: tuple[Sign, Sign]
    bound: float
    meaning: str
    explained: str

    def known(self, summary: pd.DataFrame) -> bool:
        """Whether any method has the first sign."""
        return bool(summary[self.signs[0].column].notna().any())


def _of_all_and_kept(column: str) -> tuple[Sign, Sign]:
    return Sign(column, "all", "all suspects"), Sign(column, "kept", "without degraded positives")


AUC = Chart(
    *("auc", "AUC", _of_all_and_kept("auc"), 0.5, "chance"),
    "AUC: the share of pairs of a positive and a negative in which the positive scores higher; dotted: chance.",
)
ARUC = Chart(
    *("aruc", "ARUC", _of_all_and_kept("aruc"), 100 / 101, "largest value possible"),
    "ARUC: the mean of min(R, U) over the thresholds 0, 0.01, ..., 1; dotted: the largest value possible, 100/101.",
)


def owners(rate: float) -> Chart:
    """What the owner's threshold achieves, which is to accuse at most a share `rate` of innocents."""
    signs = Sign("owner_tpr", "all", "TPR: positives accused"), Sign("owner_fpr", "all", "FPR: negatives accused")
    text = (
        "At the owner's threshold, set by references of his own: the share of positives that score above it (filled) "
        f"and of negatives (hollow); dotted: the {100 * rate:g} % of innocents that he is ready to accuse."
    )
    return Chart("owner", "share accused", signs, rate, f"{100 * rate:g} %", text)


def draw(scores: pd.DataFrame, summary: pd.DataFrame, chart: Chart, sheet: Sheet) -> Iterator[Figure]:
    """Methods from top to bottom, a panel per task; a hollow sign says nothing where nobody is degraded."""
    methods = found.methods(scores)
    signs = (
        chart.signs
        if (scores["degraded"] & scores["positive"]).any() or chart.signs[1].suspects == "all"
        else chart.signs[:1]
    )
    panels = _Panels(chart, signs, {sign.suspects: by_method(summary, sign.suspects) for sign in signs}, sheet)
    left = style.broadest(map(sheet.label, methods)) + 0.12
    for first in range(0, len(methods), ROWS):
        shown = methods[first : first + ROWS]
        grid = Grid(sheet.width, 1.25, ROW * len(shown), left, stretch=2.2, columns=4, gap=0.2)
        legend = Legend(panels.handles(), sheet.width)
        for page in grid.pages(found.tasks(scores), legend.height):
            figure, drawn = grid.figure(len(page), legend)
            for axes, task in zip(drawn, page, strict=True):
                panels.draw(axes, task, shown)
            for axes in grid.lowest(drawn):
                axes.set_xlabel(chart.axis)
            yield figure


@dataclass(frozen=True)
class _Panels:
    chart: Chart
    signs: tuple[Sign, ...]
    rows: dict[str, dict[tuple[str, str, str], pd.Series]]
    sheet: Sheet

    def draw(self, axes: Axes, task: str, methods: list[Method]) -> None:
        """One task."""
        axes.hlines(range(len(methods)), 0, 1, color=style.PALE, linewidth=0.6, zorder=0)
        axes.axvline(self.chart.bound, color=style.GREY, linewidth=0.8, linestyle=":", zorder=1)
        for offset, sign in enumerate(self.signs):
            for place, method in enumerate(methods):
                y = place + 0.36 * (offset - (len(self.signs) - 1) / 2)
                row = self.rows[sign.suspects].get((task, *method))
                if row is not None and not np.isnan(row[sign.column]):
                    _point(axes, row, y, sign.column, self._look(method, hollow=offset > 0))
                elif not offset:
                    axes.text(0.02, place, _absent(row), va="center", color=style.GREY, fontsize=style.TINY)
        style.shares(axes)
        axes.set_xlim(-0.03, 1.2)
        axes.spines["bottom"].set_bounds(0, 1)
        axes.tick_params(axis="y", length=0)
        axes.set_yticks(range(len(methods)), [self.sheet.label(method) for method in methods])
        axes.set_ylim(len(methods) - 0.4, -0.6)
        axes.set_title(spaced(task))

    def handles(self) -> list[Line2D]:
        """The signs and the bound."""
        look = {"color": style.INK, "marker": "o"} | SIGN | {"linewidth": 0.9}
        faces = (style.INK, "white")
        shown = zip(self.signs, faces, strict=False)
        handles = [Line2D([], [], **look | {"markerfacecolor": face}, label=sign.words) for sign, face in shown]
        dotted: dict[str, Any] = {"color": style.GREY, "linewidth": 0.8, "linestyle": ":"}
        return [*handles, Line2D([], [], label=self.chart.meaning, **dotted)]

    def _look(self, method: Method, hollow: bool) -> dict[str, Any]:
        """Of the sign and, by its dashes, of the interval: full for a method's first setting."""
        own = self.sheet.line(method)
        return {
            "color": own["color"],
            "marker": own["marker"],
            "linestyle": style.dashes(self.sheet.places[method].setting),
            "markerfacecolor": "white" if hollow else own["color"],
        } | SIGN


def _absent(row: pd.Series | None) -> str:
    if row is None:
        return "not run"
    return "not applicable" if row["reason"] else "no threshold"


def _point(axes: Axes, row: pd.Series, y: float, column: str, look: dict[str, Any]) -> None:
    """The interval as a line, the value as a sign upon it and, of all suspects, as a number at the right."""
    value, low, high = (float(row[name]) for name in (column, f"{column}_low", f"{column}_high"))
    if not np.isnan(low):
        line = {"color": look["color"], "linestyle": look["linestyle"], "linewidth": 0.9}
        axes.plot([low, high], [y, y], zorder=2, solid_capstyle="butt", dash_capstyle="butt", **line)
    axes.plot([value], [y], zorder=3, **look | {"linestyle": ""})
    if look["markerfacecolor"] != "white":
        axes.text(1.2, y, number(value, 2), ha="right", va="center", fontsize=style.TINY)
