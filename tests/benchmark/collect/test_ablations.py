"""Ablations: which jobs they add, and that stored measurements give what a run with that setting gives."""

from __future__ import annotations

import copy
from pathlib import Path

import pandas as pd
import pytest
from benchmark.plan.jobs import MeasureJob, ModelJob, PrintsJob

from benchmark import metrics
from benchmark.cli.command import run
from benchmark.errors import InputError
from benchmark.plan.experiment import read
from benchmark.plan.plan import plan
from tests.benchmark.run.test_local import config

ABLATION = {"counts": [5, 10, 50], "settings": {"saliency": {"xi": [0.05, 0.1], "t_wb": [0.05, 0.5]}}, "repeats": 1}
SALIENCY = {"_target_": "fingerprint/saliency", "steps": 3, "rounds": 1, "xi": 0.1, "t_wb": 0.5}


def ablated(folder: Path) -> dict:
    changed = config(folder, ablation=ABLATION, gallery=0)
    changed["fingerprint"] = {"saliency": SALIENCY, "random": changed["fingerprint"]["random"]}
    return changed


def test_only_what_must_be_remade_is_planned(tmp_path):
    plain = plan(read(ablated(tmp_path) | {"ablation": {"counts": [], "settings": {}, "repeats": 1}}))
    whole = plan(read(ablated(tmp_path)))
    new = {job.key: job for job in whole.jobs} | {}
    for job in plain.jobs:
        new.pop(job.key)
    assert [job.variant for job in new.values() if isinstance(job, PrintsJob)] == ["xi=0.05"]  # of the first repeat
    assert len([job for job in new.values() if isinstance(job, MeasureJob)]) == 4
    assert not any(isinstance(job, ModelJob) for job in new.values())
    assert [job.key for job in whole.jobs][: len(plain.jobs)] == [job.key for job in plain.jobs]
    points = [(v.setting, v.value, v.prints.repeat) for v in whole.variants]
    both = [(value, repeat) for value in (0.05, 0.5) for repeat in (0, 1)]
    assert points == [("xi", 0.05, 0), ("xi", 0.1, 0), ("xi", 0.1, 1), *(("t_wb", *each) for each in both)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("ablated")
    assert run(ablated(folder)) == 0
    return folder


def frame(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / "results/mini" / f"{name}.csv")


def area(scores: pd.DataFrame, fingerprint: str, verifier: str, repeat: int) -> float:
    rows = scores[(scores["fingerprint"] == fingerprint) & (scores["verifier"] == verifier)]
    rows = rows[(rows["repeat"] == repeat) & (rows["family"] != "victim")]
    return metrics.aruc(rows["matched"] / rows["n"], rows["stolen"])


def test_a_stored_threshold_gives_what_a_run_with_it_gives(finished, tmp_path):
    changed = ablated(finished)
    changed["fingerprint"]["saliency"] = SALIENCY | {"t_wb": 0.05}
    changed |= {"results": str(tmp_path), "ablation": {"counts": [], "settings": {}, "repeats": 1}}
    assert run(changed) == 0
    scores = pd.read_csv(tmp_path / "mini" / "scores.csv")
    rows = frame(finished, "ablations").query("setting == 't_wb'")
    assert set(rows["verifier"]) == {"white"}  # the black box score does not know t_wb
    for _, row in rows[rows["value"] == 0.05].iterrows():
        assert row["aruc"] == pytest.approx(area(scores, "saliency", "white", row["repeat"]), abs=1e-9)


def test_a_remade_setting_gives_what_a_run_with_it_gives(finished, tmp_path):
    changed = ablated(finished)
    changed["fingerprint"]["saliency"] = SALIENCY | {"xi": 0.05}
    changed |= {"results": str(tmp_path), "ablation": {"counts": [], "settings": {}, "repeats": 1}}
    assert run(changed) == 0
    scores = pd.read_csv(tmp_path / "mini" / "scores.csv")
    rows = frame(finished, "ablations").query("setting == 'xi' and value == 0.05")
    for _, row in rows.iterrows():
        assert row["repeat"] == 0
        assert row["aruc"] == pytest.approx(area(scores, "saliency", row["verifier"], 0), abs=1e-9)


def test_all_prints_give_the_headline_and_fewer_are_a_part_of_them(finished):
    scores, rows = frame(finished, "scores"), frame(finished, "ablations").query("setting == 'count'")
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
    ],
    ids=str,
)
def test_a_mistake_names_the_key(settings, message, tmp_path):
    changed = ablated(tmp_path)
    changed["ablation"] = copy.deepcopy(ABLATION) | {"settings": settings}
    with pytest.raises(InputError, match=message):
        read(changed)


def test_the_ablation_of_a_method_that_was_left_out_is_left_out(tmp_path):
    changed = ablated(tmp_path)
    del changed["fingerprint"]["saliency"]
    assert plan(read(changed)).variants == ()
