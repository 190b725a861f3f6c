"""Score strips: every suspect a dot (its mean over repeats), a row per family, a panel per method."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmark.report import findings as found
from benchmark.report.figures import style

COLUMNS = 3


def draw(scores: pd.DataFrame, summary: pd.DataFrame, task: str, marks: Container[str] = ()) -> Figure:
    """The suspects of one task; hollow dots are degraded, the dotted line is the mean best threshold."""
    rows = summary[(summary["task"] == task) & (summary["suspects"] == "all") & (summary["reason"] == "")]
    here = scores[(scores["task"] == task) & scores["score"].notna()]
    names = ["victim", *found.families(here)] if (here["family"] == "victim").any() else found.families(here)
    width = max(1, min(COLUMNS, len(rows)))
    height = max(1, -(-len(rows) // width))
    figure = Figure(
        figsize=(max(2.15 * width + 1.1, 4.6), (0.26 * len(names) + 0.5) * height + 0.95), layout="constrained"
    )
    grid = figure.subplots(height, width, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, (_, row) in zip(grid, rows.iterrows(), strict=False):
        group = here[(here["fingerprint"] == row["fingerprint"]) & (here["verifier"] == row["verifier"])]
        panel(axes, group, names)
        axes.axvline(row["best_rho"], color=style.INK, linewidth=0.9, linestyle=":", zorder=1)
        axes.set_title(found.label(scores, row["fingerprint"], row["verifier"], marks))
    for axes in grid[len(rows) :]:
        axes.set_axis_off()
    grid[0].set(xlim=(-0.04, 1.04), xticks=(0, 0.5, 1), yticks=range(len(names)), ylim=(len(names) - 0.4, -0.6))
    grid[0].set_yticklabels([name.replace("_", " ") for name in names])
    for axes in grid[max(0, len(rows) - width) : len(rows)]:
        axes.set_xlabel("matching score")
        axes.tick_params(labelbottom=True)
    figure.legend(
        handles=legend("mean best threshold"), loc="outside upper center", ncols=3, frameon=False, columnspacing=1.2
    )
    return figure


def panel(axes: Axes, group: pd.DataFrame, names: list[str], value: str = "score") -> None:
    """A dot per suspect, its mean of the column `value`, in the rows of the families `names`."""
    columns = ["family", "suspect", "positive", "degraded"]
    means = group.groupby(columns, sort=False)[value].mean().reset_index()
    for y, name in enumerate(names):
        axes.axhline(y, color=style.PALE, linewidth=0.6, zorder=0)
        members = means[means["family"] == name]
        look = style.POSITIVE if members["positive"].any() else style.NEGATIVE
        if name == "victim":
            look = {"color": style.INK, "marker": "*"}
        height = y + _jitter(len(members))
        for lost in (False, True):
            chosen = (members["degraded"] == lost).to_numpy()
            if not chosen.any():
                continue
            face, edge, width = ("white", look["color"], 0.8) if lost else (look["color"], "white", 0.4)
            shape: dict[str, Any] = {"marker": look["marker"], "s": 48 if name == "victim" else 16, "linewidths": width}
            x = members[value].to_numpy()[chosen]
            axes.scatter(x, height[chosen], facecolors=face, edgecolors=edge, zorder=2, **shape)


def _jitter(count: int) -> np.ndarray:
    """Offsets in [-0.28, 0.28] that spread neighbours apart, the same every time: multiples of the golden ratio."""
    return 0.56 * ((0.5 + np.arange(count) * 0.6180339887498949) % 1 - 0.5) if count > 1 else np.zeros(count)


def legend(line: str) -> list[Line2D]:
    """What the dots are, and what the dotted line is."""
    dot: dict[str, Any] = {"linestyle": "", "markersize": 4.5}
    return [
        Line2D([], [], **style.POSITIVE, **dot, label="positive"),
        Line2D([], [], **style.NEGATIVE, **dot, label="negative"),
        Line2D([], [], color=style.INK, marker="*", linestyle="", markersize=7, label="victim"),
        Line2D([], [], markeredgecolor=style.BLUE, markerfacecolor="white", marker="o", **dot, label="degraded"),
        Line2D([], [], color=style.INK, linestyle=":", linewidth=0.9, label=line),
    ]
