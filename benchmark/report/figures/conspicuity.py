"""What the detectors measure on prints and on clean test images, beside the thresholds: a panel per detector."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, NullFormatter
from numpy.typing import NDArray

from benchmark.report import findings as found
from benchmark.report.figures import style
from benchmark.report.tables.stealth import CLEAN

POINTS = 60  # drawn of a row at most, evenly spaced by rank with the two ends; quantiles are of all
SPREAD = 20  # the axis is logarithmic where the largest distance is this many times the largest threshold
DASHES = ("--", ":", "-.", (0, (6, 2, 1, 2, 1, 2)))
MADE: dict[str, Any] = {"facecolor": style.BLUE, "edgecolor": style.BLUE}
ROUNDED: dict[str, Any] = {"facecolor": "white", "edgecolor": style.BLUE}
IMAGES: dict[str, Any] = {"facecolor": style.GREY, "edgecolor": style.GREY}


def draw(
    scores: pd.DataFrame, distances: pd.DataFrame, detections: pd.DataFrame, task: str, marks: Container[str] = ()
) -> Figure:
    """Clean images in the first row, then a row per fingerprint, all repeats together."""
    here = distances[(distances["task"] == task) & distances["distance"].notna()]
    told = detections[detections["task"] == task]
    detectors = list(dict.fromkeys(here["detector"]))
    names = ["", *_fingerprints(scores, here, told)]
    figure = Figure(figsize=(max(3.3 * len(detectors) + 1.2, 4.6), 0.42 * len(names) + 1.75), layout="constrained")
    grid = figure.subplots(1, len(detectors), sharey=True, squeeze=False)[0]
    for axes, detector in zip(grid, detectors, strict=True):
        own, verdicts = here[here["detector"] == detector], told[told["detector"] == detector]
        for y, name in enumerate(names):
            refused = verdicts[(verdicts["fingerprint"] == name) & (verdicts["reason"] != "")]
            _row(axes, y, name, own[own["fingerprint"] == name], "not run" if refused.empty else "not applicable")
        _axis(axes, own[["distance", "distance_8bit"]].to_numpy(), _thresholds(axes, verdicts), detector)
    labels = [found.signed(name, name, marks) if name else CLEAN for name in names]
    grid[0].set(yticks=range(len(names)), yticklabels=labels, ylim=(len(names) - 0.45, -0.6))
    rounded = bool(here["distance_8bit"].notna().any())
    columns = 4 if len(detectors) > 1 else 2
    figure.legend(handles=_legend(rounded), loc="outside lower center", ncols=columns, frameon=False)
    return figure


def _fingerprints(scores: pd.DataFrame, here: pd.DataFrame, told: pd.DataFrame) -> list[str]:
    """Those of the task that a detector was asked about, in the order of the scores."""
    asked = {*here["fingerprint"], *told["fingerprint"]} - {""}
    order = [str(name) for name in scores["fingerprint"].unique()]
    return sorted(asked, key=lambda name: (order.index(name) if name in order else len(order), name))


def _row(axes: Axes, y: int, name: str, own: pd.DataFrame, absent: str) -> None:
    """Quantile bars of one fingerprint, and the number of prints at the right."""
    made, rounded = (own[column].dropna().to_numpy() for column in ("distance", "distance_8bit"))
    axes.axhline(y, color=style.PALE, linewidth=0.6, zorder=0)
    count = f"n = {len(made)}" if len(made) else absent
    side: dict[str, Any] = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points"}
    axes.annotate(count, (1.0, y), (4, 0), va="center", fontsize=6.5, color=style.GREY, **side)
    if not len(made):
        return
    look = MADE if name else IMAGES
    _bar(axes, y - 0.12 if len(rounded) else y, made, look)
    if len(rounded):
        _bar(axes, y + 0.06, rounded, ROUNDED)
    ranks = np.unique(np.linspace(0, len(made) - 1, POINTS).round().astype(int))
    level = np.full(len(ranks), y + 0.3 if len(rounded) else y + 0.22)
    axes.scatter(np.sort(made)[ranks], level, s=9, marker="|", linewidths=0.6, color=look["edgecolor"], zorder=2)


def _bar(axes: Axes, y: float, values: NDArray[np.float64], look: dict[str, Any]) -> None:
    """A line from the 5 % to the 95 % quantile, a box from 25 to 75 %, a tick at the median."""
    low, first, middle, third, high = np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95))
    axes.plot([low, high], [y, y], color=look["edgecolor"], linewidth=0.9, zorder=3, solid_capstyle="butt")
    axes.barh(y, third - first, left=first, height=0.16, linewidth=0.8, zorder=4, **look)
    axes.plot([middle, middle], [y - 0.12, y + 0.12], color=style.INK, linewidth=1.4, zorder=5)


def _thresholds(axes: Axes, verdicts: pd.DataFrame) -> list[float]:
    """A line at each threshold's mean over repeats, a band from its smallest to its largest; labels in steps."""
    known = verdicts[verdicts["value"].notna()].groupby("threshold", sort=False)["value"]
    spans = sorted((float(values.mean()), float(values.min()), float(values.max()), str(n)) for n, values in known)
    for place, (mean, low, high, name) in enumerate(spans):
        look: dict[str, Any] = {"color": style.RED, "linewidth": 1.1, "linestyle": DASHES[place % len(DASHES)]}
        axes.axvline(mean, zorder=1, **look)
        if high > low:
            axes.axvspan(low, high, color=style.RED, alpha=0.12, linewidth=0, zorder=0)
        step = 3 + 10 * (len(spans) - 1 - place)  # the leftmost is the highest: its label's end crosses no other line
        above: dict[str, Any] = {"xycoords": axes.get_xaxis_transform(), "textcoords": "offset points"}
        axes.annotate(f"{name} {mean:.3g}", (mean, 1.0), (0, step), fontsize=7, color=style.RED, ha="center", **above)
    return [mean for mean, *_ in spans]


def _axis(axes: Axes, values: NDArray[np.float64], thresholds: list[float], detector: str) -> None:
    """Linear from 0, or logarithmic where the thresholds would else be lost beside the largest distance."""
    shown = np.array([*values[~np.isnan(values)], *thresholds])
    if shown.min() > 0 and shown.max() > SPREAD * max(thresholds, default=float(np.median(shown))):
        axes.set_xscale("log")
        axes.set_xlim(shown.min() / 1.3, shown.max() * 1.3)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))  # powers would need math text
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_xlim(min(0.0, shown.min()), 1.04 * shown.max() or 1.0)
    axes.set_title(detector, pad=6 + 10 * len(thresholds))
    axes.set_xlabel("distance")


def _legend(rounded: bool) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [Patch(**IMAGES, label=CLEAN), Patch(**MADE, label="prints as made")]
    handles += [Patch(**ROUNDED, label="prints, 8 bit")] if rounded else []
    return [*handles, Line2D([], [], color=style.RED, linestyle="--", linewidth=1.1, label="threshold")]
