"""What is no number costs its own rows: scores, statistics, matches, and measurements of an earlier version's store."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import ClassVar

import pytest
import torch

from benchmark.access.access import LABEL
from benchmark.collect.findings import collect
from benchmark.collect.judging import Case, Judge, Scoring
from benchmark.collect.scores import Qualities
from benchmark.contracts.fingerprint import Matcher, Verifier
from benchmark.plan.experiment import Blind, Degraded
from benchmark.report.findings import checked
from fingerprints.deepjudge.black import DeepJudgeBlack
from fingerprints.labels import LabelMatch
from fingerprints.random import Random
from tests.builder import configuration
from tests.stores import Done, carried_out


class Odd(Verifier):
    """A score of `number`, a statistic of `beside`."""

    access: ClassVar[str] = LABEL

    def __init__(self, number, beside=None):
        self.number, self.beside = number, beside

    def measure(self, prints, suspect):
        return suspect.labels(prints.samples)

    def score(self, measured, payload):
        return self.number

    def statistic(self, measured, payload):
        return self.beside


class Unmatched(Matcher, Odd):
    """Can no longer say what matches when the prints are made and measured."""

    access: ClassVar[str] = LABEL
    lost: ClassVar[bool] = False
    score = Matcher.score

    def matches(self, measured, payload):
        if self.lost:
            raise LookupError("lost")
        return measured == payload["answer"]


class Overflowing(Odd):
    """Measures what is no number of all but the victim itself."""

    access: ClassVar[str] = LABEL

    def measure(self, prints, suspect):
        found = suspect.labels(prints.samples)
        return torch.where(found == prints.payload["answer"], 0.0, math.inf)


class Oddities(Random, name="fingerprint/test_oddities"):
    """Random test images, and a verifier for each way to be no number."""

    def verifiers(self, task):
        odd = {"nan": Odd(math.nan), "above": Odd(1.5), "beside": Odd(0.5, math.inf), "unmatched": Unmatched(0.0)}
        return {"label": LabelMatch(), **odd}


class Overflow(Random, name="fingerprint/test_overflow"):
    """Random test images, measured beyond numbers."""

    def verifiers(self, task):
        return {"label": LabelMatch(), "over": Overflowing(0.5)}


def run(folder, name):
    method = {"random": {"_target_": "fingerprint/random"}, "odd": {"_target_": f"fingerprint/{name}"}}
    return carried_out(configuration(folder, fingerprint=method, repeats=1, gallery=0))


@pytest.fixture(scope="module")
def odd(tmp_path_factory) -> Iterator[Done]:
    found = run(tmp_path_factory.mktemp("odd"), "test_oddities")
    assert not found.failures
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Unmatched, "lost", True)
        yield found


@pytest.mark.parametrize(
    ("verifier", "error"),
    [
        ("nan", "ValueError: the score is nan, which is none of [0, 1]"),
        ("above", "ValueError: the score is 1.5, which is none of [0, 1]"),
        ("beside", "ValueError: the statistic is inf"),
        ("unmatched", "LookupError: lost"),
    ],
)
def test_its_rows_say_why_and_the_failures_name_it(odd, verifier, error):
    scores = odd.findings.scores
    lost = scores[(scores["fingerprint"] == "odd") & (scores["verifier"] == verifier)]
    assert len(lost) == 5 and lost["score"].isna().all()
    assert set(lost["reason"]) == {f"its score could not be computed ({error})"}
    assert scores.loc[scores["verifier"] == "label", "score"].notna().sum() == 10
    assert {"job": f"score of odd {verifier}", "error": error} in odd.findings.manifest["failures"]


def test_measurements_beyond_numbers_are_not_stored_and_the_job_is_named(tmp_path):
    done = run(tmp_path, "test_overflow")
    assert done.failures and not any(done.store.has(failure.job.key) for failure in done.failures)
    for failure in done.failures:
        assert failure.job.title.startswith("digits: odd prints, repeat 0, as made, independent")
        assert failure.error.endswith("numbers are not finite (measured.safetensors: over)")
    scores = done.findings.scores
    assert scores.loc[scores["fingerprint"] == "random", "score"].notna().all()
    assert scores.loc[scores["fingerprint"] == "odd", "family"].nunique() == 2  # the victim and its copies


@pytest.mark.parametrize("name", ["robd", "jsd", "black"])
def test_deepjudge_on_a_stored_measurement_that_is_no_number(odd, tasks, name):
    scoring = Scoring()
    verifier = DeepJudgeBlack().verifiers(tasks["classification"])[name]
    payload = {"contrast": torch.rand(10, 3, 2, generator=torch.Generator().manual_seed(0))}
    measured = torch.full((10, 2) if name == "black" else (10,), math.nan)
    case = Case(f"deepjudge {name}", verifier, payload, slice(None), None, "")
    verdict = Judge(odd.plan, odd.store, scoring).verdict(case, measured)
    assert "score" not in verdict and verdict["reason"] and list(scoring.failures) == [f"score of deepjudge {name}"]


@pytest.mark.parametrize(("known", "level"), [(True, 0.05), (True, 0.5), (False, 0.05)])
def test_a_blind_suspect_is_marked_and_degraded_and_a_victim_marked(odd, monkeypatch, known, level):
    """A victim of 0.3 and a stranger of 0.02, which a test at 0.5 finds better; older records have no p."""
    of = {"victim": (0.3, 1e-6), "weight_pruning": (0.0, 0.6), "independent": (0.02, 0.2)}

    def read(store, job):
        skill, p = of[job.recipe.family]
        record = {"value": 60.0, "skill": skill, "detail": {"accuracy %": 60.0}, "parameters": 1, "queries": 0}
        return record | ({"p": p} if known else {})

    monkeypatch.setattr(Qualities, "_read", staticmethod(read))
    experiment = dataclasses.replace(odd.plan.experiment, degraded=Degraded(100.0, 10.0), blind=Blind(level, True))
    found = checked(collect(dataclasses.replace(odd.plan, experiment=experiment), odd.store, [], {})).scores
    blind = {"weight_pruning"} | ({"independent"} if known and level == 0.05 else set())
    assert set(found.loc[found["blind"], "family"]) == set(found.loc[found["degraded"], "family"]) == blind
    of["victim"] = (0.0, 1.0)
    found = checked(collect(dataclasses.replace(odd.plan, experiment=experiment), odd.store, [], {})).scores
    assert found.loc[found["family"] == "victim", "blind"].all()
    assert not found.loc[found["family"] == "victim", "degraded"].any()
