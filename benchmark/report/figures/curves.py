"""R-U curves: mean over repeats with a band of one standard deviation, min(R, U) shaded."""

from __future__ import annotations

from collections.abc import Container

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from benchmark import metrics
from benchmark.report import findings as found
from benchmark.report.figures import style
from benchmark.report.numbers import spread
from benchmark.report.summary import judged

COLUMNS = 5  # panels in a row at most


def of_task(scores: pd.DataFrame, summary: pd.DataFrame, task: str, marks: Container[str] = ()) -> Figure:
    """One panel per method that applies to the task; the others are named in a panel of their own."""
    return _draw(scores, summary, [task], marks, (2.2, 1.95))


def of_all(scores: pd.DataFrame, summary: pd.DataFrame, marks: Container[str] = ()) -> Figure:
    """The panels of every task, each task from a new row on."""
    return _draw(scores, summary, found.tasks(scores), marks, (1.85, 1.75))


def _draw(
    scores: pd.DataFrame, summary: pd.DataFrame, tasks: list[str], marks: Container[str], size: tuple[float, float]
) -> Figure:
    every = summary[summary["suspects"] == "all"]
    panels = {task: every[(every["task"] == task) & (every["reason"] == "")] for task in tasks}
    absent = {task: _absent(scores, every, task, marks) for task in tasks}
    counts = {task: len(panels[task]) + bool(absent[task]) for task in tasks}
    width = _width(max(counts.values()))
    figure, grid = _grid(sum(-(-count // width) for count in counts.values()), width, *size)
    first = 0
    for task in tasks:
        block = grid[first : first + -(-counts[task] // width)].ravel()
        for axes, (_, row) in zip(block, panels[task].iterrows(), strict=False):
            title = found.label(scores, row["fingerprint"], row["verifier"], marks)
            _panel(axes, scores, row, f"{title}\n")
        for axes in block[len(panels[task]) :]:
            axes.set_axis_off()
        if absent[task]:
            axes = block[len(panels[task])]
            axes.text(0.5, 0.5, absent[task], ha="center", va="center", color=style.GREY, transform=axes.transAxes)
        if len(tasks) > 1:
            _side(block[0], task)
        first += len(block) // width
    _finish(figure, grid)
    return figure


def _width(count: int) -> int:
    """Panels in a row, so that rows are as few as COLUMNS allows and about equally long."""
    return -(-count // -(-count // COLUMNS))


def _absent(scores: pd.DataFrame, every: pd.DataFrame, task: str, marks: Container[str]) -> str:
    """The methods that have no panel on a task, one a line under the reason in short."""
    here = every[every["task"] == task]
    reasons = {(str(row["fingerprint"]), str(row["verifier"])): str(row["reason"]) for _, row in here.iterrows()}
    lines = []
    for words, chosen in (
        ("not applicable", [method for method, reason in reasons.items() if reason]),
        ("not run", [method for method in found.methods(scores) if method not in reasons]),
    ):
        lines += [f"{words}:" if chosen else "", *(found.label(scores, *method, marks) for method in chosen)]
    return "\n".join(line for line in lines if line)


def _side(axes: Axes, task: str) -> None:
    """Names the task at the left of its first row."""
    if axes.axison:
        axes.set_ylabel(f"{task}\nshare of suspects")
    else:
        axes.text(-0.25, 0.5, task, rotation=90, ha="right", va="center", transform=axes.transAxes)


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
        if row[0].axison and not row[0].get_ylabel():
            row[0].set_ylabel("share of suspects")
    for column in grid.T:
        for lowest in [axes for axes in column if axes.axison][-1:]:
            lowest.set_xlabel("threshold")
            lowest.tick_params(labelbottom=True)
    handles = [
        Line2D([], [], color=style.BLUE, label="robustness R: positives above threshold"),
        Line2D([], [], color=style.RED, linestyle="--", label="uniqueness U: negatives not above"),
        Patch(color=style.PALE, label="min(R, U): its mean is ARUC"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3 if grid.shape[1] > 2 else 1, frameon=False)


def _panel(axes: Axes, scores: pd.DataFrame, row: pd.Series, title: str) -> None:
    """`title` stands above the ARUC."""
    of_method = (scores["task"] == row["task"]) & (scores["fingerprint"] == row["fingerprint"])
    group = scores[of_method & (scores["verifier"] == row["verifier"]) & (scores["family"] != "victim")]
    repeats = [part for _, part in group.groupby("repeat") if judged(part)]
    points = [metrics.curve(part["score"].to_numpy(), part["positive"].to_numpy()) for part in repeats]
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
