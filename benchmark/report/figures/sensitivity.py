"""ARUC against one setting at a time, all else as in the run: a panel per setting, a line per verifier."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmark.report import findings as found
from benchmark.report.figures import style

COLUMNS = 2  # panels in a row
WORDS = {
    "count": "N: number of prints",
    "xi": "xi: bound of the perturbation",
    "t_wb": "t_wb: threshold of saliency",
    "t_bb": "t_bb: threshold of the confidence drop",
}


def draw(
    scores: pd.DataFrame,
    ablations: pd.DataFrame,
    task: str,
    config: Mapping[str, Any] | None = None,
    marks: Container[str] = (),
) -> Figure:
    """Means over repeats with a band of one standard deviation; the run's own value is a dotted line where known.

    Args:
        config: the manifest's `config`, for the run's own values.
    """
    here = ablations[(ablations["task"] == task) & ablations["aruc"].notna()]
    names = settings(here)
    width = min(COLUMNS, len(names))
    figure = Figure(figsize=(max(3.1 * width + 0.5, 4.6), 2.1 * -(-len(names) // width) + 0.9), layout="constrained")
    grid = figure.subplots(-(-len(names) // width), width, sharey=True, squeeze=False)
    looks = _looks(here)
    for axes, name in zip(grid.ravel(), names, strict=False):
        chosen = here[here["setting"] == name]
        for (fingerprint, verifier), group in chosen.groupby(["fingerprint", "verifier"], sort=False):
            _line(axes, group, looks[str(fingerprint), str(verifier)])
        own = default(config or {}, name, str(chosen["fingerprint"].iloc[0]))
        if own is not None:
            axes.axvline(own, color=style.GREY, linewidth=0.9, linestyle=(0, (1, 2)), zorder=0)
        axes.set_xlabel(WORDS.get(name, name))
    for axes in grid.ravel()[len(names) :]:
        axes.set_axis_off()
    for row in grid:
        row[0].set(ylabel="ARUC", ylim=(-0.02, 1.02), yticks=(0, 0.5, 1))
    handles = [
        Line2D([], [], markersize=4, linewidth=1.2, label=found.label(scores, *method, marks), **look)
        for method, look in looks.items()
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=4, frameon=False, handlelength=3)
    return figure


def settings(ablations: pd.DataFrame) -> list[str]:
    """The paper's settings in its order, then others as they appear."""
    names = [str(name) for name in ablations["setting"].unique()]
    known = list(WORDS)
    return sorted(names, key=lambda name: known.index(name) if name in known else len(known) + names.index(name))


def sizes(ablations: pd.DataFrame, task: str) -> str:
    """What one point rests on: "20+20 suspects, 5 repeats, N = 10 to 100 prints"."""
    here = ablations[(ablations["task"] == task) & ablations["aruc"].notna()]
    positives, negatives, prints = (_range(here[name]) for name in ("positives", "negatives", "n"))
    repeats = here["repeat"].nunique()
    return f"{positives}+{negatives} suspects, {repeats} repeat{'s' * (repeats != 1)}, {prints} prints"


def default(config: Mapping[str, Any], setting: str, fingerprint: str) -> float | None:
    """The run's own value of a setting, where the configuration has a number."""
    fields = config if setting == "count" else config.get("fingerprint", {}).get(fingerprint, {})
    value = fields.get(setting)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _line(axes: Axes, group: pd.DataFrame, look: dict[str, Any]) -> None:
    over = group.groupby("value")["aruc"]
    mean, sd = over.mean(), over.std(ddof=1).fillna(0.0)
    if sd.any():
        low, high = np.clip(mean - sd, 0, 1), np.clip(mean + sd, 0, 1)
        axes.fill_between(mean.index, low, high, color=look["color"], alpha=0.15, linewidth=0)
    axes.plot(mean.index, mean, markersize=4, linewidth=1.2, **look)


def _looks(here: pd.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    """One look a method, the same in every panel."""
    return {
        method: style.line(place) | {"markerfacecolor": "white" if place % 2 else style.line(place)["color"]}
        for place, method in enumerate(found.methods(here))
    }


def _range(values: pd.Series) -> str:
    low, high = values.min(), values.max()
    return f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"
