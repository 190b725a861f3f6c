"""Scores are made of the prints that work on the victim itself, as made and as 8 bit; how many these are is told."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from benchmark.collect.findings import collect
from benchmark.collect.judging import NONE_WORKS
from benchmark.collect.scores import Qualities
from benchmark.contracts.prints import Prints
from benchmark.plan.experiment import Degraded
from benchmark.tasks.base import labels
from fingerprints.labels import LabelFingerprint
from tests.builder import BOTH, configuration
from tests.stores import carried_out

WRONG = 4  # of the prints want a label that the victim does not give


class Failing(LabelFingerprint, name="fingerprint/test_failing"):
    """Test images, the first few of which (all of them with `never`) are said to have another label than they have."""

    never: bool = False

    def generate(self, owner, count, generator):
        samples = owner.data.test.pixels(slice(0, count))
        answer = labels(owner.victim, samples)
        wrong = count if self.never else min(WRONG, count)
        answer[:wrong] += 1
        return Prints(samples, samples, {"answer": answer})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("failing")


def run(folder, drop=True):
    methods = {"failing": {"never": False}, "never": {"never": True}}
    config = configuration(folder, channel=BOTH, repeats=1, victims=2, gallery=0, count=10)
    config["fingerprint"] = {name: {"_target_": "fingerprint/test_failing", **own} for name, own in methods.items()}
    config["proof"] = {"drop": drop, "rounds": 1}
    config["accusation"] = {"references": 3, "rate": 0.25}
    done = carried_out(config)
    assert not done.failures
    return done


def test_prints_that_fail_on_the_victim_are_left_out_and_counted(folder):
    done = run(folder)
    scores = done.findings.scores
    rows = scores[scores["fingerprint"] == "failing"]
    assert set(rows["made"]) == {10} and set(rows["n"]) == {10 - WRONG}
    own = rows[rows["family"] == "victim"]
    assert set(own["score"]) == {1.0} and set(own["victim"]) == {0, 1} and len(own) == 4
    network, _ = load(done)
    for victim in (0, 1):
        job = next(
            j for j in done.plan.jobs if j.kind == "prints" and j.victim.replicate == victim and j.method == "failing"
        )
        stored = done.store.open(job.key).tensors("prints.safetensors")
        kept, answer = stored["samples"][WRONG:], stored["payload.answer"][WRONG:]
        for suspect in ("weight_pruning ratio=0.5", "independent replicate=1"):
            (row,) = rows[
                (rows["suspect"] == suspect) & (rows["victim"] == victim) & (rows["channel"] == "as_made")
            ].to_dict("records")
            expected = (labels(network(row["suspect_key"]), kept) == answer).double().mean().item()
            assert row["score"] == pytest.approx(expected)
    never = scores[scores["fingerprint"] == "never"]
    assert never["score"].isna().all() and set(never["reason"]) == {NONE_WORKS} and set(never["n"]) == {0}


def test_without_the_rule_all_prints_count(folder):
    scores = run(folder, drop=False).findings.scores
    own = scores[(scores["family"] == "victim") & (scores["fingerprint"] == "failing")]
    assert set(own["score"]) == {(10 - WRONG) / 10} and set(own["n"]) == {10}


def test_the_owner_s_references_are_scored_on_each_victim_s_prints_and_judged_nowhere(folder):
    findings = run(folder).findings
    references = findings.references[findings.references["fingerprint"] == "failing"]
    assert references.groupby(["victim", "repeat", "verifier"])["reference"].nunique().tolist() == [3, 3]
    assert references["score"].between(0, 1).all() and set(references["n"]) == {10 - WRONG}
    assert not findings.scores["suspect"].isin(references["reference"]).any()
    models = findings.models
    assert (models.loc[models["name"].str.startswith("bystander"), "victim"] == -1).all()


def test_independent_models_are_one_for_all_victims_and_copies_one_for_each(folder):
    scores = run(folder).findings.scores
    keys = scores[scores["family"] != "victim"].groupby(["suspect", "positive"])["suspect_key"].nunique()
    assert {(positive, count) for (_, positive), count in keys.items()} == {(False, 1), (True, 2)}


def test_what_a_copy_is_worth_is_measured_against_each_victim(folder):
    done = run(folder)
    worth, (network, splits) = done.findings.worth, load(done)
    assert len(worth) == 2 * 4
    keys = done.findings.scores.drop_duplicates(["victim", "suspect"]).set_index(["victim", "suspect"])
    x, y = splits.test.pixels(), splits.test.targets
    for _, row in worth.iterrows():
        known = keys.loc[(row["victim"], row["suspect"])]
        own, victim = (network(known[key])(x).double().softmax(dim=1) for key in ("suspect_key", "victim_key"))
        assert row["agreement"] == pytest.approx((own.argmax(1) == victim.argmax(1)).double().mean().item())
        by_hand = (victim * (victim.log() - own.log())).sum(dim=1).mean().item()
        assert row["kl"] == pytest.approx(by_hand, rel=1e-4)
        recalls = [(own.argmax(1)[y == label] == label).double().mean().item() for label in range(10)]
        assert row["balanced_accuracy"] == pytest.approx(100 * sum(recalls) / 10)
        assert row["quality"] == known["quality"] and row["skill"] == known["skill"]


def load(done):
    """Networks by key, and the data."""
    from benchmark.tasks.rebuilding import rebuilt

    task = next(iter(done.plan.experiment.tasks.values()))

    @torch.no_grad()
    def network(key):
        return rebuilt(task, done.store.open(key).tensors("weights.safetensors")).eval()

    return network, task.data.load()


@pytest.mark.parametrize(
    ("points", "skill", "marked"),
    [
        (5.0, 0.25, {"weight_pruning ratio=0.1": False, "independent replicate=0": False}),
        (0.0, 1.0, {"weight_pruning ratio=0.1": True, "independent replicate=0": False}),
        (100.0, 0.0, {"weight_pruning ratio=0.1": True, "independent replicate=0": False}),
    ],
)
def test_degraded_rests_on_points_and_on_skill(folder, monkeypatch, points, skill, marked):
    """A pruned copy has lost 2 points and a twentieth of the victim's skill, a stranger is better than the victim."""
    of = {"victim": (70.0, 0.4), "weight_pruning": (68.0, 0.38), "independent": (75.0, 0.5)}

    def read(store, job):
        value, own = of[job.recipe.family if job.role != "bystander" else "independent"]
        return {"value": value, "skill": own, "detail": {"accuracy %": value}, "parameters": 1, "queries": 0}

    monkeypatch.setattr(Qualities, "_read", staticmethod(read))
    done = run(folder)
    experiment = dataclasses.replace(done.plan.experiment, degraded=Degraded(points, skill))
    found = collect(dataclasses.replace(done.plan, experiment=experiment), done.store, [], {}).scores
    degraded = found.drop_duplicates("suspect").set_index("suspect")["degraded"]
    assert {name: degraded[name] for name in marked} == marked and not degraded["victim"]
