"""Galleries: original, print, their difference amplified, saliency on victim and suspects; methods compared."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from benchmark.report.figures import style
from benchmark.report.figures.grid import TALLEST
from benchmark.report.figures.sheet import Sheet
from benchmark.report.findings import Exhibit

ROWS = 5  # prints shown at most
SIDE_BY_SIDE = 3  # prints of each method where methods are compared
TILE, GAP = 1.12, 0.04  # inches: a picture at most with the gap around it, that gap
HEAD, LINE = 0.34, 0.135  # inches: the titles of columns, a line of them
FACTORS = (1, 2, 5, 10, 20, 50, 100, 200)


def draw(exhibit: Exhibit, sheet: Sheet) -> Figure:
    """One row per print."""
    columns = _columns(exhibit)
    rows = min(ROWS, len(exhibit.samples))
    side = style.broadest(exhibit.captions[:rows]) + 2 * GAP
    wall = _Wall(rows, len(columns), side, sheet.width)
    for j, (title, _) in enumerate(columns):
        wall.head(j, title)
    for i in range(rows):
        for j, (_, images) in enumerate(columns):
            wall.show(i, j, images[i])
    for i, text in enumerate(exhibit.captions[:rows]):
        wall.name(i, text)
    return wall.figure


def compare(exhibits: list[Exhibit], sheet: Sheet) -> Figure:
    """One row per method: its first prints, each behind its source image where it has one."""
    count = min(SIDE_BY_SIDE, max(len(exhibit.samples) for exhibit in exhibits))
    names = [sheet.fingerprint(exhibit.fingerprint) for exhibit in exhibits]
    wall = _Wall(len(exhibits), 2 * count, style.broadest(names) + 2 * GAP, sheet.width)
    for i, exhibit in enumerate(exhibits):
        for j in range(2 * count):
            images = exhibit.samples if j % 2 else exhibit.originals
            if images is None or j // 2 >= len(exhibit.samples):
                wall.blank(i, j, "no source" if j // 2 < len(exhibit.samples) else "")
            else:
                wall.show(i, j, np.asarray(images[j // 2], dtype=float))
        wall.name(i, names[i])
    for j in range(2 * count):
        wall.head(j, "print" if j % 2 else "original")
    return wall.figure


class _Wall:
    """Square pictures in rows and columns, measured in inches.

    All of them lie in one axes: an axes for each would take most of a report's time.

    Args:
        side: room for the names of rows, at the left.
        most: the width at most; pictures shrink until they fit it, and a page's height.
    """

    def __init__(self, rows: int, columns: int, side: float, most: float) -> None:
        self._side = side
        self._tile = min(TILE, (most - side - GAP) / columns, (TALLEST - HEAD - GAP) / rows)
        width, height = side + columns * self._tile + GAP, HEAD + rows * self._tile + GAP
        self.figure = Figure(figsize=(width, height))
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, width), ylim=(height, 0))
        self.axes.set_axis_off()

    def head(self, j: int, text: str) -> None:
        """Names a column, in one line or two, in letters small enough for it."""
        middle = self._side + (j + 0.5) * self._tile
        size = style.fitted(text, self._tile - GAP, style.SMALL)
        for place, line in enumerate(reversed(text.split("\n"))):
            self.axes.text(middle, HEAD - GAP - place * LINE, line, ha="center", va="baseline", fontsize=size)

    def name(self, i: int, text: str) -> None:
        """Names a row."""
        middle = HEAD + (i + 0.5) * self._tile
        self.axes.text(self._side - GAP, middle, text, ha="right", va="center", fontsize=style.SMALL)

    def show(self, i: int, j: int, image: NDArray[np.float64]) -> None:
        """A picture (3, H, W) in [0, 1], or a map (h, w) in [0, 1] in colours."""
        left, top = self._side + j * self._tile + GAP / 2, HEAD + i * self._tile + GAP / 2
        right, bottom = left + self._tile - GAP, top + self._tile - GAP
        look: dict[str, Any] = {"interpolation": "nearest", "extent": (left, right, bottom, top), "aspect": "auto"}
        if image.ndim == 2:
            self.axes.imshow(np.nan_to_num(image), cmap="magma", vmin=0, vmax=1, **look)
        else:
            self.axes.imshow(np.clip(image.transpose(1, 2, 0), 0, 1), **look)
        frame = Rectangle(
            (left, top), self._tile - GAP, self._tile - GAP, fill=False, edgecolor=style.PALE, linewidth=0.7
        )
        self.axes.add_patch(frame)

    def blank(self, i: int, j: int, text: str) -> None:
        """A word in the place of a picture."""
        middle = self._side + (j + 0.5) * self._tile, HEAD + (i + 0.5) * self._tile
        self.axes.text(*middle, text, ha="center", va="center", fontsize=style.TINY, color=style.GREY)


def explain(exhibit: Exhibit) -> str:
    """What the columns show, in words, with the stated factor."""
    words = []
    if exhibit.originals is None:
        words.append("The method has no source images.")
    else:
        factor = amplification(exhibit.originals, exhibit.samples)
        words.append(f"The difference to the original is amplified {factor} times around mid-grey.")
    if exhibit.maps:
        words.append(f"Saliency of the same print on {', '.join(exhibit.maps)}: black 0, bright 1.")
    return " ".join(words)


def amplification(originals: NDArray[Any], samples: NDArray[Any]) -> int:
    """The largest of FACTORS that keeps every difference within [-0.5, 0.5], the range around mid-grey; at least 1."""
    largest = float(np.abs(np.asarray(samples, dtype=float) - np.asarray(originals, dtype=float)).max(initial=0.0))
    fitting = [factor for factor in FACTORS if factor * largest <= 0.5]
    return fitting[-1] if fitting else 1


def _columns(exhibit: Exhibit) -> list[tuple[str, NDArray[np.float64]]]:
    """Titles with images: (n, 3, H, W) pictures or (n, h, w) maps."""
    samples = np.asarray(exhibit.samples, dtype=float)
    columns = [("print", samples)]
    if exhibit.originals is not None:
        originals = np.asarray(exhibit.originals, dtype=float)
        factor = amplification(originals, samples)
        difference = np.clip(0.5 + factor * (samples - originals), 0, 1)
        columns = [("original", originals), ("print", samples), (f"difference × {factor}", difference)]
    maps = [(f"saliency on\n{suspect}", np.asarray(map_, dtype=float)) for suspect, map_ in exhibit.maps.items()]
    return columns + maps
