"""Models that are no models: what has diverged, and victims that do not look, fail by name and are not stored."""

from __future__ import annotations

import json

import pytest

from benchmark.plan.plan import plan
from benchmark.plan.reading import read
from tests import recipes as recipes  # by its names
from tests.builder import TASK, TRAINING, configuration
from tests.stores import carried_out, command

BROKEN = {"_target_": "suspect/test_not_finite"}
STRICT = {"level": 0.05, "victims": False}


def trained(**settings):
    return {"digits": TASK | {"training": TRAINING | settings}}


def failed(done):
    """What went wrong by itself, by title; nothing of it is in the store."""
    assert not any(done.store.has(failure.job.key) for failure in done.failures)
    return {each.job.title: each.error for each in done.failures if not each.error.startswith("needs «")}


def test_a_victim_that_diverged_is_named_and_nothing_is_judged(tmp_path, capsys):
    config = configuration(tmp_path, task=trained(learning_rate=1e6, epochs=2))
    line = failed(carried_out(config))["digits: victim"]
    assert line.startswith("InputError: the training diverged: ") and "a learning_rate below 1e+06 would do" in line
    assert command(config) == 1 and not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("inf", "5 of 1207 weights are not finite; milder settings"),
        ("3.4e38", "its answers to 400 of 400 images are not finite"),
    ],
)
def test_a_copy_beyond_numbers_is_named_and_costs_itself_alone(tmp_path, value, line):
    suspects = configuration()["suspect"] | {"broken": BROKEN | {"value": value}}
    done = carried_out(configuration(tmp_path, suspect=suspects, repeats=1, gallery=0))
    own = failed(done)
    assert list(own) == ["digits: suspect broken"] and line in own["digits: suspect broken"]
    assert all("broken" in failure.job.title for failure in done.failures)
    scores = done.findings.scores
    assert len(scores) == 5 and scores["score"].notna().all() and "broken" not in set(scores["suspect"])


def test_a_blind_victim_is_named_with_its_test_and_taken_when_told(tmp_path):
    blind = trained(learning_rate=1e-9)
    done = carried_out(configuration(tmp_path, task=blind, blind=STRICT))
    (line,) = failed(done).values()
    assert line.startswith("InputError: no better than a blind answer, the most frequent class of training (exact bin")
    assert "on 400 test images, p = 0." in line and line.endswith("blind.victims=true")
    assert not carried_out(configuration(tmp_path, task=blind)).failures


def test_a_blind_victim_that_the_store_has_already_is_a_failure_all_the_same(tmp_path):
    assert command(configuration(tmp_path)) == 0
    assert command(configuration(tmp_path, blind=STRICT)) == 1
    (failure,) = json.loads((tmp_path / "results/mini/manifest.json").read_text())["failures"]
    assert failure["job"] == "digits: victim" and failure["error"].startswith("no better than a blind answer")


def test_a_victim_that_looks_passes(tmp_path):
    network = TASK["architecture"] | {"widths": [8, 12, 16]}
    task = {"digits": trained(learning_rate=0.01, epochs=2, batch=64)["digits"] | {"architecture": network}}
    assert not carried_out(configuration(tmp_path, task=task, blind=STRICT, repeats=1, gallery=0)).failures


def test_no_key_hangs_on_what_is_called_blind():
    plans = [plan(read(configuration(blind=each))) for each in (STRICT, STRICT | {"level": 0.5, "victims": True})]
    assert [job.key for job in plans[0].jobs] == [job.key for job in plans[1].jobs]
