"""Galleries: original, print, their difference amplified, saliency on victim and suspects; methods compared."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from benchmark.report import findings as found
from benchmark.report.figures import style
from benchmark.report.findings import Exhibit

ROWS = 5  # prints shown at most
SIDE_BY_SIDE = 3  # prints of each method where methods are compared
TILE, GAP = 1.12, 0.04  # inches: a picture with the gap around it, that gap
HEAD, LINE = 0.34, 0.135  # inches: the titles of columns, a line of them
FACTORS = (1, 2, 5, 10, 20, 50, 100, 200)


def draw(exhibit: Exhibit) -> Figure:
    """One row per print."""
    columns = _columns(exhibit)
    rows = min(ROWS, len(exhibit.samples))
    sheet = _Sheet(rows, len(columns), side=0.75, size=7.5)
    for j, (title, _) in enumerate(columns):
        sheet.head(j, title)
    for i in range(rows):
        for j, (_, images) in enumerate(columns):
            sheet.show(i, j, images[i])
    for i, text in enumerate(exhibit.captions[:rows]):
        sheet.name(i, text)
    return sheet.figure


def compare(exhibits: list[Exhibit], marks: Container[str] = ()) -> Figure:
    """One row per method: its first prints, each behind its source image where it has one."""
    count = min(SIDE_BY_SIDE, max(len(exhibit.samples) for exhibit in exhibits))
    sheet = _Sheet(len(exhibits), 2 * count, side=1.1, size=8.5)
    for i, exhibit in enumerate(exhibits):
        for j in range(2 * count):
            images = exhibit.samples if j % 2 else exhibit.originals
            if images is None or j // 2 >= len(exhibit.samples):
                sheet.blank(i, j, "no source" if j // 2 < len(exhibit.samples) else "")
            else:
                sheet.show(i, j, np.asarray(images[j // 2], dtype=float))
        sheet.name(i, found.signed(exhibit.fingerprint, exhibit.fingerprint, marks))
    for j in range(2 * count):
        sheet.head(j, "print" if j % 2 else "original")
    return sheet.figure


class _Sheet:
    """Square pictures in rows and columns, measured in inches.

    All of them lie in one axes: an axes for each would take most of a report's time.

    Args:
        side: room for the names of rows, at the left.
        size: of the names' letters, in points.
    """

    def __init__(self, rows: int, columns: int, side: float, size: float) -> None:
        self._side, self._size = side, size
        width, height = side + columns * TILE + GAP, HEAD + rows * TILE + GAP
        self.figure = Figure(figsize=(width, height))
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, width), ylim=(height, 0))
        self.axes.set_axis_off()

    def head(self, j: int, text: str) -> None:
        """Names a column, in one line or two."""
        middle = self._side + (j + 0.5) * TILE
        for place, line in enumerate(reversed(text.split("\n"))):
            self.axes.text(middle, HEAD - GAP - place * LINE, line, ha="center", va="baseline", fontsize=7.5)

    def name(self, i: int, text: str) -> None:
        """Names a row."""
        middle = HEAD + (i + 0.5) * TILE
        self.axes.text(self._side - GAP, middle, text, ha="right", va="center", fontsize=self._size)

    def show(self, i: int, j: int, image: NDArray[np.float64]) -> None:
        """A picture (3, H, W) in [0, 1], or a map (h, w) in [0, 1] in colours."""
        left, top = self._side + j * TILE + GAP / 2, HEAD + i * TILE + GAP / 2
        right, bottom = left + TILE - GAP, top + TILE - GAP
        look: dict[str, Any] = {"interpolation": "nearest", "extent": (left, right, bottom, top), "aspect": "auto"}
        if image.ndim == 2:
            self.axes.imshow(np.nan_to_num(image), cmap="magma", vmin=0, vmax=1, **look)
        else:
            self.axes.imshow(np.clip(image.transpose(1, 2, 0), 0, 1), **look)
        frame = Rectangle((left, top), TILE - GAP, TILE - GAP, fill=False, edgecolor=style.PALE, linewidth=0.7)
        self.axes.add_patch(frame)

    def blank(self, i: int, j: int, text: str) -> None:
        """A word in the place of a picture."""
        middle = self._side + (j + 0.5) * TILE, HEAD + (i + 0.5) * TILE
        self.axes.text(*middle, text, ha="center", va="center", fontsize=7.5, color=style.GREY)


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
