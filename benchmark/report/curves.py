"""R-U curves: mean over repeats with a band of one standard deviation, min(R, U) shaded."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from benchmark import metrics
from benchmark.report import findings as found
from benchmark.report import style
from benchmark.report.summary import by_method, judged
from benchmark.report.tables import spread

COLUMNS = 4  # panels in a row of a task's own figure


def of_task(scores: pd.DataFrame, summary: pd.DataFrame, task: str) -> Figure:
    """One panel per method that applies to the task; all its methods if none does."""
    every = summary[(summary["task"] == task) & (summary["suspects"] == "all")]
    rows = every[every["reason"] == ""] if (every["reason"] == "").any() else every
    width = min(COLUMNS, len(rows))
    height = -(-len(rows) // width)
    figure, grid = _grid(height, width, 2.2, 1.95)
    for place, (_, row) in enumerate(rows.iterrows()):
        title = found.label(scores, row["fingerprint"], row["verifier"])
        _panel(grid[place // width, place % width], scores, row, f"{title}\n")
    for place in range(len(rows), height * width):
        grid[place // width, place % width].set_axis_off()
    _finish(figure, grid)
    return figure


def of_all(scores: pd.DataFrame, summary: pd.DataFrame) -> Figure:
    """Tasks in rows, methods in columns."""
    tasks, methods = found.tasks(scores), found.methods(scores)
    figure, grid = _grid(len(tasks), len(methods), 1.85, 1.75)
    rows = by_method(summary, "all")
    for i, task in enumerate(tasks):
        for j, method in enumerate(methods):
            title = f"{found.label(scores, *method)}\n" if i == 0 else ""
            if (task, *method) in rows:
                _panel(grid[i, j], scores, rows[(task, *method)], title)
            else:
                _absent(grid[i, j], "not run", title)
        grid[i, 0].set_ylabel(f"{task}\nshare of suspects")
    _finish(figure, grid)
    return figure


def _grid(height: int, width: int, wide: float, high: float) -> tuple[Figure, np.ndarray]:
    """Panels that share both axes, as an array (height, width) of Axes."""
    size = (max(wide * width + 0.5, 4.6), high * height + 0.75)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(height, width, sharex=True, sharey=True, squeeze=False)
    grid[0, 0].set(xlim=(0, 1), ylim=(-0.02, 1.02), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    grid[0, 0].set_xticklabels(["0", "0.5", "1"])
    grid[0, 0].set_yticklabels(["0", "0.5", "1"])
    return figure, grid


def _finish(figure: Figure, grid: np.ndarray) -> None:
    for row in grid:
        if not row[0].get_ylabel():
            row[0].set_ylabel("share of suspects")
    for column in grid.T:
        lowest = [axes for axes in column if axes.axison][-1]
        lowest.set_xlabel("threshold")
        lowest.tick_params(labelbottom=True)
    handles = [
        Line2D([], [], color=style.BLUE, label="robustness R: stolen, called stolen"),
        Line2D([], [], color=style.RED, linestyle="--", label="uniqueness U: independent, acquitted"),
        Patch(color=style.PALE, label="min(R, U): its mean is ARUC"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3 if grid.shape[1] > 2 else 1, frameon=False)


def _panel(axes: Axes, scores: pd.DataFrame, row: pd.Series, title: str) -> None:
    """`title` stands above the ARUC."""
    if row["reason"]:
        _absent(axes, "not applicable", title)
        return
    of_method = (scores["task"] == row["task"]) & (scores["fingerprint"] == row["fingerprint"])
    group = scores[of_method & (scores["verifier"] == row["verifier"]) & (scores["family"] != "victim")]
    repeats = [part for _, part in group.groupby("repeat") if judged(part)]
    points = [metrics.curve(part["score"].to_numpy(), part["stolen"].to_numpy()) for part in repeats]
    rho = points[0].rho
    robust, unique = np.stack([p.robustness for p in points]), np.stack([p.uniqueness for p in points])
    axes.fill_between(rho, np.minimum(robust, unique).mean(axis=0), color=style.PALE, linewidth=0)
    for values, color, line in ((robust, style.BLUE, "-"), (unique, style.RED, "--")):
        mean = values.mean(axis=0)
        if len(values) > 1:
            sd = values.std(axis=0, ddof=1)
            low, high = np.clip(mean - sd, 0, 1), np.clip(mean + sd, 0, 1)
            axes.fill_between(rho, low, high, color=color, alpha=0.2, linewidth=0)
        axes.plot(rho, mean, color=color, linestyle=line)
    axes.set_title(f"{title}ARUC {spread(row['aruc'], row['aruc_sd'])}", linespacing=1.35)


def _absent(axes: Axes, text: str, title: str) -> None:
    axes.set_title(f"{title} ")
    for spine in axes.spines.values():
        spine.set_color(style.PALE)
    axes.text(0.5, 0.5, text, ha="center", va="center", color=style.GREY, transform=axes.transAxes)
