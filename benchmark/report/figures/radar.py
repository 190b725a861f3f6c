"""A radar per suspect: one axis a distance, its score outward, and the area as the confidence that it is a positive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Polygon
from numpy.typing import NDArray

from benchmark.report import findings as found
from benchmark.report.figures import separation, style

COLUMNS = 6
WIDEST = 22  # letters of a line above a radar
AXES = 3  # fewer span no area
Floats = NDArray[np.float64]


def axes_of(scores: pd.DataFrame, task: str) -> list[tuple[str, str]]:
    """The (fingerprint, verifier) pairs that score by a distance on a task, in order of appearance."""
    return found.methods(separation.of_task(scores, task))


def table(scores: pd.DataFrame, task: str) -> pd.DataFrame:
    """Family, suspect and its mean scores over repeats, a column per distance; NaN where it was not judged.

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


def draw(scores: pd.DataFrame, task: str) -> Figure:
    """Small multiples, the first a key to the axes; the number is the area."""
    values = table(scores, task)
    names = [verifier for _, verifier in axes_of(scores, task)]
    kinds = scores.drop_duplicates("suspect").set_index("suspect")["positive"]
    height = -(-(len(values) + 1) // COLUMNS)
    figure = Figure(figsize=(1.42 * COLUMNS, 1.62 * height + 0.45), layout="constrained")
    grid = figure.subplots(height, COLUMNS, squeeze=False).ravel()
    _key(grid[0], names)
    for axes, (_, row) in zip(grid[1:], values.iterrows(), strict=False):
        family, suspect = (str(row.pop(name)) for name in ("family", "suspect"))
        look = LOOKS["victim" if family == "victim" else "positive" if kinds[suspect] else "negative"]
        _panel(axes, row.to_numpy(dtype=float), look)
        axes.set_title(f"{_wrapped(suspect)}\n{_number(area(row.to_numpy(dtype=float)))}", fontsize=6.5, pad=2)
    for axes in grid:
        axes.set_axis_off()
        axes.set(xlim=(-1.25, 1.25), ylim=(-1.25, 1.25), aspect="equal")
    handles = [Patch(label=name, **look) for name, look in LOOKS.items()]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(LOOKS), frameon=False)
    return figure


LOOKS: dict[str, dict[str, Any]] = {
    "victim": {"facecolor": style.GREY, "edgecolor": style.INK},
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
    for corner in _corners(np.ones(count)):
        axes.plot([0, corner[0]], [0, corner[1]], color=style.PALE, linewidth=0.6, zorder=0)
    for radius, line in ((1.0, "-"), (0.5, ":")):  # above the polygon, which would hide the threshold
        look: dict[str, Any] = {"edgecolor": style.INK if radius < 1 else style.GREY, "linewidth": 0.7}
        axes.add_patch(Polygon(_corners(np.full(count, radius)), fill=False, linestyle=line, zorder=3, **look))


def _key(axes: Axes, names: Sequence[str]) -> None:
    _rings(axes, len(names))
    for (x, y), name in zip(1.2 * _corners(np.ones(len(names))), names, strict=True):
        side = "center" if abs(x) < 0.1 else "left" if x > 0 else "right"
        axes.text(x * 0.95, y, name, ha=side, va="center", fontsize=7, fontweight="bold")
    axes.text(0, 0, "dotted:\nthreshold", ha="center", va="center", fontsize=6, color=style.INK)


def _panel(axes: Axes, values: Floats, look: dict[str, Any]) -> None:
    _rings(axes, len(values))
    known = ~np.isnan(values)
    if known.any():
        axes.add_patch(Polygon(_corners(np.nan_to_num(values))[known], linewidth=1.0, zorder=2, **look))
    for x, y in 1.12 * _corners(np.ones(len(values)))[~known]:
        axes.text(x, y, "n/a", ha="center", va="center", fontsize=5.5, color=style.GREY)


def _wrapped(name: str) -> str:
    """A suspect's label in two lines: its family, then its rung, without the settings' names where that is long."""
    family, _, rung = name.partition(" ")
    if len(rung) > WIDEST:
        rung = ", ".join(part.partition("=")[2] for part in rung.split(" "))
    return f"{family.replace('_', ' ')}\n{rung}"


def _number(value: float) -> str:
    return "n/a" if np.isnan(value) else f"{value:.2f}"
