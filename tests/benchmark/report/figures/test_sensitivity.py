"""ARUC against single settings, read back from the figure's artists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from benchmark.report import Findings, data, reading
from benchmark.report.figures.sensitivity import default, draw, settings, sizes
from benchmark.report.figures.sheet import Sheet
from benchmark.report.findings import checked
from benchmark.report.view import WHOLE

Make = Callable[..., Findings]
CONFIG = {"count": 100, "fingerprint": {"saliency": {"xi": 0.1, "t_wb": 0.5, "t_bb": None, "norm": "linf"}}}


def drawn(findings: Findings, **config: object) -> Figure:
    given = checked(findings)
    [figure] = draw(given.scores, given.ablations, "digits_class", Sheet.of(given, WHOLE), config)
    figure.draw_without_rendering()
    return figure


def test_panels_stand_in_the_papers_order_and_others_follow(make_whole: Make) -> None:
    findings = make_whole()
    findings.ablations.loc[findings.ablations["setting"] == "t_bb", "setting"] = "steps"
    figure = drawn(findings)
    assert [axes.get_xlabel().split(":")[0] for axes in figure.axes if axes.axison] == ["N", "xi", "t_wb", "steps"]
    assert settings(findings.ablations) == ["count", "xi", "t_wb", "steps"]


def test_lines_are_means_over_repeats_with_a_band_of_one_sd(make_whole: Make) -> None:
    panel = drawn(make_whole()).axes[0]
    white, black, akh = panel.get_lines()
    assert np.asarray(white.get_xdata()).tolist() == [10, 50, 100]
    assert np.asarray(white.get_ydata()) == pytest.approx([0.89, 0.84, 0.79])
    assert np.asarray(akh.get_ydata()) == pytest.approx([0.69, 0.64, 0.59])
    band = np.unique(panel.collections[0].get_paths()[0].vertices[:, 1].round(6))
    sd = 0.02 / np.sqrt(2)
    assert band == pytest.approx(
        sorted(np.concatenate([np.array([0.89, 0.84, 0.79]) + s for s in (-sd, sd)])), abs=1e-5
    )
    looks = {(line.get_marker(), line.get_linestyle()) for line in (white, black, akh)}
    assert len(looks) == 3  # told apart in grey


def test_a_setting_has_the_lines_of_the_verifiers_that_it_touches(make_whole: Make) -> None:
    figure = drawn(make_whole())
    assert [len(axes.get_lines()) for axes in figure.axes] == [3, 2, 1, 1]
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["akh§", "saliency black", "saliency white"]
    white = figure.axes[0].get_lines()[0]
    assert figure.axes[2].get_lines()[0].get_color() == white.get_color()


def test_the_runs_own_value_is_marked_where_it_is_a_number(make_whole: Make) -> None:
    assert default(CONFIG, "count", "akh") == 100
    assert default(CONFIG, "t_wb", "saliency") == 0.5
    assert default(CONFIG, "t_bb", "saliency") is None
    assert default(CONFIG, "norm", "saliency") is None
    assert default({}, "xi", "saliency") is None
    axes = drawn(make_whole(), **CONFIG).axes
    assert [len(panel.get_lines()) for panel in axes] == [4, 3, 2, 1]
    assert np.asarray(axes[2].get_lines()[-1].get_xdata()).tolist() == [0.5, 0.5]


def test_one_repeat_draws_no_band_and_unknown_areas_no_point(make_whole: Make) -> None:
    findings = make_whole(repeats=1)
    findings.ablations.loc[findings.ablations["value"] == 50, "aruc"] = np.nan
    panel = drawn(findings).axes[0]
    assert len(panel.collections) == 0
    assert np.asarray(panel.get_lines()[0].get_xdata()).tolist() == [10, 100]


def test_a_task_with_one_setting_has_one_panel(make_whole: Make) -> None:
    findings = make_whole()
    figure = drawn(replace(findings, ablations=findings.ablations.query("setting == 'count'")))
    assert len(figure.axes) == 1


def test_a_setting_of_words_has_rows_and_no_panel(make_whole: Make, tmp_path: Path) -> None:
    findings = make_whole()
    words = findings.ablations.query("setting == 'count'").assign(setting="norm")
    words["value"] = words["value"].map(lambda count: f"l{count:.0f}")
    both = replace(findings, ablations=pd.concat([findings.ablations, words], ignore_index=True))
    assert len(drawn(both).axes) == len(drawn(findings).axes)
    data.write_frame(both.ablations, tmp_path / reading.file_of("ablations"))
    back = reading.frame(tmp_path, "ablations").groupby("setting")["value"].agg(set)
    assert back["norm"] == {"l10", "l50", "l100"} and set(map(float, back["count"])) == {10, 50, 100}


def test_sizes_say_what_a_point_rests_on(make_whole: Make) -> None:
    rows = checked(make_whole()).ablations
    assert sizes(rows, "digits_class") == "6+6 suspects, 1 victim, 2 repeats, 10 to 100 prints"


def test_every_point_of_a_line_rests_on_the_same_sets_of_prints(make_whole: Make) -> None:
    findings = make_whole()
    rows = findings.ablations
    lone = (rows["setting"] == "count") & (rows["value"] == 50) & (rows["repeat"] == 1) & (rows["verifier"] == "white")
    panel = drawn(replace(findings, ablations=rows[~lone])).axes[0]
    line = panel.get_lines()[0]
    assert np.asarray(line.get_xdata()).tolist() == [10, 50, 100]
    assert np.asarray(line.get_ydata()) == pytest.approx([0.9, 0.85, 0.8])  # repeat 0, which has all of them


def test_many_verifiers_go_to_a_panel_per_access_class(make_whole: Make) -> None:
    access = ("label", "probability", "white box")
    methods = [(f"m{i}", "x", access[i % 3]) for i in range(12)]
    figure = drawn(make_whole(tasks=["digits_class"], methods=methods))
    shown = {axes.get_title(): len(axes.get_lines()) for axes in figure.axes}
    assert shown == {"label": 4, "probability": 4, "white box": 4}
