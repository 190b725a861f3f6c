"""Independent models: trained from their own seed, with nothing of the victim."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from benchmark.contracts.truth import Relation
from benchmark.data.base import ImageSet
from benchmark.data.share import Share
from benchmark.networks.small import SmallMobileFaceNet, SmallVGG
from benchmark.spec.component import settings_of
from suspects.independent import Independent, IndependentVariant


def states_equal(one, other):
    return [torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True)]


def test_it_is_the_task_trained_from_scratch(task, ingredients_of):
    given = dataclasses.replace(ingredients_of(task), victim=None)
    with torch.random.fork_rng():
        torch.manual_seed(given.seed)
        untrained = task.network()
    by_hand = given.fit(untrained, given.data.train, task.loss, task.training, given.seed)
    assert all(states_equal(Independent().derive(given), by_hand))


def test_a_victim_makes_no_difference(task, ingredients_of):
    given = ingredients_of(task)
    before = {name: tensor.clone() for name, tensor in given.victim.state_dict().items()}
    with_victim = Independent().derive(given)
    without = Independent().derive(dataclasses.replace(given, victim=None))
    assert all(states_equal(with_victim, without))
    assert all(torch.equal(tensor, before[name]) for name, tensor in given.victim.state_dict().items())


def test_another_seed_is_another_model(tasks, ingredients_of):
    one, other = (Independent().derive(ingredients_of(tasks["classification"], seed=seed)) for seed in (2, 3))
    assert not any(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_the_victim_of_the_fixtures_has_learnt_something(task, victim_of, splits_of):
    blind = {"classification": 20, "regression": 20, "similarity": 55}[task.kind]
    assert task.quality(victim_of(task), splits_of(task)).value > blind


def test_it_is_independent_and_has_no_victim(task, ingredients_of):
    assert Independent.relation is Relation.INDEPENDENT and Independent().shares_training_data is True
    with pytest.raises(ValueError, match="no victim"):
        dataclasses.replace(ingredients_of(task), victim=None).copy_of_victim()


def test_fresh_weights_leave_the_global_generator(task, ingredients_of):
    given = ingredients_of(task)
    state = torch.random.get_rng_state()
    given.fresh()
    assert torch.equal(torch.random.get_rng_state(), state)


VGG, MOBILE = SmallVGG(widths=(4, 4, 4), hidden=8), SmallMobileFaceNet(widths=(4, 8, 8))


def shared_out(given):
    """The case of an owner with two thirds of the training images."""
    train = given.data.train
    first, rest = (ImageSet(train.images[part], train.targets[part]) for part in (slice(0, 200), slice(200, None)))
    task = dataclasses.replace(given.task, data=Share(source=given.task.data, share=0.6))
    return dataclasses.replace(
        given, task=task, victim=None, data=dataclasses.replace(given.data, train=first, rest=rest)
    )


@pytest.mark.parametrize(("data", "count"), [("same", 200), ("other", 120)])
def test_a_stranger_is_trained_on_its_own_half(task, ingredients_of, recorded, data, count):
    given = shared_out(ingredients_of(task, fit=recorded))
    stranger = IndependentVariant(data=data)
    assert not stranger.inapplicable(given.task) and stranger.relation is Relation.INDEPENDENT
    stranger.derive(given)
    (call,) = recorded.calls
    images = given.data.train.images if data == "same" else given.data.rest.images
    assert len(call.data) == count and torch.equal(call.data.images, images)
    assert call.training == task.training and call.loss == given.task.loss
    assert stranger.shares_training_data == (data == "same")


def test_a_stranger_of_another_architecture(tasks, ingredients_of):
    task = tasks["classification"]
    network = IndependentVariant(data="same", architecture=VGG).derive(
        dataclasses.replace(ingredients_of(task), victim=None)
    )
    expected = VGG.network(10)
    assert [p.shape for p in network.parameters()] == [p.shape for p in expected.parameters()]
    given = ingredients_of(task)
    assert (network(given.data.test.pixels()).argmax(1) == given.data.test.targets).float().mean() > 0.2
    embedding = IndependentVariant(data="same", architecture=MOBILE).solves(tasks["similarity"]).network()
    assert embedding.prototypes.shape == (10, 16)


def test_where_there_is_no_such_stranger(tasks, ingredients_of):
    task = tasks["classification"]
    assert "nothing is left" in IndependentVariant(data="other").inapplicable(task)
    assert "is a SmallResNet itself" in IndependentVariant(data="same", architecture=task.architecture).inapplicable(
        task
    )
    assert not IndependentVariant(data="same", architecture=VGG).inapplicable(task)
    with pytest.raises(ValueError, match="nothing is left"):
        IndependentVariant(data="other").derive(ingredients_of(task))


def test_an_undertrained_stranger_stops_early(tasks, ingredients_of, recorded):
    task = tasks["classification"]
    IndependentVariant(data="same", epochs=1).derive(ingredients_of(task, fit=recorded))
    (call,) = recorded.calls
    assert call.training == dataclasses.replace(task.training, epochs=1) != task.training
    assert "epochs" not in settings_of(IndependentVariant())
