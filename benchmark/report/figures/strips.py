"""Strips: every suspect a dot, a row per family, a panel per method, on the axis of scores or of a distance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmark.report import findings as found
from benchmark.report.figures import style
from benchmark.report.figures.grid import Grid, Legend
from benchmark.report.figures.sheet import Sheet, of_method

ROW = 0.125  # inches of a family
PALEST = 0.6  # share of white in the last victim's dots
LINE: dict[str, Any] = {"color": style.INK, "linewidth": 0.9, "zorder": 1}
BEST: dict[str, Any] = {"linestyle": ":"}
THRESHOLDS: dict[str, dict[str, Any]] = {"best in hindsight": BEST, "the owner's threshold": {"linestyle": (0, (4, 2))}}


def draw(scores: pd.DataFrame, summary: pd.DataFrame, task: str, sheet: Sheet) -> Iterator[Figure]:
    """The suspects of one task, with the thresholds that `lines` explains."""
    every = scores[scores["task"] == task]
    here, names = every[every["score"].notna()], sheet.families(every)
    rows = summary[(summary["task"] == task) & (summary["suspects"] == "all") & (summary["reason"] == "")]
    thresholds = dict(zip(found.methods(rows), rows[["best_rho", "owner_rho"]].to_numpy(float), strict=True))
    shown = [key for key, known in zip(THRESHOLDS, rows[["best_rho", "owner_rho"]].notna().any(), strict=True) if known]
    methods = [method for method in found.methods(here) if method in thresholds]
    grid = setting(sheet, names)
    legend = Legend(handles(here, {key: THRESHOLDS[key] for key in shown}), sheet.width)
    for page in grid.pages(methods, legend.height):
        figure, panels = grid.figure(len(page), legend)
        for axes, method in zip(panels, page, strict=True):
            panel(axes, of_method(here, method), names, "score")
            for rho, look in zip(thresholds[method], THRESHOLDS.values(), strict=True):
                if not np.isnan(rho):
                    axes.axvline(rho, **LINE, **look)
            style.shares(axes)
            grid.name(axes, sheet.label(method))
            frame(axes, [sheet.family(name) for name in names])
        for axes in grid.lowest(panels):
            axes.set_xlabel("matching score")
        yield figure


def lines(rate: float, known: bool) -> str:
    """What a caption says of the thresholds, of the owner's where it is known for the methods shown."""
    text = "Right of a threshold a suspect is called positive; dotted: in hindsight the best, of the largest min(R, U)"
    if known:
        text += f"; dashed: the owner's, set to accuse at most {100 * rate:g} % of innocents"
    return f"{text} (means over victims and repeats)."


def setting(sheet: Sheet, names: Sequence[str], below: float = 0.06) -> Grid:
    """How panels with a row for each of these families are set, with so many inches below each."""
    left = style.broadest(sheet.family(name) for name in names) + 0.12
    return Grid(sheet.width, 1.05, ROW * len(names) + 0.08, left, gap=0.16, below=below, foot=0.42 - below)


def frame(axes: Axes, names: Sequence[str]) -> None:
    """The names of a panel's rows."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def panel(axes: Axes, group: pd.DataFrame, names: Sequence[str], value: str) -> None:
    """A dot per suspect and victim, its mean over repeats of the column `value`, in the rows of `names`.

    The first victim's dots are the darkest; hollow ones are degraded.
    """
    columns = ["family", "suspect", "positive", "degraded", "victim"]
    means = group.groupby(columns, sort=False)[value].mean().reset_index()
    means["side"] = np.where(means["family"] == "victim", "victim", means["positive"].map({True: "yes", False: "no"}))
    means["y"] = means["family"].map({name: float(place) for place, name in enumerate(names)})
    means["y"] += _jitter(
        means.groupby("family", sort=False).cumcount(), means.groupby("family")["y"].transform("size")
    )
    axes.hlines(
        range(len(names)), 0, 1, transform=axes.get_yaxis_transform(), color=style.PALE, linewidth=0.6, zorder=0
    )
    victims = max(1, int(means["victim"].max()))
    for side, dots in means.groupby("side", sort=False):
        look = LOOKS[str(side)]
        shades = [style.paler(look["color"], PALEST * victim / victims) for victim in dots["victim"]]
        faces = ["white" if lost else shade for lost, shade in zip(dots["degraded"], shades, strict=True)]
        size = 22 if side == "victim" else 7
        axes.scatter(
            dots[value], dots["y"], s=size, marker=look["marker"], c=faces, edgecolors=shades, linewidths=0.5, zorder=2
        )


LOOKS: dict[str, dict[str, Any]] = {
    "yes": style.POSITIVE,
    "no": style.NEGATIVE,
    "victim": {"color": style.INK, "marker": "*"},
}


def _jitter(place: pd.Series, size: pd.Series) -> pd.Series:
    """Offsets in [-0.3, 0.3] that spread neighbours apart, the same every time: multiples of the golden ratio."""
    return (0.6 * ((0.5 + place * 0.6180339887498949) % 1 - 0.5)).where(size > 1, 0.0)


def handles(shown: pd.DataFrame, lines: dict[str, dict[str, Any]]) -> list[Line2D]:
    """What the dots are, and what the lines are."""
    dot: dict[str, Any] = {"linestyle": "", "markersize": 4}
    made = [
        Line2D([], [], **style.POSITIVE, **dot, label="positive"),
        Line2D([], [], **style.NEGATIVE, **dot, label="negative"),
    ]
    if (shown["family"] == "victim").any():
        made.append(Line2D([], [], color=style.INK, marker="*", linestyle="", markersize=6, label="victim"))
    if shown["degraded"].any():
        hollow = {"markeredgecolor": style.BLUE, "markerfacecolor": "white", "marker": "o"}
        made.append(Line2D([], [], **hollow, **dot, label="degraded"))  # type: ignore[arg-type]
    return [*made, *(Line2D([], [], **LINE | look, label=label) for label, look in lines.items())]


def shades(victims: int) -> str:
    """What a caption says of several victims, a space before it; or nothing."""
    return f" Dark to pale: the suspects of victims 0 to {victims - 1}." if victims > 1 else ""
