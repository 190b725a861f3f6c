"""Galleries: original, print, their difference amplified, saliency on victim, copy and negative; methods compared."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from benchmark.report import findings as found
from benchmark.report import style
from benchmark.report.findings import Exhibit

ROWS = 5  # prints shown at most
SIDE_BY_SIDE = 3  # prints of each method where methods are compared
FACTORS = (1, 2, 5, 10, 20, 50, 100, 200)


def draw(exhibit: Exhibit) -> Figure:
    """One row per print."""
    columns = _columns(exhibit)
    rows = min(ROWS, len(exhibit.samples))
    figure = Figure(figsize=(1.12 * len(columns) + 0.75, 1.12 * rows + 0.6), layout=_tight())
    grid = figure.subplots(rows, len(columns), squeeze=False)
    for j, (title, images) in enumerate(columns):
        grid[0, j].set_title(title, fontsize=7.5)
        for i in range(rows):
            _show(grid[i, j], images[i])
    for i in range(rows):
        text = exhibit.captions[i] if i < len(exhibit.captions) else ""
        grid[i, 0].set_ylabel(text, fontsize=7.5, rotation=0, ha="right", va="center")
    return figure


def compare(exhibits: list[Exhibit], marks: Container[str] = ()) -> Figure:
    """One row per method: its first prints, each behind its source image where it has one."""
    count = min(SIDE_BY_SIDE, max(len(exhibit.samples) for exhibit in exhibits))
    figure = Figure(figsize=(1.12 * 2 * count + 1.1, 1.12 * len(exhibits) + 0.4), layout=_tight())
    grid = figure.subplots(len(exhibits), 2 * count, squeeze=False)
    for exhibit, row in zip(exhibits, grid, strict=True):
        for place, axes in enumerate(row):
            images = exhibit.samples if place % 2 else exhibit.originals
            if images is None or place // 2 >= len(exhibit.samples):
                _blank(axes, "no source" if place // 2 < len(exhibit.samples) else "")
            else:
                _show(axes, np.asarray(images[place // 2], dtype=float))
        name = found.signed(exhibit.fingerprint, exhibit.fingerprint, marks)
        row[0].set_ylabel(name, rotation=0, ha="right", va="center")
    for place, axes in enumerate(grid[0]):
        axes.set_title("print" if place % 2 else "original", fontsize=7.5)
    return figure


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


def _tight() -> ConstrainedLayoutEngine:
    return ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02, wspace=0.02, hspace=0.02)


def _blank(axes: Axes, text: str) -> None:
    axes.set(xticks=(), yticks=())
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=7.5, color=style.GREY, transform=axes.transAxes)


def _show(axes: Axes, image: NDArray[np.float64]) -> None:
    axes.set(xticks=(), yticks=())
    for spine in axes.spines.values():
        spine.set(visible=True, color=style.PALE)
    if image.ndim == 2:
        axes.imshow(np.nan_to_num(image), cmap="magma", vmin=0, vmax=1, interpolation="nearest")
    else:
        axes.imshow(np.clip(image.transpose(1, 2, 0), 0, 1), interpolation="nearest")
