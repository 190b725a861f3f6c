"""What the figures show, read back from their artists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from benchmark.report import Exhibit, Findings
from benchmark.report import summary as summaries
from benchmark.report.figures import bars, curves, gallery, heatmap, strips
from benchmark.report.findings import checked, of_main_channel
from benchmark.report.summary import summarise

Make = Callable[..., Findings]


def ready(findings: Findings) -> Findings:
    """As single-channel figures get them."""
    return of_main_channel(checked(findings))


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "RESAMPLES", 20)


def words(figure: Figure) -> list[str]:
    """Every text of a figure."""
    found = [artist.get_text() for artist in figure.findobj(Text) if isinstance(artist, Text)]
    return [text.strip() for text in found if text.strip()]


def ninety(fingerprint: str, repeat: int, suspect: str, positive: bool) -> int:
    return 90 - 10 * repeat if positive else 10


def test_curves_are_means_over_repeats_and_differ_in_line_style(make_findings: Make) -> None:
    scores = ready(make_findings(matched=ninety)).scores
    figure = curves.of_task(scores, summarise(scores), "digits_class")
    robust, unique = figure.axes[0].get_lines()
    heights = np.asarray(robust.get_ydata())
    assert heights[[0, 79, 80, 89, 90, 100]].tolist() == [1.0, 1.0, 0.5, 0.5, 0.0, 0.0]
    assert np.asarray(unique.get_ydata())[[9, 10]].tolist() == [0.0, 1.0]
    assert robust.get_linestyle() != unique.get_linestyle()
    assert f"saliency white\nARUC {75 / 101:.3f} ± 0.070" in words(figure)


def test_one_repeat_draws_no_band(make_findings: Make) -> None:
    two, one = (ready(make_findings(matched=ninety, repeats=repeats)).scores for repeats in (2, 1))
    shaded = [len(curves.of_task(s, summarise(s), "digits_class").axes[0].collections) for s in (two, one)]
    assert shaded == [3, 1]


def test_a_method_that_does_not_apply_is_named_and_has_no_panel(make_findings: Make) -> None:
    scores = ready(make_findings()).scores
    summary = summarise(scores)
    for figure in (curves.of_all(scores, summary), curves.of_task(scores, summary, "digits_angle")):
        assert words(figure).count("not applicable:\nakh") == 1
    assert not [text for text in words(curves.of_task(scores, summary, "digits_angle")) if text.startswith("akh")]
    assert words(bars.draw(scores, summary)).count("not applicable") == 1


def test_a_task_where_nothing_applies_is_still_drawn(make_findings: Make) -> None:
    scores = ready(make_findings(tasks=["digits_angle"], methods=[("akh", "label", "label")])).scores
    summary = summarise(scores)
    assert "not applicable:\nakh" in words(curves.of_task(scores, summary, "digits_angle"))
    assert "not applicable:\nakh" in words(curves.of_all(scores, summary))
    assert "n/a" in words(heatmap.draw(scores, summary))
    strips.draw(scores, summary, "digits_angle").draw_without_rendering()


@pytest.mark.parametrize(("count", "shape"), [(5, (1, 5)), (6, (2, 3)), (8, (2, 4)), (9, (2, 5))])
def test_many_methods_wrap_into_rows_of_about_equal_length(
    make_findings: Make, count: int, shape: tuple[int, int]
) -> None:
    methods = [(f"m{i}", "x", "label") for i in range(count)]
    scores = ready(make_findings(tasks=["digits_class"], methods=methods, repeats=1)).scores
    figure = curves.of_all(scores, summarise(scores))
    spec = figure.axes[0].get_subplotspec()
    assert spec is not None and spec.get_gridspec().get_geometry() == shape
    assert figure.get_figwidth() < 10


def test_a_method_that_a_task_did_not_run_is_named_there(make_findings: Make) -> None:
    findings = make_findings()
    gone = (findings.scores["task"] == "digits_angle") & (findings.scores["verifier"] == "black")
    scores = ready(replace(findings, scores=findings.scores[~gone])).scores
    texts = words(curves.of_all(scores, summarise(scores)))
    assert "not applicable:\nakh\nnot run:\nsaliency black" in texts
    assert "digits_angle\nshare of suspects" in texts


def test_figures_show_the_sign_of_a_marked_method(make_findings: Make) -> None:
    scores = ready(make_findings(tasks=["digits_class"])).scores
    summary, marks = summarise(scores), {"saliency": "Reconstructed."}
    drawn = (
        curves.of_all(scores, summary, marks),
        bars.draw(scores, summary, marks),
        heatmap.draw(scores, summary, marks),
        strips.draw(scores, summary, "digits_class", marks),
    )
    for figure in drawn:
        texts = {text.partition("\n")[0] for text in words(figure)}
        assert {"saliency white§", "saliency black§", "akh"} <= texts
        assert not {"saliency white", "saliency black"} & texts


def test_the_heat_map_leaves_out_methods_that_do_not_apply(make_findings: Make) -> None:
    scores = ready(make_findings()).scores
    figure = heatmap.draw(scores, summarise(scores))
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["saliency white", "saliency black", "akh", "saliency white", "saliency black"]
    assert "n/a" not in words(figure)


def test_bars_have_the_summarys_lengths(make_findings: Make) -> None:
    scores = ready(make_findings()).scores
    summary = summarise(scores)
    rows = summary[(summary["task"] == "digits_class")].sort_values("suspects", kind="stable")
    widths = [patch.get_width() for patch in bars.draw(scores, summary).axes[0].patches]  # type: ignore[attr-defined]
    assert widths == pytest.approx(rows["aruc"].tolist())


def test_bars_without_degraded_suspects_are_drawn_once(make_findings: Make) -> None:
    findings = make_findings(tasks=["digits_class"])
    findings.scores["degraded"] = False
    scores = ready(findings).scores
    figure = bars.draw(scores, summarise(scores))
    assert len(figure.axes[0].patches) == 3
    assert "without degraded suspects" not in words(figure)


def test_the_heat_map_marks_degraded_families(make_findings: Make) -> None:
    scores = ready(make_findings(matched=ninety)).scores
    texts = words(heatmap.draw(scores, summarise(scores)))
    assert texts.count("1.00*") == 5  # filter pruning: saliency white and black on two tasks, akh on one
    assert "* some of the family's suspects lost more than 5 points" in texts


def test_strips_show_every_suspect_once_at_its_mean(make_findings: Make) -> None:
    scores = ready(make_findings(matched=ninety, tasks=["digits_class"])).scores
    axes = strips.draw(scores, summarise(scores), "digits_class").axes[0]
    dots = np.concatenate([np.asarray(points.get_offsets()) for points in axes.collections])
    assert sorted(dots[:, 0].round(3)) == [0.1] * 6 + [0.85] * 6 + [0.98]
    rows = {round(y) for y in dots[:, 1]}
    assert rows == set(range(7))
    assert np.unique(dots, axis=0).shape == dots.shape  # jitter keeps equal scores apart


def test_the_gallery_states_the_amplification_that_it_uses(make_exhibit: Callable[..., Exhibit]) -> None:
    shown = make_exhibit("digits_class")
    assert shown.originals is not None
    factor = gallery.amplification(shown.originals, shown.samples)
    assert factor * np.abs(shown.samples - shown.originals).max() <= 0.5
    figure = gallery.draw(shown)
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
    make_exhibit: Callable[..., Exhibit], source: bool, maps: bool, columns: int
) -> None:
    figure = gallery.draw(make_exhibit("digits_class", count=3, source=source, maps=maps))
    assert len(figure.axes[0].get_images()) == 3 * columns
    assert ("original" in words(figure)) == source


def test_methods_are_compared_by_their_first_prints_behind_their_sources(make_exhibit: Callable[..., Exhibit]) -> None:
    with_source = make_exhibit("digits_class", count=4)
    without = make_exhibit("digits_class", "akh", count=2, source=False, maps=False)
    figure = gallery.compare([with_source, without], {"akh": "Reconstructed."})
    shown = [np.asarray(image.get_array()) for image in figure.axes[0].get_images()]
    assert len(shown) == 6 + 2
    assert with_source.originals is not None
    for place, image in enumerate((with_source.originals[1], with_source.samples[1])):
        assert np.allclose(shown[2 + place], image.transpose(1, 2, 0))
    assert np.allclose(shown[-1], without.samples[1].transpose(1, 2, 0))
    texts = words(figure)
    assert [texts.count(text) for text in ("original", "print", "no source", "akh§")] == [3, 3, 2, 1]
