"""Distances against queries: which substitutes are drawn, and where."""

from __future__ import annotations

import itertools

import pandas as pd
import pytest

from benchmark.report.figures import extraction
from benchmark.report.figures.sheet import Sheet
from benchmark.report.names import Names

TASK = "digits_class"
SHEET = Sheet(6.9, Names({"families": {"jbda": "JBDA"}}, frozenset({"dj"})), {}, {})
BUDGETS = {"knockoff": (250, 500, 1000), "jbda": (150, 300), "synthesis": (2048,)}


@pytest.fixture
def rows():
    """Scores of two distances and a label match on three extractions and a copy that asked nothing; the models."""
    suspects = [("finetune", "finetune", 0)]
    for family, budgets in BUDGETS.items():
        for answers, queries in itertools.product(("label", "probability"), budgets):
            suspects.append((family, f"{family} answers={answers} budget={queries}", queries))
    scores = [
        {
            "task": TASK,
            "victim": 0,
            "repeat": repeat,
            "family": family,
            "suspect": suspect,
            "suspect_key": suspect,
            "fingerprint": fingerprint,
            "verifier": verifier,
            "access": "label",
            "queries": 100,
            "statistic": None if threshold is None else 100 / (1 + queries) + repeat,
            "threshold": threshold,
        }
        for (fingerprint, verifier, threshold) in (("dj", "robd", 0.9), ("dj", "jsd", 0.6), ("akh", "label", None))
        for family, suspect, queries in suspects
        for repeat in (0, 1)
    ]
    models = [{"key": suspect, "queries": queries, "quality": 1.0} for _, suspect, queries in suspects]
    return pd.DataFrame(scores), pd.DataFrame(models)


def test_extractions_with_several_budgets_are_taken_with_their_means(rows):
    found = extraction.extractions(*rows, TASK)
    attacks = {f"{name}, {word}" for name in ("knockoff", "jbda") for word in ("label", "probability")}
    assert set(found["attack"]) == attacks
    assert set(found["verifier"]) == {"robd", "jsd"}
    one = found[(found["attack"] == "jbda, label") & (found["verifier"] == "jsd")].set_index("queries")
    assert one["statistic"].to_dict() == pytest.approx({150: 100 / 151 + 0.5, 300: 100 / 301 + 0.5})
    assert set(one["threshold"]) == {0.6}


def test_without_queries_there_is_nothing_to_draw(rows):
    scores, models = rows
    assert extraction.extractions(scores, models.assign(queries=0), TASK).empty
    assert extraction.extractions(scores, models, "another").empty


def test_a_panel_per_distance_a_line_per_attack_and_the_threshold(rows):
    [figure] = extraction.draw(*rows, TASK, SHEET)
    panels = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title() for axes in panels] == ["dj robd", "dj jsd"]
    for axes, threshold in zip(panels, (0.9, 0.6), strict=True):
        lines = {line.get_label(): line for line in axes.lines}
        assert list(lines["knockoff, label"].get_xdata()) == [250, 500, 1000]
        assert lines["knockoff, label"].get_ydata()[0] == pytest.approx(100 / 251 + 0.5)
        assert list(lines["threshold"].get_ydata()) == pytest.approx([threshold] * 2)
        assert axes.get_xlabel() == "queries to the victim" and axes.get_ylim()[0] == 0
    assert len({(line.get_linestyle(), line.get_marker()) for line in panels[0].lines}) == len(panels[0].lines)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["JBDA, label", "JBDA, probability", "knockoff, label", "knockoff, probability", "threshold"]


def test_victims_are_averaged_though_each_has_substitutes_of_its_own(rows):
    scores, models = rows
    other = scores.assign(victim=1, suspect_key="other " + scores["suspect_key"], statistic=scores["statistic"] + 1)
    both = pd.concat([models, models.assign(key="other " + models["key"])])
    found = extraction.extractions(pd.concat([scores, other]), both, TASK)
    one = found[(found["attack"] == "jbda, label") & (found["verifier"] == "jsd")].set_index("queries")
    assert one["statistic"].to_dict() == pytest.approx({150: 100 / 151 + 1.0, 300: 100 / 301 + 1.0})


def test_more_attacks_than_an_axes_may_hold_go_to_further_pages(rows):
    scores, models = rows
    chosen = scores["family"] == "knockoff"
    parts, known = [], []
    for place in range(5):
        part = scores[chosen].copy()
        part["family"] = f"attack{place}"
        part["suspect_key"] = part["suspect"] = part["suspect"] + f" x={place}"
        parts.append(part)
        known.append(models.assign(key=models["key"] + f" x={place}"))
    figures = list(extraction.draw(pd.concat(parts), pd.concat(known), TASK, SHEET))
    assert [len(figure.axes[0].lines) for figure in figures] == [8 + 1, 2 + 1]
