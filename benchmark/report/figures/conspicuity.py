"""What the detectors measure on prints and on clean test images, beside the thresholds: a panel per detector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
from benchmark.report.figures.grid import Grid, Legend
from benchmark.report.figures.sheet import Sheet
from benchmark.report.findings import Findings
from benchmark.report.names import spaced

POINTS = 60  # drawn of a row at most, evenly spaced by rank with the two ends; quantiles are of all
SPREAD = 20  # the axis is logarithmic where the largest distance is this many times the largest threshold
ROWS = 18  # fingerprints on a page at most
DASHES = ("--", ":", "-.", (0, (6, 2, 1, 2, 1, 2)))
MAIN: dict[str, Any] = {"facecolor": style.BLUE, "edgecolor": style.BLUE}
OTHERS: tuple[dict[str, Any], ...] = tuple(
    {"facecolor": "white", "edgecolor": style.BLUE, "hatch": hatch} for hatch in ("", "////", "....", "xxxx")
)
IMAGES: dict[str, Any] = {"facecolor": style.GREY, "edgecolor": style.GREY}
Looks = dict[str, dict[str, Any]]


def draw(findings: Findings, task: str, sheet: Sheet) -> Iterator[Figure]:
    """Clean images in the first row, then a row per fingerprint with a bar per channel, all victims and repeats."""
    here = findings.distances[(findings.distances["task"] == task) & findings.distances["distance"].notna()]
    told = findings.detections[findings.detections["task"] == task]
    looks = _looks(findings, here)
    chart = _Chart(here, told[told["channel"] == findings.channel], looks, sheet)
    names = _fingerprints(findings.scores, here, told)
    high = 0.36 * max(1.0, (len(looks) - 1) / 2)
    left = style.broadest(map(chart.label, ["", *names])) + 0.14
    legend = Legend(_legend(looks), sheet.width)
    fit = max(1, int(ROWS * 0.36 / high))
    for first in range(0, max(1, len(names)), fit):
        shown = ["", *names[first : first + fit]]
        grid = Grid(sheet.width, 1.75, high * len(shown), left, 0.22 + chart.above, gap=0.6, right=0.55, stretch=2.2)
        for page in grid.pages(list(dict.fromkeys(here["detector"])), legend.height):
            figure, panels = grid.figure(len(page), legend)
            for axes, detector in zip(panels, page, strict=True):
                chart.panel(axes, detector, shown)
            yield figure


@dataclass(frozen=True)
class _Chart:
    """The distances of one task and the verdicts on its main channel."""

    distances: pd.DataFrame
    verdicts: pd.DataFrame
    looks: Looks
    sheet: Sheet

    @property
    def above(self) -> float:
        """Inches between a panel and its title, for the names of the thresholds."""
        counts = self.verdicts[self.verdicts["value"].notna()].groupby("detector")["threshold"].nunique()
        return 0.13 * int(counts.max()) if len(counts) else 0.0

    def label(self, fingerprint: str) -> str:
        """A row's name."""
        return self.sheet.fingerprint(fingerprint) if fingerprint else found.CLEAN

    def panel(self, axes: Axes, detector: str, names: Sequence[str]) -> None:
        """One detector."""
        own = self.distances[self.distances["detector"] == detector]
        verdicts = self.verdicts[self.verdicts["detector"] == detector]
        for y, name in enumerate(names):
            refused = verdicts[(verdicts["fingerprint"] == name) & (verdicts["reason"] != "")]
            absent = "not run" if refused.empty else "not applicable"
            _row(axes, y, own[own["fingerprint"] == name], self.looks, absent)
        _axis(axes, own["distance"].to_numpy(), _thresholds(axes, verdicts))
        axes.set_title(self.sheet.names.detector(detector), pad=4 + 72 * self.above)
        axes.set_xlabel("distance")
        axes.tick_params(labelbottom=True)
        axes.tick_params(axis="y", length=0)
        axes.set_yticks(range(len(names)), [self.label(name) for name in names])
        axes.set_ylim(len(names) - 0.45, -0.6)


def _looks(findings: Findings, here: pd.DataFrame) -> Looks:
    """How the bars of clean images ("") and of each channel look."""
    measured = set(here["channel"])
    names = [name for name in found.channels(findings) if name == findings.channel or name in measured]
    others = {name: OTHERS[place % len(OTHERS)] for place, name in enumerate(names[1:])}
    return {"": IMAGES, findings.channel: MAIN} | others


