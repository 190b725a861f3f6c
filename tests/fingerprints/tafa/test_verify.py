"""TAFA-R's verdicts: labels of classifiers, and the tolerance of values and cosines."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn

from benchmark.access.access import LABEL, PROBABILITY, grant
from benchmark.access.target import Target
from benchmark.contracts.owner import Needs
from benchmark.contracts.prints import Prints
from fingerprints.labels import LabelMatch
from fingerprints.tafa.codes import TAFA
from fingerprints.tafa.verify import AnswerMatch, calibrate


class Spy(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise AssertionError("an auxiliary model was asked")


def test_labels_ask_no_auxiliary_model_and_match_exactly(classifier, generator):
    owner = dataclasses.replace(classifier, surrogates=(Spy(),), references=(Spy(),))
    prints = TAFA(steps=2).generate(owner, 6, generator(0))
    assert "near" not in prints.payload
    verifier = TAFA().verifiers(owner.task)["answer"]
    assert isinstance(verifier, LabelMatch) and verifier.access == LABEL
    assert TAFA(references=3).needs() == Needs(references=3)


@pytest.mark.parametrize("kind", ["regression", "similarity"])
def test_tolerance_is_calibrated_on_the_victim_and_its_references(tasks, owner_of, disturbed, generator, kind):
    owner = owner_of(tasks[kind])
    references = tuple(disturbed(owner.victim, size) for size in (1.0, 2.0))
    owner = dataclasses.replace(owner, references=references)
    samples = owner.data.test.pixels(slice(9)) * 0.9 + 0.003
    payload = calibrate(owner, samples, generator(3))
    pair = None
    if kind == "similarity":
        pair = (samples[[1, 2, 3, 4, 5, 6, 7, 8, 0]] * 255).round() / 255
        torch.testing.assert_close(payload["pair"], pair, rtol=0, atol=0)
    else:
        assert "pair" not in payload
    moved = (samples + (2 * torch.rand(samples.shape, generator=generator(3)) - 1) / 255).clamp(0, 1)
    with torch.no_grad():
        own = owner.task.answer(owner.victim, samples, pair)
        near = (owner.task.answer(owner.victim, moved, pair) - own).abs().tolist()
        apart = [abs(d) for model in references for d in (owner.task.answer(model, samples, pair) - own).tolist()]
    torch.testing.assert_close(payload["answer"], own)
    assert payload["near"].item() == pytest.approx(sorted(near)[4], abs=1e-6)
    assert payload["apart"].item() == pytest.approx(sorted(apart)[8], abs=1e-6)
    assert payload["near"] < payload["apart"]

    prints, verifier = Prints(samples, None, payload), AnswerMatch(0.5)
    for model, expected in [(owner.victim, own), (references[1], owner.task.answer(references[1], samples, pair))]:
        access = grant(PROBABILITY, Target.of(owner.task, model))
        measured = verifier.measure(prints, access)
        torch.testing.assert_close(measured, expected)  # the answer itself: no threshold yet
        assert access.queries == 9
        tau = (payload["near"] + payload["apart"]) / 2
        score = sum(abs(m - a) <= tau for m, a in zip(measured, own, strict=True)) / 9
        assert verifier.score(measured, payload) == pytest.approx(score)


@pytest.mark.parametrize(("tolerance", "matched"), [(0.0, 2), (0.25, 3), (0.5, 4), (1.0, 6)])
def test_tolerance_is_decided_at_scoring_and_includes_its_bound(tolerance, matched):
    payload = {"answer": torch.zeros(7), "near": torch.tensor(1.0), "apart": torch.tensor(3.0)}
    measured = torch.tensor([0.0, -1.0, 1.5, -2.0, 2.5, 3.0, -3.5])
    assert AnswerMatch(tolerance).matches(measured, payload).sum() == matched
    assert TAFA(tolerance=tolerance).verifiers(_Numbers())["answer"].score(measured, payload) == matched / 7


class _Numbers:
    """A task without labels, as far as `verifiers` looks."""

    no_label = "numbers have no labels"


def test_it_is_marked_as_a_reconstruction_and_answers_every_task(tasks):
    assert TAFA.reconstruction
    assert [TAFA().inapplicable(task) for task in tasks.values()] == ["", "", ""]
    assert all(list(TAFA().verifiers(task)) == ["answer"] for task in tasks.values())
