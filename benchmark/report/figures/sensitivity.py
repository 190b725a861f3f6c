"""ARUC against one setting at a time, all else as in the run: panels by setting and access, a line per verifier."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmark.report import findings as found
from benchmark.report.figures import band, style
from benchmark.report.figures.grid import Grid, Legend
from benchmark.report.figures.sheet import Method, Sheet, of_method
from benchmark.report.names import spaced

WORDS = {
    "count": "N: number of prints",
    "xi": "xi: bound of the perturbation",
    "t_wb": "t_wb: threshold of saliency",
    "t_bb": "t_bb: threshold of the confidence drop",
}


@dataclass(frozen=True)
class Panel:
    """A setting, and the methods of one access class whose lines it holds."""

    setting: str
    access: str
    methods: tuple[Method, ...]


def draw(
    scores: pd.DataFrame, ablations: pd.DataFrame, task: str, sheet: Sheet, config: Mapping[str, Any] | None = None
) -> Iterator[Figure]:
    """Means with a band; the run's own value is a dotted line where known.

    Args:
        config: the manifest's `config`, for the run's own values.
    """
    here = along_numbers(ablations[ablations["task"] == task])
    shown = [method for method in sheet.places if method in set(found.methods(here))]
    handles = [Line2D([], [], label=sheet.label(method), **sheet.line(method) | SIGN) for method in shown]
    legend = Legend(handles, sheet.width)
    grid = Grid(sheet.width, 1.75, 1.25, left=0.42, foot=0.0, below=0.38, stretch=1.7, columns=3)
    for page in grid.pages(panels(scores, here), legend.height):
        figure, drawn = grid.figure(len(page), legend)
        for axes, panel in zip(drawn, page, strict=True):
            _panel(axes, here[here["setting"] == panel.setting], panel, sheet)
            own = default(config or {}, panel.setting, panel.methods[0][0])
            if own is not None:
                axes.axvline(own, color=style.GREY, linewidth=0.9, linestyle=(0, (1, 2)), zorder=0)
        for axes in grid.first(drawn):
            axes.set_ylabel("ARUC")
        yield figure


def along_numbers(ablations: pd.DataFrame) -> pd.DataFrame:
    """The rows with an ARUC whose setting takes numbers: words have no axis."""
    values = pd.to_numeric(ablations["value"], errors="coerce")
    return ablations.assign(value=values)[values.notna() & ablations["aruc"].notna()]


SIGN: dict[str, Any] = {"markersize": 3.6, "linewidth": 1.1, "markeredgewidth": 0.8}


def panels(scores: pd.DataFrame, ablations: pd.DataFrame) -> list[Panel]:
    """A setting's methods by access, at most `style.LINES` of them in a panel."""
    access = scores.drop_duplicates(["fingerprint", "verifier"]).set_index(["fingerprint", "verifier"])["access"]
    found_here = []
    for setting in settings(ablations):
        groups: dict[str, list[Method]] = {}
        for method in found.methods(ablations[ablations["setting"] == setting]):
            groups.setdefault(str(access[method]), []).append(method)
        if sum(map(len, groups.values())) <= style.LINES:
            groups = {", ".join(groups): [method for methods in groups.values() for method in methods]}
        for name, methods in groups.items():
            parts = range(0, len(methods), style.LINES)
            found_here += [Panel(setting, name, tuple(methods[i : i + style.LINES])) for i in parts]
    return found_here


def settings(ablations: pd.DataFrame) -> list[str]:
    """The paper's settings in its order, then others as they appear."""
    names = [str(name) for name in ablations["setting"].unique()]
    known = list(WORDS)
    return sorted(names, key=lambda name: known.index(name) if name in known else len(known) + names.index(name))


def sizes(ablations: pd.DataFrame, task: str) -> str:
    """What one point rests on: "20+20 suspects, 3 victims, 2 repeats, N = 10 to 100 prints"."""
    here = along_numbers(ablations[ablations["task"] == task])
    positives, negatives, prints = (_range(here[name]) for name in ("positives", "negatives", "n"))
    sets = [f"{here[name].nunique()} {name}{'s' * (here[name].nunique() != 1)}" for name in ("victim", "repeat")]
    return f"{positives}+{negatives} suspects, {', '.join(sets)}, {prints} prints"


def default(config: Mapping[str, Any], setting: str, fingerprint: str) -> float | None:
    """The run's own value of a setting, where the configuration has a number."""
    fields = config if setting == "count" else config.get("fingerprint", {}).get(fingerprint, {})
    value = fields.get(setting)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _panel(axes: Axes, rows: pd.DataFrame, panel: Panel, sheet: Sheet) -> None:
    for method in panel.methods:
        table = of_method(rows, method).pivot(index=["victim", "repeat"], columns="value", values="aruc")
        complete = table.dropna()  # the same sets of prints at every value, or it would be no curve
        whole = table.dropna(axis=1) if complete.empty else complete
        band.draw(axes, whole.columns, whole, whole.index.get_level_values("victim"), **sheet.line(method) | SIGN)
    style.shares(axes, x=False, y=True)
    axes.tick_params(labelbottom=True)
    axes.set_title(panel.access)
    axes.set_xlabel(WORDS.get(panel.setting, spaced(panel.setting)))


def _range(values: pd.Series) -> str:
    low, high = values.min(), values.max()
    return f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"
