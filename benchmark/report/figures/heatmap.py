"""The heat map of robustness by family, the negatives' uniqueness in the last rows of each task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from benchmark.report import findings as found
from benchmark.report.figures import style
from benchmark.report.figures.grid import EDGE, TALLEST
from benchmark.report.figures.sheet import Method, Sheet
from benchmark.report.names import spaced
from benchmark.report.shares import by_key

ROW, HEADING, FOOT = 0.155, 0.22, 0.2  # inches of a family, of a task's name, of the note below
WIDEST, WITH_NUMBER = 0.5, 0.25  # inches of a method at most, and at least with numbers
Block = tuple[str, Sequence[str]]  # a task and families of it
# White to blue: lightness falls steadily, so that grey prints keep the order.
BLUES = LinearSegmentedColormap.from_list("blues", ["#FFFFFF", "#004573"])


def draw(scores: pd.DataFrame, sheet: Sheet) -> Iterator[Figure]:
    """A block of rows per task, families under one another; columns are methods. Darker is better.

    Where a column is wide enough the number stands in its cell, a star where degraded suspects are among the family's.
    """
    methods, cells = found.methods(scores), by_key(scores)
    blocks = [(task, found.families(scores[scores["task"] == task])) for task in found.tasks(scores)]
    head = style.broadest(map(sheet.label, methods)) + 0.1
    for page in _pages(blocks, TALLEST - head - FOOT - 2 * EDGE):
        chart = _Chart(page, methods, sheet, head)
        for block in page:
            chart.block(block, cells, dict(scores.drop_duplicates("family")[["family", "positive"]].to_numpy()))
        yield chart.figure


def _pages(blocks: Sequence[Block], room: float) -> list[list[Block]]:
    """Blocks in their order, as many on a page as fit; one that fits on none is cut into parts."""
    fit = int((room - HEADING) / ROW)
    parts = [(task, names[i : i + fit]) for task, names in blocks for i in range(0, len(names), fit)]
    pages: list[list[Block]] = []
    free = 0.0
    for part in parts:
        high = HEADING + ROW * len(part[1])
        if high > free:
            pages.append([])
            free = room
        pages[-1].append(part)
        free -= high
    return pages


class _Chart:
    """All blocks of a page in one axes, in inches from its upper left corner; methods' names above."""

    def __init__(self, blocks: Sequence[Block], methods: Sequence[Method], sheet: Sheet, head: float) -> None:
        self._methods, self._sheet = methods, sheet
        families = [sheet.family(name) for _, names in blocks for name in names]
        self._left = style.broadest(families) + 0.3
        self._cell = min(WIDEST, (sheet.width - self._left - EDGE) / len(methods))
        self._y = head + EDGE
        width = self._left + self._cell * len(methods) + EDGE
        height = self._y + sum(HEADING + ROW * len(names) for _, names in blocks) + FOOT
        self.figure = Figure(figsize=(width, height))
        self._axes = self.figure.add_axes((0, 0, 1, 1))
        self._axes.set(xlim=(0, width), ylim=(height, 0))
        self._axes.set_axis_off()
        up: dict[str, Any] = {"rotation": 90, "ha": "center", "va": "bottom", "fontsize": style.SMALL}
        for x, method in enumerate(methods):
            self._axes.text(self._left + (x + 0.5) * self._cell, self._y - 0.03, sheet.label(method), **up)
        shade = "" if self._cell > WITH_NUMBER else "; white: 0, darkest: 1"
        note = f"R: positives called positive, U: negatives not{shade}; *: some degraded; dashes: not judged"
        size = style.fitted(note, width - 0.1, style.TINY)
        self._axes.text(EDGE, height - EDGE, note, fontsize=size, va="bottom", color=style.GREY)

    def block(self, block: Block, cells: dict[tuple[str, str, str, str], pd.Series], kinds: dict[str, bool]) -> None:
        """One task's rows."""
        task, names = block
        axes, right = self._axes, self._left + self._cell * len(self._methods)
        axes.text(EDGE, self._y + HEADING - 0.05, spaced(task), fontsize=8, fontweight="bold", va="bottom")
        self._y += HEADING
        found_here = [[cells.get((task, *method, name)) for method in self._methods] for name in names]
        values = np.array([[np.nan if cell is None else cell["share"] for cell in row] for row in found_here])
        x = self._left + self._cell * np.arange(len(self._methods) + 1)
        y = self._y + ROW * np.arange(len(names) + 1)
        axes.pcolormesh(
            x, y, np.ma.masked_invalid(values), cmap=BLUES, vmin=0, vmax=1, edgecolors="white", linewidth=0.5
        )
        for place, (name, row) in enumerate(zip(names, found_here, strict=True)):
            middle = self._y + ROW * (place + 0.5)
            side = "R" if kinds[name] else "U"
            axes.text(self._left - 0.06, middle, f"{self._sheet.family(name)}  {side}", **RIGHT)
            if place and kinds[names[place - 1]] != kinds[name]:
                edge = self._y + ROW * place
                axes.plot([self._left, right], [edge, edge], color=style.INK, linewidth=0.8)
            for column, cell in enumerate(row):
                _cell(axes, self._left + (column + 0.5) * self._cell, middle, cell, self._cell)
        self._y += ROW * len(names)


RIGHT: dict[str, Any] = {"ha": "right", "va": "center", "fontsize": style.SMALL}


def _cell(axes: Axes, x: float, y: float, cell: pd.Series | None, width: float) -> None:
    look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": style.TINY}
    if cell is None:
        axes.text(x, y, "-", color=style.GREY, **look)
        return
    share = float(cell["share"])
    text = f"{share:.2f}" + ("*" if cell["degraded"] else "")
    if width > WITH_NUMBER:
        axes.text(x, y, text, color="white" if share > 0.5 else style.INK, **look)
