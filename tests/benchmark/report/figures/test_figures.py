"""What the figures show, read back from their artists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from benchmark.report import Exhibit, Findings
from benchmark.report.figures import curves, gallery, heatmap, intervals, strips, style
from benchmark.report.figures.grid import TALLEST

Make = Callable[..., Findings]
Ready = Callable[..., Any]
Words = Callable[[Figure], list[str]]


def ninety(fingerprint: str, repeat: int, suspect: str, positive: bool) -> int:
    return 90 - 10 * repeat if positive else 10


def test_curves_are_means_over_repeats_and_differ_in_line_style(
    make_findings: Make, ready: Ready, words: Words
) -> None:
    given = ready(make_findings(matched=ninety))
    [figure] = curves.draw(given.scores, given.summary, "digits_class", given.sheet)
    robust, unique = figure.axes[0].get_lines()
    heights = np.asarray(robust.get_ydata())
    assert heights[[0, 79, 80, 89, 90, 100]].tolist() == [1.0, 1.0, 0.5, 0.5, 0.0, 0.0]
    assert np.asarray(unique.get_ydata())[[9, 10]].tolist() == [0.0, 1.0]
    assert robust.get_linestyle() != unique.get_linestyle()
    assert f"saliency white\nARUC {75 / 101:.3f}" in words(figure)


def test_the_band_of_a_curve_is_over_victims(make_findings: Make, ready: Ready) -> None:
    given = ready(make_findings(matched=ninety, victims=2, repeats=1, tasks=["digits_class"]))  # 90 and 80
    [figure] = curves.draw(given.scores, given.summary, "digits_class", given.sheet)
    axes = figure.axes[0]
    assert np.asarray(axes.get_lines()[0].get_ydata())[[79, 80, 89, 90]].tolist() == [1.0, 0.5, 0.5, 0.0]
    band = axes.collections[1].get_paths()[0].vertices
    low, high = (band[np.isclose(band[:, 0], 0.85), 1].min(), band[np.isclose(band[:, 0], 0.85), 1].max())
    assert (low, high) == (0.0, 1.0)  # 0.5 ± sd of 0 and 1, within [0, 1]


def test_one_set_of_prints_draws_no_band(make_findings: Make, ready: Ready) -> None:
    two, one = (ready(make_findings(matched=ninety, repeats=repeats)) for repeats in (2, 1))
    shaded = [
        len(next(curves.draw(each.scores, each.summary, "digits_class", each.sheet)).axes[0].collections)
        for each in (two, one)
    ]
    assert shaded == [3, 1]


def test_a_method_that_does_not_apply_has_no_panel_and_stands_in_the_caption(
    make_findings: Make, ready: Ready, words: Words
) -> None:
    findings = make_findings()
    gone = (findings.scores["task"] == "digits_angle") & (findings.scores["verifier"] == "black")
    given = ready(replace(findings, scores=findings.scores[~gone]))
    [figure] = curves.draw(given.scores, given.summary, "digits_angle", given.sheet)
    assert [axes.get_title().partition("\n")[0] for axes in figure.axes] == ["saliency white"]
    text = curves.absent(given.scores, given.summary, "digits_angle", given.sheet)
    reason = "akh (needs class labels: the task has none)"
    assert text == f" Without a panel: saliency black (not run); {reason}."
    assert curves.absent(given.scores, given.summary, "digits_class", given.sheet) == ""
    [chart] = intervals.draw(given.scores, given.summary, intervals.AUC, given.sheet)
    assert [words(chart).count(text) for text in ("not applicable", "not run")] == [1, 1]


def test_a_task_where_nothing_applies_has_no_panels(make_findings: Make, ready: Ready, words: Words) -> None:
    given = ready(make_findings(tasks=["digits_angle"], methods=[("akh", "label", "label")]))
    assert list(curves.draw(given.scores, given.summary, "digits_angle", given.sheet)) == []
    assert list(strips.draw(given.scores, given.summary, "digits_angle", given.sheet)) == []
    [figure] = heatmap.draw(given.scores, given.sheet)
    assert words(figure).count("-") == 6


@pytest.mark.parametrize(("count", "shape"), [(4, (1, 4)), (5, (1, 5)), (6, (2, 3)), (8, (2, 4)), (9, (2, 5))])
def test_panels_wrap_into_rows_of_about_equal_length(
    make_findings: Make, ready: Ready, count: int, shape: tuple[int, int]
) -> None:
    methods = [(f"m{i}", "x", "label") for i in range(count)]
    given = ready(make_findings(tasks=["digits_class"], methods=methods, repeats=1))
    [figure] = curves.draw(given.scores, given.summary, "digits_class", given.sheet)
    boxes = [axes.get_position() for axes in figure.axes]
    assert (len({round(box.y0, 6) for box in boxes}), len({round(box.x0, 6) for box in boxes})) == shape


def test_a_marked_method_bears_a_sign_in_every_figure_that_names_it(
    make_findings: Make, ready: Ready, words: Words
) -> None:
    given = ready(replace(make_findings(tasks=["digits_class"]), marks={"saliency": "Reconstructed."}))
    drawn = (
        *curves.draw(given.scores, given.summary, "digits_class", given.sheet),
        *intervals.draw(given.scores, given.summary, intervals.ARUC, given.sheet),
        *heatmap.draw(given.scores, given.sheet),
        *strips.draw(given.scores, given.summary, "digits_class", given.sheet),
    )
    assert len(drawn) == 4
    for figure in drawn:
        texts = {text.partition("\n")[0] for text in words(figure)}
        assert {"saliency white§", "saliency black§", "akh"} <= texts
        assert not {"saliency white", "saliency black"} & texts


def test_points_stand_at_the_summarys_values_filled_for_all_and_hollow_for_the_kept(
    make_findings: Make, ready: Ready
) -> None:
    given = ready(make_findings(tasks=["digits_class"]))
    [figure] = intervals.draw(given.scores, given.summary, intervals.AUC, given.sheet)
    points: dict[bool, list[float]] = {False: [], True: []}
    for line in figure.axes[0].get_lines():
        if line.get_marker() not in ("None", ""):
            points[line.get_markerfacecolor() == "white"].append(float(line.get_xdata()[0]))
    for hollow, variant in ((False, "all"), (True, "kept")):
        rows = given.summary[given.summary["suspects"] == variant]
        assert points[hollow] == pytest.approx(rows["auc"].tolist())
    spans = [line for line in figure.axes[0].get_lines() if len(line.get_xdata()) == 2 and line.get_linestyle() == "-"]
    assert len(spans) == 6


def test_without_degraded_suspects_every_method_has_one_point(make_findings: Make, ready: Ready, words: Words) -> None:
    findings = make_findings(tasks=["digits_class"])
    findings.scores["degraded"] = False
    given = ready(findings)
    [figure] = intervals.draw(given.scores, given.summary, intervals.AUC, given.sheet)
    assert sum(line.get_marker() not in ("None", "") for line in figure.axes[0].get_lines()) == 3
    assert "without degraded suspects" not in words(figure)


def test_the_owners_chart_is_drawn_where_he_has_a_threshold(make_findings: Make, ready: Ready, words: Words) -> None:
    given = ready(make_findings(tasks=["digits_class"]))
    chart = intervals.owners(0.05)
    assert chart.known(given.summary) and not chart.known(given.summary.assign(owner_tpr=np.nan))
    summary = given.summary.assign(owner_tpr=0.75, owner_tpr_low=0.5, owner_tpr_high=1.0)
    summary = summary.assign(owner_fpr=0.125, owner_fpr_low=0.0, owner_fpr_high=0.25)
    assert chart.known(summary)
    [figure] = intervals.draw(given.scores, summary, chart, given.sheet)
    marked = [line for line in figure.axes[0].get_lines() if line.get_marker() not in ("None", "")]
    assert [float(line.get_xdata()[0]) for line in marked] == [0.75] * 3 + [0.125] * 3
    assert {"TPR: positives accused", "FPR: negatives accused", "5 %", "share accused"} <= set(words(figure))


def test_the_heat_map_has_families_below_each_other_and_marks_the_degraded(
    make_findings: Make, ready: Ready, words: Words
) -> None:
    given = ready(make_findings(matched=ninety))
    [figure] = heatmap.draw(given.scores, given.sheet)
    texts = words(figure)
    assert texts.count("1.00*") == 5  # filter pruning: saliency white and black on two tasks, akh on one
    assert texts.count("-") == 6  # akh on angles
    assert [text for text in texts if text.endswith("  U")] == ["independent  U"] * 2
    assert {"digits class", "digits angle", "weight pruning  R"} <= set(texts)


def test_a_heat_map_too_narrow_for_numbers_says_what_shades_mean(
    make_findings: Make, ready: Ready, words: Words
) -> None:
    methods = [(f"m{i}", "x", "label") for i in range(30)]
    given = ready(make_findings(tasks=["digits_class"], methods=methods, repeats=1))
    [figure] = heatmap.draw(given.scores, given.sheet)
    assert not [text for text in words(figure) if text[:2] in ("0.", "1.")]
    assert any("white: 0, darkest: 1" in text for text in words(figure))


def test_a_task_with_more_families_than_fit_is_cut_into_pages(make_findings: Make, ready: Ready, words: Words) -> None:
    zoo = [(f"f{i} a=1", f"f{i}", True) for i in range(70)] + [("independent 0", "independent", False)]
    given = ready(make_findings(tasks=["digits_class"], zoo=zoo, repeats=1))
    pages = list(heatmap.draw(given.scores, given.sheet))
    assert len(pages) == 2 and all(page.get_figheight() <= TALLEST for page in pages)
    shown = [text for page in pages for text in words(page) if text.endswith(("  R", "  U"))]
    assert len(shown) == len(set(shown)) == 71


def test_strips_show_every_suspect_once_at_its_mean(make_findings: Make, ready: Ready) -> None:
    given = ready(make_findings(matched=ninety, tasks=["digits_class"]))
    [figure] = strips.draw(given.scores, given.summary, "digits_class", given.sheet)
    dots = [np.asarray(points.get_offsets()) for points in figure.axes[0].collections if len(points.get_offsets()) > 0]
    dots = np.concatenate([each for each in dots if each.shape[1] == 2])
    suspects = dots[dots[:, 0] > 0]
    assert sorted(suspects[:, 0].round(3)) == [0.1] * 6 + [0.85] * 6 + [0.98]
    assert {round(y) for y in suspects[:, 1]} == set(range(7))
    assert np.unique(suspects, axis=0).shape == suspects.shape  # jitter keeps equal scores apart


def test_strips_shade_victims_and_show_the_two_thresholds(make_findings: Make, ready: Ready, words: Words) -> None:
    given = ready(make_findings(matched=ninety, tasks=["digits_class"], victims=3, repeats=1))
    summary = given.summary.assign(best_rho=0.5, owner_rho=0.25)
    [figure] = strips.draw(given.scores, summary, "digits_class", given.sheet)
    axes = figure.axes[0]
    colours = {tuple(face[:3].round(3)) for points in axes.collections for face in points.get_facecolors()}
    assert {tuple(np.round(style.paler(style.BLUE, share), 3)) for share in (0.0, 0.3, 0.6)} <= colours
    upright = {line.get_xdata()[0]: line.get_linestyle() for line in axes.get_lines()}
    assert set(upright) == {0.5, 0.25} and upright[0.5] != upright[0.25]
    assert {"best in hindsight", "the owner's threshold"} <= set(words(figure))
    [alone] = strips.draw(given.scores, summary.assign(owner_rho=np.nan), "digits_class", given.sheet)
    assert "the owner's threshold" not in words(alone) and len(alone.axes[0].get_lines()) == 1
    assert "dashed" in strips.lines(0.05, True) and "dashed" not in strips.lines(0.05, False)


def test_the_gallery_states_the_amplification_that_it_uses(
    make_exhibit: Callable[..., Exhibit], make_findings: Make, ready: Ready, words: Words
) -> None:
    shown, sheet = make_exhibit("digits_class"), ready(make_findings()).sheet
    assert shown.originals is not None
    factor = gallery.amplification(shown.originals, shown.samples)
    assert factor * np.abs(shown.samples - shown.originals).max() <= 0.5
    figure = gallery.draw(shown, sheet)
    assert f"difference × {factor}" in words(figure)
    assert f"amplified {factor} times" in gallery.explain(shown)
    drawn = np.asarray(figure.axes[0].get_images()[2].get_array())
    expected = 0.5 + factor * (shown.samples[0] - shown.originals[0])
    assert np.allclose(drawn, expected.transpose(1, 2, 0))


def test_amplification_of_equal_and_of_opposite_images() -> None:
    black, white = np.zeros((1, 3, 2, 2)), np.ones((1, 3, 2, 2))
    assert gallery.amplification(black, black) == gallery.FACTORS[-1]
    assert gallery.amplification(black, white) == 1
    assert gallery.amplification(black, black + 0.1) == 5


@pytest.mark.parametrize(("source", "maps", "columns"), [(True, True, 6), (True, False, 3), (False, True, 4)])
def test_the_gallery_has_the_columns_that_the_method_has(
    make_exhibit: Callable[..., Exhibit], make_findings: Make, ready: Ready, words: Words, source: bool, maps: bool,
    columns: int,
) -> None:  # fmt: skip
    figure = gallery.draw(make_exhibit("digits_class", count=3, source=source, maps=maps), ready(make_findings()).sheet)
    assert len(figure.axes[0].get_images()) == 3 * columns
    assert ("original" in words(figure)) == source


def test_methods_are_compared_by_their_first_prints_behind_their_sources(
    make_exhibit: Callable[..., Exhibit], make_findings: Make, ready: Ready, words: Words
) -> None:
    sheet = ready(replace(make_findings(), marks={"akh": "Reconstructed."})).sheet
    with_source = make_exhibit("digits_class", count=4)
    without = make_exhibit("digits_class", "akh", count=2, source=False, maps=False)
    figure = gallery.compare([with_source, without], sheet)
    shown = [np.asarray(image.get_array()) for image in figure.axes[0].get_images()]
    assert len(shown) == 6 + 2
    assert with_source.originals is not None
    for place, image in enumerate((with_source.originals[1], with_source.samples[1])):
        assert np.allclose(shown[2 + place], image.transpose(1, 2, 0))
    assert np.allclose(shown[-1], without.samples[1].transpose(1, 2, 0))
    texts = words(figure)
    assert [texts.count(text) for text in ("original", "print", "no source", "akh§")] == [3, 3, 2, 1]
