"""R-U curves: a panel per method, min(R, U) shaded."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from benchmark import metrics
from benchmark.report import findings as found
from benchmark.report.figures import band, style
from benchmark.report.figures.grid import Grid, Legend
from benchmark.report.figures.sheet import Method, Sheet, of_method
from benchmark.report.numbers import number
from benchmark.report.summary import judged


def draw(scores: pd.DataFrame, summary: pd.DataFrame, task: str, sheet: Sheet) -> Iterator[Figure]:
    """One panel per method that applies to the task; the caption names the others (`absent`)."""
    here = scores[(scores["task"] == task) & (scores["family"] != "victim")]
    areas = {
        (str(row["fingerprint"]), str(row["verifier"])): float(row["aruc"])
        for _, row in _rows(summary, task).iterrows()
        if not row["reason"]
    }
    methods = [method for method in found.methods(scores) if method in areas]
    grid = Grid(sheet.width, least=1.12, height=0.95, left=0.42, title=0.33, foot=0.34)
    legend = Legend(_handles(), sheet.width)
    for page in grid.pages(methods, legend.height):
        figure, panels = grid.figure(len(page), legend)
        for axes, method in zip(panels, page, strict=True):
            _panel(axes, of_method(here, method))
            grid.name(axes, f"{sheet.label(method)}\nARUC {number(areas[method])}")
        for axes in grid.first(panels):
            axes.set_ylabel("share of suspects")
        for axes in grid.lowest(panels):
            axes.set_xlabel("threshold rho")
        yield figure


def absent(scores: pd.DataFrame, summary: pd.DataFrame, task: str, sheet: Sheet) -> str:
    """What the caption says of methods without a panel on this task, a space before it; or nothing."""
    reasons = {
        (str(r["fingerprint"]), str(r["verifier"])): str(r["reason"]) for _, r in _rows(summary, task).iterrows()
    }
    groups: dict[str, list[Method]] = {}
    for method in found.methods(scores):
        reason = reasons.get(method, "not run")
        if reason:
            groups.setdefault(reason, []).append(method)
    parts = [f"{', '.join(map(sheet.label, methods))} ({reason})" for reason, methods in groups.items()]
    return f" Without a panel: {'; '.join(parts)}." if parts else ""


def _rows(summary: pd.DataFrame, task: str) -> pd.DataFrame:
    return summary[(summary["task"] == task) & (summary["suspects"] == "all")]


def _panel(axes: Axes, group: pd.DataFrame) -> None:
    sets = [part for _, part in group.groupby(["victim", "repeat"]) if judged(part)]
    points = [metrics.curve(part["score"].to_numpy(), part["positive"].to_numpy()) for part in sets]
    rho, victims = points[0].rho, [int(part["victim"].iloc[0]) for part in sets]
    robust, unique = np.stack([p.robustness for p in points]), np.stack([p.uniqueness for p in points])
    least, _ = band.over_victims(np.minimum(robust, unique), victims)
    axes.fill_between(rho, least, color=style.PALE, linewidth=0)
    band.draw(axes, rho, robust, victims, color=style.BLUE, linestyle="-")
    band.draw(axes, rho, unique, victims, color=style.RED, linestyle="--")
    style.shares(axes, y=True)


def _handles() -> list[Line2D | Patch]:
    return [
        Line2D([], [], color=style.BLUE, label="R(rho): share of positives above rho"),
        Line2D([], [], color=style.RED, linestyle="--", label="U(rho): share of negatives not above"),
        Patch(color=style.PALE, label="min(R, U): its mean is ARUC"),
    ]
