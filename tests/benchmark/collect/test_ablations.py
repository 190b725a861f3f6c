"""Ablations: which jobs they add, and that stored measurements give what a run with that setting gives."""

from __future__ import annotations

import copy
from pathlib import Path

import pandas as pd
import pytest

from benchmark import metrics
from benchmark.errors import InputError
from benchmark.plan.models import ModelJob
from benchmark.plan.plan import plan
from benchmark.plan.prints import PrintsJob
from benchmark.plan.reading import read
from benchmark.plan.verdicts import MeasureJob
from tests.builder import BOTH, configuration
from tests.stores import Done, carried_out

ABLATION = {"counts": [5, 10, 50], "settings": {"saliency": {"xi": [0.05, 0.4], "t_wb": [0.05, 0.5]}}, "repeats": 1}
SALIENCY = {"_target_": "fingerprint/saliency", "steps": 20, "step": 0.05, "rounds": 1, "xi": 0.4, "t_wb": 0.5}


NONE = {"counts": [], "settings": {}, "repeats": 1}


def ablated(folder: Path | str = "nowhere", ablation: dict = ABLATION, **saliency: float) -> dict:
    """Two methods, one of which may have other settings, through two channels, of which ablations look at the first."""
    changed = configuration(folder, ablation=copy.deepcopy(ablation), gallery=0, channel=BOTH)
    changed["proof"]["drop"] = False  # prints of so few steps work on no victim
    changed["task"]["digits"]["training"] |= {"epochs": 5, "batch": 64}  # nor on one that gives all images one label
    changed["fingerprint"] = {"saliency": SALIENCY | saliency, "random": changed["fingerprint"]["random"]}
    return changed


def test_only_what_must_be_remade_is_planned():
    plain, whole = plan(read(ablated(ablation=NONE))), plan(read(ablated()))
    new = {job.key: job for job in whole.jobs} | {}
    for job in plain.jobs:
        new.pop(job.key)
    assert [job.variant for job in new.values() if isinstance(job, PrintsJob)] == ["xi=0.05"]  # of the first repeat
    measured = [(job.suspect.role, job.channel_name) for job in new.values() if isinstance(job, MeasureJob)]
    assert measured == [("victim", "as_made"), ("victim", "eight_bit")] + [("suspect", "as_made")] * 4
    assert not any(isinstance(job, ModelJob) for job in new.values())
    assert [job.key for job in whole.jobs][: len(plain.jobs)] == [job.key for job in plain.jobs]
    points = [(v.setting, v.value, v.prints.repeat) for v in whole.variants]
    both = [(value, repeat) for value in (0.05, 0.5) for repeat in (0, 1)]
    assert points == [("xi", 0.05, 0), ("xi", 0.4, 0), *(("t_wb", *each) for each in both)]


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Done:
    found = carried_out(ablated(tmp_path_factory.mktemp("ablated")))
    assert not found.failures
    return found


def area(scores: pd.DataFrame, fingerprint: str, verifier: str, repeat: int) -> float:
    rows = scores[(scores["fingerprint"] == fingerprint) & (scores["verifier"] == verifier)]
    rows = rows[(rows["repeat"] == repeat) & (rows["family"] != "victim") & (rows["channel"] == "as_made")]
    assert len(rows) == 4
    return metrics.aruc(rows["matched"] / rows["n"], rows["positive"].astype(bool))


def test_a_stored_threshold_gives_what_a_run_with_it_gives(done):
    again = carried_out(ablated(done.store.root.parent, NONE, t_wb=0.05))
    rows = done.findings.ablations.query("setting == 't_wb'")
    assert set(rows["verifier"]) == {"white"}  # the black box score does not know t_wb
    for _, row in rows[rows["value"] == 0.05].iterrows():
        assert row["aruc"] == pytest.approx(area(again.findings.scores, "saliency", "white", row["repeat"]), abs=1e-9)


def test_a_remade_setting_gives_what_a_run_with_it_gives(done):
    again = carried_out(ablated(done.store.root.parent, NONE, xi=0.05))
    rows = done.findings.ablations.query("setting == 'xi' and value == 0.05")
    assert len(rows)
    for _, row in rows.iterrows():
        assert row["repeat"] == 0
        assert row["aruc"] == pytest.approx(area(again.findings.scores, "saliency", row["verifier"], 0), abs=1e-9)


def test_all_prints_give_the_headline_and_fewer_are_a_part_of_them(done):
    scores, rows = done.findings.scores, done.findings.ablations.query("setting == 'count'")
    assert set(rows["value"]) == {5, 10}  # 50 are more than were made
    assert set(zip(rows["fingerprint"], rows["verifier"], strict=True)) == {
        ("saliency", "white"),
        ("saliency", "black"),
        ("random", "label"),
    }
    for _, row in rows[rows["value"] == 10].iterrows():
        expected = area(scores, row["fingerprint"], row["verifier"], row["repeat"])
        assert row["aruc"] == pytest.approx(expected, abs=1e-9)
    assert (rows["n"] == rows["value"]).all() and (rows["positives"] == 2).all() and (rows["negatives"] == 2).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"saliency": {"xo": [0.1]}}, r"^ablation\.settings\.saliency\.xo: Saliency has no such setting, .*xi"),
        ({"saliency": {"xi": [2.0]}}, r"^ablation\.settings\.saliency\.xi: 2\.0 is out of range"),
        ({"saliency": {"xi": 0.1}}, r"^ablation\.settings\.saliency\.xi: wants a list of numbers"),
        ({"saliency": {"xi": []}}, r"^ablation\.settings\.saliency\.xi: wants a list of numbers"),
        (
            {"saliency": {"norm": ["l2", 1]}},
            r"^ablation\.settings\.saliency\.norm: wants a list",
        ),
        ({"saliency": {"norm": ["l1"]}}, r"^ablation\.settings\.saliency\.norm: "),
    ],
    ids=str,
)
def test_a_mistake_names_the_key(settings, message):
    with pytest.raises(InputError, match=message):
        read(ablated(ablation=ABLATION | {"settings": settings}))


def test_a_setting_takes_words_too():
    settings = {"saliency": {"norm": ["linf", "l2"]}}
    found = plan(read(ablated(ablation=ABLATION | {"settings": settings, "counts": []}))).variants
    assert {(variant.setting, variant.value) for variant in found} == {("norm", "linf"), ("norm", "l2")}
    assert {variant.prints.fingerprint.norm for variant in found} == {"linf", "l2"}


def test_the_ablation_of_a_method_that_was_left_out_is_left_out():
    changed = ablated()
    del changed["fingerprint"]["saliency"]
    assert plan(read(changed)).variants == ()
