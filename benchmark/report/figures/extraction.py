"""Distances to the victim while an extraction proceeds: each substitute at the number of its queries."""

from __future__ import annotations

import re
from collections.abc import Container

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from benchmark.report import findings as found
from benchmark.report.figures import style
from benchmark.report.figures.separation import of_task

COLUMNS = 2
FEWEST = 2  # budgets of one extraction, below which there is no line


def extractions(scores: pd.DataFrame, models: pd.DataFrame, task: str) -> pd.DataFrame:
    """Mean distance and threshold of each substitute, with its `queries` and the `attack` that made it.

    Attacks with one budget only are left out. An attack goes by its family and by what the API hands out.
    """
    asked = models.loc[models["queries"] > 0].set_index("key")["queries"]
    rows = of_task(scores, task)
    rows = rows.assign(queries=rows["suspect_key"].map(asked))  # those of the thief, not of the verifier
    rows = rows[rows["statistic"].notna() & rows["queries"].notna()]
    if rows.empty:
        return rows.assign(attack="")
    keys = ["family", "suspect", "queries", "fingerprint", "verifier"]
    mean = rows.groupby(keys, sort=False)[["statistic", "threshold"]].mean().reset_index()
    mean["attack"] = [_attack(family, name) for family, name in zip(mean["family"], mean["suspect"], strict=True)]
    return mean[mean.groupby("attack")["queries"].transform("nunique") >= FEWEST]


def _attack(family: str, suspect: str) -> str:
    answers = re.search(r"\banswers=(\w+)", suspect)
    return f"{family}, {answers[1]}" if answers else family


def draw(scores: pd.DataFrame, models: pd.DataFrame, task: str, marks: Container[str] = ()) -> Figure:
    """A panel per distance, a line per attack; suspects are called positive up to the dotted line, the threshold."""
    rows = extractions(scores, models, task)
    methods = found.methods(rows)
    attacks = list(dict.fromkeys(rows["attack"]))
    width = min(COLUMNS, len(methods))
    height = -(-len(methods) // width)
    figure = Figure(figsize=(3.1 * width + 0.4, 1.75 * height + 0.9), layout="constrained")
    grid = figure.subplots(height, width, sharex=True, squeeze=False).ravel()
    ticks = sorted(rows["queries"].unique())
    for axes, (fingerprint, verifier) in zip(grid, methods, strict=False):
        here = rows[(rows["fingerprint"] == fingerprint) & (rows["verifier"] == verifier)]
        for place, attack in enumerate(attacks):
            line = here[here["attack"] == attack].groupby("queries")["statistic"].mean()
            axes.plot(line.index, line, markersize=4, label=attack, **style.line(place))
        axes.axhline(here["threshold"].mean(), color=style.INK, linewidth=0.9, linestyle=":", label="threshold")
        axes.set_title(found.label(scores, fingerprint, verifier, marks))
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator(_apart(ticks)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter("{x:.0f}")
        axes.set_ylim(bottom=0)
        axes.set_ylabel("distance")
    for axes in grid[len(methods) :]:
        axes.set_axis_off()
    for axes in grid[max(0, len(methods) - width) : len(methods)]:
        axes.set_xlabel("queries to the victim")
        axes.tick_params(labelbottom=True)
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False, columnspacing=1.2)
    return figure


def _apart(ticks: list[float]) -> list[float]:
    """The ticks that stand far enough apart for their numbers, on a logarithmic axis."""
    kept: list[float] = []
    for tick in ticks:
        if not kept or tick >= 1.6 * kept[-1]:
            kept.append(tick)
    return kept
