"""Panels on pages, measured in inches: no figure is wider than the sheet or taller than a page, nothing is cut off.

Places are computed, not searched for: matplotlib's layout engines draw every figure once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, TypeVar

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.report.figures import style

TALLEST = 8.9  # inches of a page
LINE = 0.155  # inches of a legend's line
EDGE = 0.06  # inches around everything
T = TypeVar("T")


@dataclass(frozen=True)
class Legend:
    """What the signs of a figure mean, above its panels, in as many columns as the width allows."""

    handles: Sequence[Artist]
    width: float

    @property
    def columns(self) -> int:
        """As many as stand side by side, each as wide as its own widest name with its sign."""
        counts = range(len(self.handles), 1, -1)
        return next((count for count in counts if self._needs(count) <= self.width), 1)

    @property
    def needs(self) -> float:
        """The width in inches that it takes up."""
        return self._needs(self.columns)

    @property
    def height(self) -> float:
        """Inches, the edge above it among them."""
        return LINE * -(-len(self.handles) // self.columns) + EDGE if self.handles else 0.0

    def put(self, figure: Figure) -> None:
        """Above all panels of the figure."""
        if self.handles:
            look: dict[str, Any] = {"frameon": False, "borderpad": 0, "borderaxespad": 0, "labelspacing": 0.35}
            look |= {"loc": "upper center", "bbox_to_anchor": (0.5, 1 - EDGE / figure.get_figheight())}
            look |= {"columnspacing": 0.9, "handletextpad": 0.5, "handlelength": 2.6}
            figure.legend(handles=list(self.handles), ncols=self.columns, **look)

    def _needs(self, columns: int) -> float:
        """The width of so many columns, which matplotlib fills one after the other, longer ones first."""
        names = [str(handle.get_label()) for handle in self.handles]
        short, longer = divmod(len(names), columns)
        ends = [0, *accumulate([short + 1] * longer + [short] * (columns - longer))]
        return EDGE + sum(style.broadest(names[a:b]) + 0.43 for a, b in pairwise(ends))


@dataclass(frozen=True)
class Grid:
    """How panels of one kind are set.

    Attributes:
        width: of a figure at most; with few panels it is narrower.
        least: the width of a panel that its content needs; panels are up to `stretch` times as wide.
        height: of a panel.
        left: room for the names at the left of a row.
        title: room above each panel.
        foot: room below the lowest panels.
        right: room at the right of a row.
        gap: between two panels of a row.
        below: room below every panel, besides the next title.
        columns: panels in a row at most.
    """

    width: float
    least: float
    height: float
    left: float
    title: float = 0.2
    foot: float = 0.36
    right: float = 0.08
    gap: float = 0.13
    below: float = 0.06
    columns: int = 5
    stretch: float = 1.9

    def pages(self, panels: Sequence[T], legend: float) -> list[Sequence[T]]:
        """The panels page by page, of whole rows and about equally many."""
        wide = self._across(len(panels))
        fit = max(1, int((TALLEST - legend - self.foot - EDGE + 1e-9) / self._down))
        rows = -(-len(panels) // wide)
        count = -(-rows // fit)
        per = wide * -(-rows // count) if count else 1
        return [panels[first : first + per] for first in range(0, len(panels), per)]

    def figure(self, count: int, legend: Legend) -> tuple[Figure, list[Axes]]:
        """A figure of `count` panels from left to right, row by row; inner ones have no numbers at their axes."""
        wide = self._across(count)
        rows, high = -(-count // wide), legend.height
        panel = min(self._room(wide), self.stretch * self.least)
        width = max(self.left + self.right + wide * panel + (wide - 1) * self.gap, legend.needs)
        height = high + rows * self._down + self.foot + EDGE
        figure = Figure(figsize=(width, height))
        legend.put(figure)
        panels = []
        for place in range(count):
            row, column = divmod(place, wide)
            x = self.left + column * (panel + self.gap)
            y = height - high - EDGE - row * self._down - self.title - self.height
            axes = figure.add_axes((x / width, y / height, panel / width, self.height / height))
            axes.tick_params(labelleft=column == 0, labelbottom=place + wide >= count)
            panels.append(axes)
        return figure, panels

    def name(self, axes: Axes, title: str) -> None:
        """A panel's title, in letters small enough to keep off its neighbours'."""
        room = axes.bbox.width / axes.figure.dpi + 0.7 * self.gap
        axes.set_title(title, fontsize=style.fitted(title, room, 8), linespacing=1.15)

    def lowest(self, panels: Sequence[Axes]) -> Sequence[Axes]:
        """Those of a figure's panels that have none below them."""
        return panels[max(0, len(panels) - self._across(len(panels))) :]

    def first(self, panels: Sequence[Axes]) -> Sequence[Axes]:
        """Those of a figure's panels that stand at the left."""
        return panels[:: self._across(len(panels))]

    @property
    def _down(self) -> float:
        return self.title + self.height + self.below

    def _room(self, wide: int) -> float:
        return (self.width - self.left - self.right - (wide - 1) * self.gap) / wide

    def _across(self, count: int) -> int:
        """Panels in a row: as many as there is room for, and rows about equally long."""
        most = int((self.width - self.left - self.right + self.gap + 1e-9) / (self.least + self.gap))
        most = max(1, min(self.columns, most))
        return -(-count // -(-count // most)) if count else 1
