"""A method looks the same in all figures, whatever is drawn beside it, and goes by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

from benchmark.report import Findings
from benchmark.report.figures import every, sensitivity, style
from benchmark.report.figures.sheet import Sheet
from benchmark.report.findings import checked
from benchmark.report.summary import summarise
from benchmark.report.view import View

Make = Callable[..., Findings]
NAMES = {"methods": {"saliency": "Saliency", "saliency white": "Saliency white box", "akh": "AKH"}}


def test_looks_follow_the_sorted_methods_and_not_what_is_drawn(make_whole: Make) -> None:
    findings = checked(make_whole())
    reversed_ = replace(findings, scores=findings.scores.iloc[::-1])
    whole, turned = (Sheet.of(each, View()) for each in (findings, reversed_))
    methods = [("akh", "label"), ("saliency", "black"), ("saliency", "white")]
    assert [whole.places[method] for method in methods] == [(0, 0), (1, 0), (2, 0)]
    assert whole.places == turned.places


def test_settings_of_one_method_share_colour_and_sign_and_are_told_apart_by_face_and_dashes(make_whole: Make) -> None:
    findings = checked(make_whole())
    rows = findings.scores
    other = rows[rows["fingerprint"] == "saliency"].assign(fingerprint="a_saliency_of_the_paper")
    targets = {"saliency": "fingerprint/saliency", "a_saliency_of_the_paper": "fingerprint/saliency"}
    config = {"fingerprint": {key: {"_target_": target} for key, target in targets.items()}}
    both = replace(findings, scores=pd.concat([rows, other]), manifest={"config": config})
    sheet = Sheet.of(both, View())
    own, paper, akh, black = (
        sheet.line(method)
        for method in (
            *(("saliency", "white"), ("a_saliency_of_the_paper", "white")),
            *(("akh", "label"), ("saliency", "black")),
        )
    )
    assert (own["color"], own["marker"]) == (paper["color"], paper["marker"])
    assert (own["markerfacecolor"], paper["markerfacecolor"]) == (own["color"], "white")
    assert own["linestyle"] != paper["linestyle"]
    assert len({(look["color"], look["marker"]) for look in (own, akh, black)}) == 3
    summary = summarise(both.scores[both.scores["channel"] == both.channel])
    figures = {picture.name: (picture, figure) for picture, figure in every.drawn(both, summary)}
    picture, figure = figures["auc"]
    assert "Settings of one method share colour and sign" in picture.caption
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    ends = {}  # of the intervals, which are as long as the data say, by name
    for line in figure.axes[0].get_lines():
        x, y = line.get_xdata(), line.get_ydata()
        if len(x) == 2 and line.get_marker() in ("None", "") and y[0] == y[1]:
            ends.setdefault(names[round(float(y[0]))], set()).add((line.get_color(), line.get_linestyle()))
    (tuned,), (printed,) = ends["saliency white"], ends["a saliency of the paper white"]
    assert tuned[0] == printed[0] and (tuned[1], printed[1]) == ("-", "--")


def test_a_method_keeps_its_colour_and_sign_across_figures_and_in_a_view_of_it_alone(make_whole: Make) -> None:
    findings = checked(make_whole(names=NAMES))
    summary = summarise(findings.scores[findings.scores["channel"] == findings.channel])
    seen = set()
    for view in (View(), View(("saliency",)), View(("saliency",), "column")):
        figures = {picture.name: figure for picture, figure in every.drawn(findings, summary, view)}
        legend = figures["sensitivity_digits_class"].legends[0]
        texts = [text.get_text() for text in legend.get_texts()]
        line = legend.get_lines()[texts.index("Saliency white box")]
        seen.add((line.get_color(), line.get_marker()))
        panel = figures["auc"].axes[0]
        names = [text.get_text() for text in panel.get_yticklabels()]
        assert ("akh§" in names or "AKH§" in names) == (not view.methods)
        marked = [line for line in panel.get_lines() if line.get_marker() not in ("None", "")]
        seen.add((marked[names.index("Saliency white box")].get_color(), marked[0].get_marker()))
    assert len(seen) == 1


def test_a_view_draws_its_methods_in_its_order(make_whole: Make) -> None:
    findings = checked(make_whole())
    summary = summarise(findings.scores[findings.scores["channel"] == findings.channel])
    figures = {picture.name: figure for picture, figure in every.drawn(findings, summary, View(("akh", "saliency")))}
    names = [text.get_text() for text in figures["auc"].axes[0].get_yticklabels()]
    assert names == ["akh§", "saliency white", "saliency black"]
    rows = [text.get_text() for text in figures["conspicuity_digits_class"].axes[0].get_yticklabels()]
    assert rows == ["clean test images", "akh§", "saliency"]


def test_no_two_of_the_first_lines_look_alike_not_even_in_grey() -> None:
    looks = [style.line(place) for place in range(36)]
    assert len({(each["color"], each["marker"]) for each in looks}) == 36
    assert len({(each["marker"], each["linestyle"]) for each in looks}) == 36


def test_the_widths_are_those_of_a_paper(make_whole: Make) -> None:
    findings = checked(make_whole())
    assert [Sheet.of(findings, View((), width)).width for width in ("column", "page")] == [3.3, 6.9]


def test_marks_are_explained_by_name(make_whole: Make) -> None:
    sheet = Sheet.of(checked(make_whole(names=NAMES)), View())
    assert sheet.explained(["akh", "saliency", "akh"]) == " § AKH: Reconstruction: the text was not available."
    assert sheet.explained(["saliency"]) == ""
    assert (sheet.label(("akh", "label")), sheet.fingerprint("akh")) == ("AKH§", "AKH§")
    assert sheet.family("weight_pruning") == "weight pruning"


@pytest.mark.parametrize("count", [3, 20])
def test_no_panel_has_more_lines_than_can_be_told_apart(make_findings: Make, count: int) -> None:
    methods = [(f"m{i}", "x", ("label", "probability")[i % 2]) for i in range(count)]
    findings = make_findings(tasks=["digits_class"], methods=methods, repeats=1)
    ablations = [
        {"task": "t", "fingerprint": name, "verifier": "x", "setting": "count", "value": 1} for name, _, _ in methods
    ]
    found = sensitivity.panels(findings.scores, pd.DataFrame(ablations))
    assert all(len(panel.methods) <= style.LINES for panel in found)
    assert sorted(method for panel in found for method in panel.methods) == sorted(
        (name, "x") for name, _, _ in methods
    )
    assert len(found) == (1 if count == 3 else 4)
