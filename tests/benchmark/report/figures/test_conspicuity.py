"""The detectors' distances, read back from the figure's artists."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from benchmark.report import Findings
from benchmark.report.figures.conspicuity import POINTS, draw
from benchmark.report.figures.sheet import Sheet
from benchmark.report.findings import checked
from benchmark.report.view import WHOLE

Make = Callable[..., Findings]


def drawn(findings: Findings, task: str = "digits_class") -> Figure:
    given = checked(findings)
    [figure] = draw(given, task, Sheet.of(given, WHOLE))
    figure.draw_without_rendering()
    return figure


def words(figure: Figure) -> list[str]:
    return [artist.get_text() for artist in figure.findobj(Text) if isinstance(artist, Text) and artist.get_text()]


def test_a_panel_per_detector_and_a_row_per_method_below_the_clean_images(make_whole: Make) -> None:
    figure = drawn(make_whole())
    squeezing = figure.axes[0]
    assert [axes.get_title() for axes in figure.axes] == ["squeezing", "svdd"]
    assert [label.get_text() for label in squeezing.get_yticklabels()] == ["clean test images", "saliency", "akh§"]
    texts = words(figure)
    assert texts.count("n = 9") == 2  # clean images in both panels
    assert texts.count("n = 18") == 4  # two methods of two repeats


def test_boxes_and_lines_are_quantiles_of_all_repeats(make_whole: Make) -> None:
    findings = make_whole(tasks=["digits_class"])
    own = findings.distances.query("detector == 'squeezing' and fingerprint == 'akh'")
    panel = drawn(findings).axes[0]
    boxes = {round(patch.get_y(), 2): patch for patch in panel.patches}  # type: ignore[attr-defined]
    for height, channel in ((2 - 0.2, "as_made"), (2 - 0.02, "eight_bit")):
        values = own.loc[own["channel"] == channel, "distance"]
        box = boxes[round(height, 2)]
        first, third = np.quantile(values, (0.25, 0.75))
        assert box.get_x() == pytest.approx(first)
        assert box.get_x() + box.get_width() == pytest.approx(third)
    spans = [np.asarray(line.get_xdata(), dtype=float) for line in panel.get_lines()]
    made = own.loc[own["channel"] == "as_made", "distance"]
    for wanted in (np.quantile(made, (0.05, 0.95)), np.repeat(made.median(), 2)):
        assert any(span.shape == (2,) and np.allclose(span, wanted) for span in spans)


def test_at_most_so_many_single_prints_are_drawn_and_the_two_ends_among_them(make_whole: Make) -> None:
    findings = make_whole(tasks=["digits_class"])
    many = pd.DataFrame(
        {
            **{"task": "digits_class", "fingerprint": "saliency", "victim": 0, "repeat": 0, "detector": "squeezing"},
            **{"channel": "as_made", "number": range(500), "distance": np.linspace(0.25, 1.75, 500)},
        }
    )
    panel = drawn(replace(findings, distances=many)).axes[0]
    points = np.concatenate([np.asarray(marks.get_offsets())[:, 0] for marks in panel.collections])
    assert len(points) == POINTS
    assert (points.min(), points.max()) == (0.25, 1.75)


def test_thresholds_are_labelled_lines_at_their_means_with_a_band_where_they_move(make_whole: Make) -> None:
    findings = make_whole()
    findings.detections.loc[findings.detections["channel"] == "eight_bit", "value"] = (
        7.0  # of another channel: not shown
    )
    figure = drawn(findings)
    texts = words(figure)
    assert {"fixed 1", "fpr05 0.3", "q95 0.55"} <= set(texts)
    squeezing, svdd = figure.axes
    lines = [
        [float(line.get_xdata()[0]) for line in axes.get_lines() if len(set(line.get_xdata())) == 1]
        for axes in (squeezing, svdd)
    ]
    assert {0.3, 1.0} <= set(lines[0])
    assert any(np.isclose(value, 0.55) for value in lines[1])
    dashes = {str(line.get_linestyle()) for line in squeezing.get_lines() if line.get_xdata()[0] in (0.3, 1.0)}
    assert len(dashes) >= 2
    bands = [patch for patch in svdd.patches if np.isclose(patch.get_alpha() or 0, 0.12)]
    edges = bands[0].get_extents().transformed(svdd.transData.inverted())
    assert (len(bands), edges.x0, edges.x1) == (1, pytest.approx(0.5), pytest.approx(0.6))


def test_the_axis_is_logarithmic_where_distances_dwarf_the_thresholds(make_whole: Make) -> None:
    squeezing, svdd = drawn(make_whole()).axes
    assert (squeezing.get_xscale(), svdd.get_xscale()) == ("linear", "log")
    assert squeezing.get_xlim()[0] == 0
    low, high = svdd.get_xlim()
    assert low < 0.1 < 100 < high
    assert all("$" not in label.get_text() for label in svdd.get_xticklabels())


def test_a_distance_of_zero_keeps_the_axis_linear(make_whole: Make) -> None:
    findings = make_whole(tasks=["digits_class"])
    findings.distances.loc[findings.distances["number"] == 0, "distance"] = 0.0
    assert drawn(findings).axes[1].get_xscale() == "linear"


def test_only_detectors_that_apply_have_a_panel(make_whole: Make) -> None:
    figure = drawn(make_whole(), "digits_angle")
    assert [axes.get_title() for axes in figure.axes] == ["svdd"]


def test_a_method_that_was_refused_or_never_asked_is_told_apart(make_whole: Make) -> None:
    findings = make_whole(tasks=["digits_class"])
    gone = (findings.distances["fingerprint"] == "akh") & (findings.distances["detector"] == "svdd")
    told = findings.detections.copy()
    refused = (told["fingerprint"] == "akh") & (told["detector"] == "svdd")
    told.loc[refused, ["rate", "auroc", "clean_rate"]] = np.nan
    for reason, word in (("no picture", "n/a"), (None, "not run")):
        kept = told.assign(reason=np.where(refused, reason, "")) if reason else told[~refused]
        texts = words(drawn(replace(findings, distances=findings.distances[~gone], detections=kept)))
        assert texts.count(word) == 1


def test_distances_without_verdicts_and_on_one_channel_are_drawn(make_whole: Make) -> None:
    findings = make_whole(repeats=1)
    bare = replace(findings, detections=findings.detections.head(0))
    assert {"prints, as made", "prints, eight bit"} <= set(words(drawn(bare)))
    alone = replace(bare, distances=bare.distances[bare.distances["channel"] != "eight_bit"])
    assert "prints, as made" in words(drawn(alone))
    assert "prints, eight bit" not in words(drawn(alone))


def test_every_channel_has_a_look_of_its_own_and_bars_do_not_overlap(make_whole: Make) -> None:
    findings = make_whole(tasks=["digits_class"])
    rows = findings.distances
    more = [rows[rows["channel"] == "eight_bit"].assign(channel=f"noise_{place}") for place in range(2)]
    figure = drawn(replace(findings, distances=pd.concat([rows, *more])))
    assert {"prints, noise 0", "prints, noise 1"} <= set(words(figure))
    handles = list(figure.legends[0].get_patches())
    assert len({(patch.get_facecolor(), patch.get_hatch()) for patch in handles}) == 5  # clean images, four channels
    boxes = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    for row in (1, 2):
        spans = sorted((box.get_y(), box.get_y() + box.get_height()) for box in boxes if abs(box.get_y() - row) < 0.5)
        assert len(spans) == 4
        assert all(low >= high for (_, high), (low, _) in itertools.pairwise(spans))
