"""ARUC of every method as a bar with its bootstrap interval, one panel per task."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from benchmark.report import findings as found
from benchmark.report.figures import style
from benchmark.report.numbers import number
from benchmark.report.summary import by_method

MAXIMUM = 100 / 101  # of the closed grid
LOOKS: dict[str, dict[str, Any]] = {
    "all": {"facecolor": style.BLUE, "edgecolor": style.INK},
    "kept": {"facecolor": "white", "edgecolor": style.BLUE, "hatch": "////"},
}


def draw(scores: pd.DataFrame, summary: pd.DataFrame, marks: Container[str] = ()) -> Figure:
    """Methods from top to bottom; filled bars for all suspects, hatched ones without the degraded."""
    tasks, methods = found.tasks(scores), found.methods(scores)
    variants = ["all", "kept"] if scores["degraded"].any() else ["all"]
    size = (2.3 * len(tasks) + 1.3, 0.42 * len(methods) + 1.3)
    figure = Figure(figsize=(max(size[0], 4.4), size[1]), layout="constrained")
    grid = figure.subplots(1, len(tasks), sharex=True, sharey=True, squeeze=False)[0]
    for axes, task in zip(grid, tasks, strict=True):
        for offset, variant in enumerate(variants):
            rows = [by_method(summary, variant).get((task, *method)) for method in methods]
            _bars(axes, rows, offset, variant, len(variants))
        axes.axvline(MAXIMUM, color=style.GREY, linewidth=0.8, linestyle=":")
        axes.set(title=task, xlabel="ARUC", xlim=(0, 1.18), xticks=(0, 0.5, 1))
    names = [found.label(scores, *method, marks) for method in methods]
    grid[0].set(yticks=range(len(methods)), yticklabels=names, ylim=(len(methods) - 0.45, -0.55))
    words = {"all": "all suspects", "kept": "without degraded suspects"}
    handles = [Patch(**LOOKS[variant], label=words[variant]) for variant in variants]
    figure.legend(handles=handles, loc="outside upper center", ncols=2, frameon=False)
    return figure


def _bars(axes: Axes, rows: list[pd.Series | None], offset: int, variant: str, variants: int) -> None:
    thick = 0.72 / variants
    for place, row in enumerate(rows):
        if row is None:
            continue
        y = place + (offset - (variants - 1) / 2) * thick
        if row["reason"]:
            if offset == 0:
                axes.text(0.02, place, "not applicable", va="center", color=style.GREY, fontsize=7.5)
            continue
        axes.barh(y, row["aruc"], height=thick * 0.92, linewidth=0.7, **LOOKS[variant])
        high = row["aruc"]
        if not np.isnan(row["aruc_low"]):
            axes.plot(
                [row["aruc_low"], row["aruc_high"]], [y, y], color=style.INK, linewidth=1.1, marker="|", markersize=4
            )
            high = max(high, row["aruc_high"])
        axes.text(high + 0.025, y, number(row["aruc"], 2), va="center", fontsize=6.5)
