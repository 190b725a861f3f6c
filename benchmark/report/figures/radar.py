"""A radar per family: one axis a distance, its mean score outward, and the area as the confidence in a positive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from benchmark.report import findings as found
from benchmark.report.figures import separation, style
from benchmark.report.figures.grid import Grid, Legend
from benchmark.report.figures.sheet import Method, Sheet

AXES = 3  # fewer span no area
SIZE = 1.02  # inches of a radar
Floats = NDArray[np.float64]


def axes_of(scores: pd.DataFrame, task: str) -> list[Method]:
    """The (fingerprint, verifier) pairs that score by a distance on a task, in order of appearance."""
    return found.methods(separation.of_task(scores, task))


def table(scores: pd.DataFrame, task: str) -> pd.DataFrame:
    """Family, suspect and its mean scores over victims and repeats, a column per distance; NaN where not judged.

    Families in the order of the other figures, the victim first.
    """
    rows, columns = separation.of_task(scores, task), axes_of(scores, task)
    order = ["victim", *found.families(rows)]
    suspects = rows.drop_duplicates("suspect")[["family", "suspect"]]
    suspects = suspects.sort_values("family", key=lambda names: names.map(order.index), kind="stable")
    means = rows.groupby(["suspect", "fingerprint", "verifier"])["score"].mean()
    for fingerprint, verifier in columns:
        own = means.reindex([(suspect, fingerprint, verifier) for suspect in suspects["suspect"]])
        suspects[f"{fingerprint} {verifier}"] = own.to_numpy()
    return suspects.reset_index(drop=True)


def area(values: Floats) -> float:
    """The polygon's share of the largest one, (axes,) in [0, 1] at even angles; axes of NaN are left out of both.

    With all of k axes it is sum_i v_i v_{i+1} / k. NaN with fewer than three axes.

    >>> area(np.array([1.0, 0.5, 1.0, 0.5]))
    0.5
    """
    known = ~np.isnan(values)
    if known.sum() < AXES:
        return float("nan")
    whole = _shoelace(_corners(np.ones(len(values)))[known])
    return _shoelace(_corners(values)[known]) / whole


def draw(scores: pd.DataFrame, task: str, sheet: Sheet) -> Iterator[Figure]:
    """Small multiples, the first a key to the axes; filled is the family's mean, and the number its area.

    Grey outlines are the family's suspects one by one.
    """
    values, methods = table(scores, task), axes_of(scores, task)
    kinds = scores.drop_duplicates("family").set_index("family")["positive"]
    panels: list[tuple[str, Floats] | None] = [None]
    for family, group in values.groupby("family", sort=False):
        panels.append((str(family), group.drop(columns=["family", "suspect"]).to_numpy(dtype=float)))
    grid = Grid(sheet.width, SIZE, SIZE, left=0.12, title=0.3, foot=0.06, gap=0.12, columns=6, stretch=1.0)
    legend = Legend(_handles(), sheet.width)
    for page in grid.pages(panels, legend.height):
        figure, shown = grid.figure(len(page), legend)
        for axes, content in zip(shown, page, strict=True):
            axes.set_axis_off()
            axes.set(xlim=(-1.25, 1.25), ylim=(-1.25, 1.25))
            if content is None:
                _key(axes, _apart([sheet.names.method(*method) for method in methods]))
                continue
            family, suspects = content
            side = "victim" if family == "victim" else "positive" if kinds[family] else "negative"
            _panel(axes, suspects, LOOKS[side])
            _name(axes, sheet.family(family), suspects)
        yield figure


LOOKS: dict[str, dict[str, Any]] = {
    "victim": {"facecolor": "#BBBBBB", "edgecolor": style.INK},
    "positive": {"facecolor": "#9CC9E4", "edgecolor": style.BLUE},
    "negative": {"facecolor": "white", "edgecolor": style.RED, "hatch": "//////"},
}


def _corners(values: Floats) -> Floats:
    """Points (axes, 2) at these radii, the first axis upward, then clockwise."""
    angle = np.pi / 2 - 2 * np.pi * np.arange(len(values)) / len(values)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) * values[:, None]


def _shoelace(corners: Floats) -> float:
    x, y = corners.T
    return float(abs((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) / 2)


def _rings(axes: Axes, count: int) -> None:
    spokes = [np.stack([np.zeros(2), corner]) for corner in _corners(np.ones(count))]
    axes.add_collection(LineCollection(spokes, colors=style.PALE, linewidths=0.6, zorder=0))
    for radius, line, color in ((1.0, "-", style.GREY), (0.5, ":", style.INK)):  # above what would hide the threshold
        ring = [_corners(np.full(count, radius))]
        look: dict[str, Any] = {"edgecolors": color, "linewidths": 0.7, "linestyles": line}
        axes.add_collection(PolyCollection(ring, facecolors="none", zorder=4, **look))


def _apart(names: Sequence[str]) -> list[str]:
    """The names without the words that all of them begin with."""
    words = [name.split(" ") for name in names]
    shared = len(list(takewhile(lambda same: len(set(same)) == 1, zip(*(each[:-1] for each in words), strict=False))))
    return [" ".join(each[shared:]) for each in words]


def _key(axes: Axes, names: Sequence[str]) -> None:
    _rings(axes, len(names))
    for (x, y), name in zip(0.72 * _corners(np.ones(len(names))), names, strict=True):
        axes.text(x, y, name, ha="center", va="center", fontsize=style.TINY, fontweight="bold")
    axes.text(0, 0, "key", ha="center", va="center", fontsize=style.TINY, color=style.GREY)


def _panel(axes: Axes, suspects: Floats, look: dict[str, Any]) -> None:
    """The mean of suspects (suspects, axes), and each of them in outline where there are several."""
    mean = _mean(suspects)
    _rings(axes, len(mean))
    known = ~np.isnan(mean)
    if known.any():
        axes.add_collection(
            PolyCollection([_corners(np.nan_to_num(mean))[known]], linewidths=1.0, zorder=2, **_many(look))
        )
    if len(suspects) > 1:
        outlines = [_corners(np.nan_to_num(row))[~np.isnan(row)] for row in suspects if not np.isnan(row).all()]
        axes.add_collection(
            PolyCollection(outlines, facecolors="none", edgecolors=style.GREY, linewidths=0.3, zorder=3)
        )
    for x, y in 1.12 * _corners(np.ones(len(mean)))[~known]:
        axes.text(x, y, "n/a", ha="center", va="center", fontsize=5, color=style.GREY)


def _many(look: dict[str, Any]) -> dict[str, Any]:
    return {"facecolors": look["facecolor"], "edgecolors": look["edgecolor"], "hatch": look.get("hatch")}


def _mean(suspects: Floats) -> Floats:
    """Over the suspects that an axis knows, NaN where it knows none."""
    known = ~np.isnan(suspects)
    count = known.sum(axis=0)
    return np.where(count > 0, np.nansum(suspects, axis=0) / np.maximum(count, 1), np.nan)


def _name(axes: Axes, family: str, suspects: Floats) -> None:
    share = area(_mean(suspects))
    count = f" ({len(suspects)})" if len(suspects) > 1 else ""
    name = f"{family}{count}"
    text = f"{name}\n{'n/a' if np.isnan(share) else f'{share:.2f}'}"
    axes.set_title(text, fontsize=style.fitted(name, 1.08 * SIZE, style.SMALL), linespacing=1.1, pad=2.0)


def _handles() -> list[Patch | Line2D]:
    filled: list[Patch | Line2D] = [Patch(label=name, **look) for name, look in LOOKS.items()]
    dotted: dict[str, Any] = {"color": style.INK, "linestyle": ":", "linewidth": 0.7}
    single: dict[str, Any] = {"color": style.GREY, "linewidth": 0.5}
    return [*filled, Line2D([], [], label="threshold", **dotted), Line2D([], [], label="single suspects", **single)]
