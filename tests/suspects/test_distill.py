"""Distillation: a student of its own seed that sees the victim's answers and no true label."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch
from torch.nn import functional as F

from benchmark.contracts.truth import Relation
from benchmark.data.base import ImageSet
from suspects.distill import Distill


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


@pytest.fixture
def recorded():
    """A `fit` that trains nothing and remembers the student as it starts, the loss and the settings."""

    def fit(network, data, loss, training, seed, frozen=()):
        fit.start, fit.loss, fit.training, fit.seed = copy.deepcopy(network), loss, training, seed
        return network

    return fit


def test_true_labels_make_no_difference(task, ingredients_of):
    given = ingredients_of(task)
    order = torch.randperm(len(given.data.train), generator=torch.Generator().manual_seed(0))
    shuffled = ImageSet(given.data.train.images, given.data.train.targets[order])
    student = Distill(epochs=1).derive(given)
    other = Distill(epochs=1).derive(dataclasses.replace(given, data=dataclasses.replace(given.data, train=shuffled)))
    assert same(student, other)


def test_the_student_starts_from_its_own_seed(task, ingredients_of, recorded):
    Distill().derive(ingredients_of(task, seed=21, fit=recorded))
    with torch.random.fork_rng():
        torch.manual_seed(21)
        untrained = task.network()
    assert same(recorded.start, untrained) and recorded.seed == 21
    Distill().derive(ingredients_of(task, seed=22, fit=recorded))
    assert not torch.equal(recorded.start.last.weight, untrained.last.weight)


def test_the_teacher_stays_as_it_was(task, ingredients_of, victim_of):
    given = ingredients_of(task)
    student = Distill(epochs=1).derive(given)
    assert student is not given.victim
    assert same(given.victim, victim_of(task)) and not given.victim.training


def test_the_student_comes_nearer_to_the_teacher(task, ingredients_of, splits_of, victim_of):
    teacher, x = victim_of(task), splits_of(task).test.pixels()
    distances = []
    for student in (ingredients_of(task).fresh().eval(), Distill(epochs=3).derive(ingredients_of(task))):
        with torch.no_grad():
            distances.append(task.imitation(student(x), teacher(x), 1.0).item())
    assert distances[1] < 0.5 * distances[0]


def expected(kind, student, teacher):
    if kind == "classification":  # at temperature 3
        p, q = (teacher / 3).softmax(1), (student / 3).softmax(1)
        return 9 * (p * (p.log() - q.log())).sum(1).mean()
    if kind == "regression":
        return ((student - teacher) ** 2).mean() / 26**2
    return (1 - (F.normalize(student) * F.normalize(teacher)).sum(1)).mean()


def test_the_loss_compares_student_and_teacher_on_the_same_pixels(task, ingredients_of, victim_of, recorded):
    Distill(temperature=3.0, epochs=6).derive(ingredients_of(task, fit=recorded))
    x = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    student = recorded.start.eval()
    loss = recorded.loss(student, x, torch.zeros(4))
    torch.testing.assert_close(loss, expected(task.kind, student(x), victim_of(task)(x)), rtol=1e-4, atol=1e-6)
    assert recorded.training == dataclasses.replace(task.training, epochs=6)


def test_it_is_derived():
    assert Distill.relation is Relation.DERIVED
