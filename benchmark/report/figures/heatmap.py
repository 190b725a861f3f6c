"""The heat map of robustness by family, the negatives' uniqueness in the last columns."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from benchmark.report import findings as found
from benchmark.report.figures import style
from benchmark.report.shares import by_key
from benchmark.report.summary import by_method


def draw(scores: pd.DataFrame, summary: pd.DataFrame, marks: Container[str] = ()) -> Figure:
    """Rows are methods by task, columns families; darker is better, the number stands in each cell.

    Methods that do not apply to a task are left out, unless none does.
    """
    names = found.families(scores)
    every = list(by_method(summary, "all").values())
    able = {row["task"] for row in every if not row["reason"]}
    rows = [row for row in every if not row["reason"] or row["task"] not in able]
    cells = by_key(scores)
    figure = Figure(figsize=(0.82 * len(names) + 2.6, 0.3 * len(rows) + 1.45), layout="constrained")
    axes = figure.subplots()
    for y, row in enumerate(rows):
        for x, name in enumerate(names):
            key = (row["task"], row["fingerprint"], row["verifier"], name)
            _cell(axes, x, y, cells.get(key))
    _frame(axes, scores, rows, names)
    labels = [found.label(scores, row["fingerprint"], row["verifier"], marks) for row in rows]
    axes.set_yticks(range(len(rows)), labels)
    if any(cell["degraded"] for cell in cells.values()):
        axes.set_xlabel("* some of the family's suspects lost more than 5 points", fontsize=7.5)
    return figure


def _cell(axes: Axes, x: int, y: int, cell: pd.Series | None) -> None:
    if cell is None:
        look: dict[str, Any] = {"facecolor": "white", "edgecolor": style.PALE, "hatch": "////"}
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, linewidth=0, **look))
        axes.text(x, y, "n/a", ha="center", va="center", fontsize=7.5, color=style.GREY)
        return
    share = float(cell["share"])
    # white to blue by hand: lightness falls steadily, so that grey prints keep the order
    white, blue = np.array([1.0, 1.0, 1.0]), np.array([0.0, 0.27, 0.45])
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=white + share * (blue - white), edgecolor="white"))
    text = f"{share:.2f}" + ("*" if cell["degraded"] else "")
    axes.text(x, y, text, ha="center", va="center", fontsize=7.5, color="white" if share > 0.5 else style.INK)


def _frame(axes: Axes, scores: pd.DataFrame, rows: list[pd.Series], names: list[str]) -> None:
    kinds = scores.drop_duplicates("family").set_index("family")["positive"]
    axes.set(xlim=(-0.5, len(names) - 0.5), ylim=(len(rows) - 0.5, -0.5), xticks=range(len(names)))
    axes.set_xticklabels([name.replace("_", "\n") for name in names], fontsize=7.5)
    axes.tick_params(length=0, top=False, labeltop=True, bottom=False, labelbottom=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    positives = sum(bool(kinds[name]) for name in names)
    above: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "ha": "center"}
    for text, first, last in (("robustness R", 0, positives), ("uniqueness U", positives, len(names))):
        if first < last:
            axes.annotate(text, ((first + last - 1) / 2, 1.0), (0, 30), fontweight="bold", **above)
    axes.axvline(positives - 0.5, color=style.INK, linewidth=1.2)
    tasks = [str(row["task"]) for row in rows]
    for task in dict.fromkeys(tasks):
        places = [i for i, name in enumerate(tasks) if name == task]
        if places[0]:
            axes.axhline(places[0] - 0.5, color=style.INK, linewidth=1.2)
        middle = (places[0] + places[-1]) / 2
        place: dict[str, Any] = {
            "xycoords": ("axes fraction", "data"),
            "textcoords": "offset points",
            "annotation_clip": False,
        }
        axes.annotate(task, (1.0, middle), (6, 0), va="center", fontweight="bold", **place)
