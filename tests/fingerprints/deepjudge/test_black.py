"""DeepJudge's black box: test cases, and RobD and JSD against slow loops."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon

from benchmark.access.access import LABEL, PROBABILITY, grant
from benchmark.access.target import Target
from benchmark.errors import InputError
from fingerprints.deepjudge.black import DeepJudgeBlack, divergence

STRONG = {"contrast": 2, "eps": 0.2, "step": 0.05}


@pytest.fixture
def owner(classifier, disturbed):
    return dataclasses.replace(classifier, references=tuple(disturbed(classifier.victim, size) for size in (1.0, 1.5)))


@pytest.mark.parametrize("attack", ["pgd", "fgsm", "cw"])
def test_every_test_case_is_a_success_of_a_seed(owner, generator, attack):
    method = DeepJudgeBlack(**STRONG, attack=attack, steps=60, learning_rate=0.05, c=10.0)
    prints = method.generate(owner, 12, generator(0))
    label, answer = prints.payload["label"], prints.payload["answer"]
    assert (owner.victim(prints.samples).argmax(dim=1) != label).all()
    assert (owner.victim(prints.origin).argmax(dim=1) == label).all()
    torch.testing.assert_close(answer, owner.victim(prints.samples).softmax(dim=1))
    if attack != "cw":
        assert (prints.samples - prints.origin).abs().max() <= 0.2 + 1e-6
    pool = {tuple(image.flatten().tolist()) for image in owner.data.test.pixels()}
    assert all(tuple(image.flatten().tolist()) in pool for image in prints.origin)


def test_without_projection_the_released_code_s_bound_does_not_hold(owner, generator):
    method = DeepJudgeBlack(**STRONG | {"eps": 0.05, "step": 0.03}, project=False)
    prints = method.generate(owner, 12, generator(0))
    change = (prints.samples - prints.origin).abs().max()
    assert 0.05 < change <= 0.05 + 10 * 0.03 + 1e-6


def test_seeds_that_resist_are_replaced_by_further_ones(owner, generator):
    """A weak attack fails on the most certain seeds; the count is reached all the same, in the order of seeds."""
    method = DeepJudgeBlack(contrast=2, attack="fgsm", eps=0.05, order="max")
    prints = method.generate(owner, 20, generator(0))
    assert len(prints.samples) == 20
    assert 0 < prints.notes["accepted"] < 1 and prints.notes["tried"] > 20
    order = method.seeds(owner, generator(0))
    place = {tuple(image.flatten().tolist()): i for i, image in enumerate(owner.data.test.pixels(order))}
    places = [place[tuple(image.flatten().tolist())] for image in prints.origin]
    assert places == sorted(places) and places[-1] >= 20


def test_too_few_successes_are_an_error_that_says_what_to_do(owner, generator):
    with pytest.raises(InputError, match=r"^count: pgd led \d+ of \d+ test images astray, 50 wanted; .*larger eps"):
        DeepJudgeBlack(contrast=2, eps=0.001, step=0.001).generate(owner, 50, generator(0))


def test_the_distances_are_those_of_slow_loops(owner, disturbed, generator):
    method = DeepJudgeBlack(**STRONG)
    prints = method.generate(owner, 15, generator(0))
    suspect = disturbed(owner.victim, 1.2)
    label = prints.payload["label"].tolist()

    def distances(network) -> tuple[float, float]:
        wrong, jsd = 0.0, 0.0
        for x, y in zip(prints.samples, label, strict=True):
            p = owner.victim(x[None])[0].double().softmax(dim=0).numpy()
            q = network(x[None])[0].double().softmax(dim=0).numpy()
            wrong += float(q.argmax() == y) - float(p.argmax() == y)
            m = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
            jsd += sum(0.5 * a * math.log(a / c) for a, c in zip(p, m, strict=True) if a > 0)
            jsd += sum(0.5 * b * math.log(b / c) for b, c in zip(q, m, strict=True) if b > 0)
        return abs(wrong) / 15, jsd / 15

    for access, names in ((LABEL, ["robd"]), (PROBABILITY, ["jsd"])):
        for name in names:
            verifier = method.verifiers(owner.task)[name]
            measured = verifier.measure(prints, grant(access, Target.of(owner.task, suspect)))
            expected = distances(suspect)[("robd", "jsd").index(name)]
            assert expected > 0.01
            assert verifier.statistic(measured, prints.payload) == pytest.approx(expected, abs=1e-5)
    both = method.verifiers(owner.task)["black"].measure(prints, grant(PROBABILITY, Target.of(owner.task, suspect)))
    assert both.double().mean(dim=0).abs().tolist() == pytest.approx(distances(suspect), abs=1e-5)
    contrast = prints.payload["contrast"].double().mean(dim=0).abs()
    for row, model in zip(contrast.tolist(), owner.references, strict=True):
        assert row == pytest.approx(distances(model), abs=1e-5)


def test_robd_is_a_difference_of_robustness_not_the_suspect_s_alone(owner, generator):
    """On prints that the victim itself answers with the label now and then, its own share is taken off."""
    method = DeepJudgeBlack(**STRONG)
    prints = method.generate(owner, 10, generator(0))
    answer = prints.payload["answer"].clone()
    answer[:4] = torch.nn.functional.one_hot(prints.payload["label"][:4], 10).float()
    half = dataclasses.replace(prints, payload={**prints.payload, "answer": answer})
    verifier = method.verifiers(owner.task)["robd"]
    measured = verifier.measure(half, grant(LABEL, Target.of(owner.task, owner.victim)))  # right on none
    assert verifier.statistic(measured, half.payload) == pytest.approx(0.4)


def test_the_divergence_is_scipy_s_squared_and_survives_zeros():
    p = np.random.default_rng(0).dirichlet([0.3] * 6, 20)
    q = np.random.default_rng(1).dirichlet([0.3] * 6, 20)
    p[0], q[0] = [1, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0]
    q[1] = p[1]
    found = divergence(torch.tensor(p), torch.tensor(q)).numpy()
    np.testing.assert_allclose(found, jensenshannon(p, q, axis=1) ** 2, atol=1e-12)
    assert found[0] == pytest.approx(math.log(2)) and found[1] == 0
    single = divergence(torch.tensor(p).float(), torch.tensor(q).float())
    assert torch.isfinite(single).all() and (single >= 0).all() and (single <= math.log(2) + 1e-6).all()


def test_only_the_black_box_needs_classes(tasks):
    assert {kind: bool(DeepJudgeBlack().inapplicable(task)) for kind, task in tasks.items()} == {
        "classification": False,
        "regression": True,
        "similarity": True,
    }