def _fingerprints(scores: pd.DataFrame, here: pd.DataFrame, told: pd.DataFrame) -> list[str]:
    """Those of the task that a detector was asked about, in the order of the scores."""
    asked = {*here["fingerprint"], *told["fingerprint"]} - {""}
    order = [str(name) for name in scores["fingerprint"].unique()]
    return sorted(asked, key=lambda name: (order.index(name) if name in order else len(order), name))


def _row(axes: Axes, y: int, own: pd.DataFrame, looks: Looks, absent: str) -> None:
    """A bar of quantiles per channel, single prints of the first below, and the number of prints at the right."""
    parts = {name: own.loc[own["channel"] == name, "distance"].to_numpy() for name in looks}
    parts = {name: values for name, values in parts.items() if len(values)}
    first = next(iter(parts), "")
    axes.axhline(y, color=style.PALE, linewidth=0.6, zorder=0)
    count = f"n = {len(parts[first])}" if parts else absent.replace("not applicable", "n/a")
    side: dict[str, Any] = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points"}
    axes.annotate(count, (1.0, y), (3, 0), va="center", fontsize=style.TINY, color=style.GREY, **side)
    if not parts:
        return
    step = 0.36 / max(2, len(parts))
    top = y - 0.03 - step * (len(parts) - 1) / 2 if len(parts) > 1 else y
    for place, (name, values) in enumerate(parts.items()):
        _bar(axes, top + step * place, step, values, looks[name])
    ranks = np.unique(np.linspace(0, len(parts[first]) - 1, POINTS).round().astype(int))
    level = np.full(len(ranks), y + (0.3 if len(parts) > 1 else 0.22))
    points = np.sort(parts[first])[ranks]
    axes.scatter(points, level, s=9, marker="|", linewidths=0.6, color=looks[first]["edgecolor"], zorder=2)


def _bar(axes: Axes, y: float, step: float, values: NDArray[np.float64], look: dict[str, Any]) -> None:
    """A line from the 5 % to the 95 % quantile, a box from 25 to 75 %, a tick at the median; `step` to the next bar."""
    low, first, middle, third, high = np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95))
    axes.plot([low, high], [y, y], color=look["edgecolor"], linewidth=0.9, zorder=3, solid_capstyle="butt")
    axes.barh(y, third - first, left=first, height=step * 8 / 9, linewidth=0.8, zorder=4, **look)
    axes.plot([middle, middle], [y - step * 2 / 3, y + step * 2 / 3], color=style.INK, linewidth=1.4, zorder=5)


def _thresholds(axes: Axes, verdicts: pd.DataFrame) -> list[float]:
    """A line at each threshold's mean, a band from its smallest to its largest value; labels in steps."""
    known = verdicts[verdicts["value"].notna()].groupby("threshold", sort=False)["value"]
    spans = sorted((float(values.mean()), float(values.min()), float(values.max()), str(n)) for n, values in known)
    for place, (mean, low, high, name) in enumerate(spans):
        look: dict[str, Any] = {"color": style.RED, "linewidth": 1.0, "linestyle": DASHES[place % len(DASHES)]}
        axes.axvline(mean, zorder=1, **look)
        if high > low:
            axes.axvspan(low, high, color=style.RED, alpha=0.12, linewidth=0, zorder=0)
        step = 3 + 9 * (len(spans) - 1 - place)  # the leftmost is the highest: its label's end crosses no other line
        above: dict[str, Any] = {"xycoords": axes.get_xaxis_transform(), "textcoords": "offset points"}
        axes.annotate(
            f"{spaced(name)} {mean:.3g}", (mean, 1.0), (0, step), fontsize=6.5, color=style.RED, ha="center", **above
        )
    return [mean for mean, *_ in spans]


def _axis(axes: Axes, values: NDArray[np.float64], thresholds: list[float]) -> None:
    """Linear from 0, or logarithmic where the thresholds would else be lost beside the largest distance."""
    shown = np.array([*values[~np.isnan(values)], *thresholds])
    if shown.min() > 0 and shown.max() > SPREAD * max(thresholds, default=float(np.median(shown))):
        axes.set_xscale("log")
        axes.set_xlim(shown.min() / 1.3, shown.max() * 1.3)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))  # powers would need math text
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_xlim(min(0.0, shown.min()), 1.04 * shown.max() or 1.0)
        axes.locator_params(axis="x", nbins=4)


def _legend(looks: Looks) -> list[Line2D | Patch]:
    words = {name: f"prints, {spaced(name)}" if name else found.CLEAN for name in looks}
    bars: list[Line2D | Patch] = [Patch(**look, label=words[name]) for name, look in looks.items()]
    return [*bars, Line2D([], [], color=style.RED, linestyle="--", linewidth=1.1, label="threshold")]
