"""Independent models: trained from their own seed, with nothing of the victim."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from benchmark.data.base import ImageSet
from benchmark.data.share import Share
from benchmark.networks.small import SmallMobileFaceNet, SmallVGG
from benchmark.spec.component import settings_of
from suspects.independent import Independent, Stranger


def states_equal(one, other):
    return [torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True)]


def test_it_is_the_task_trained_from_scratch(task, case_of):
    case = dataclasses.replace(case_of(task), victim=None)
    with torch.random.fork_rng():
        torch.manual_seed(case.seed)
        untrained = task.network()
    by_hand = case.fit(untrained, case.data.train, task.loss, task.training, case.seed)
    assert all(states_equal(Independent().derive(case), by_hand))


def test_a_victim_makes_no_difference(task, case_of):
    case = case_of(task)
    before = {name: tensor.clone() for name, tensor in case.victim.state_dict().items()}
    with_victim = Independent().derive(case)
    without = Independent().derive(dataclasses.replace(case, victim=None))
    assert all(states_equal(with_victim, without))
    assert all(torch.equal(tensor, before[name]) for name, tensor in case.victim.state_dict().items())


def test_another_seed_is_another_model(tasks, case_of):
    one, other = (Independent().derive(case_of(tasks["classification"], seed=seed)) for seed in (2, 3))
    assert not any(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_the_victim_of_the_fixtures_has_learnt_something(task, victim_of, splits_of):
    blind = {"classification": 20, "regression": 20, "similarity": 55}[task.kind]
    assert task.quality(victim_of(task), splits_of(task)).value > blind


def test_it_is_not_stolen_and_has_no_victim(task, case_of):
    assert Independent.stolen is False and Independent().shares_training_data is True
    with pytest.raises(ValueError, match="no victim"):
        dataclasses.replace(case_of(task), victim=None).stolen()


def test_fresh_weights_leave_the_global_generator(task, case_of):
    case = case_of(task)
    state = torch.random.get_rng_state()
    case.fresh()
    assert torch.equal(torch.random.get_rng_state(), state)


VGG, MOBILE = SmallVGG(widths=(4, 4, 4), hidden=8), SmallMobileFaceNet(widths=(4, 8, 8))


def shared_out(case):
    """The case of an owner with two thirds of the training images."""
    train = case.data.train
    first, rest = (ImageSet(train.images[part], train.targets[part]) for part in (slice(0, 200), slice(200, None)))
    task = dataclasses.replace(case.task, data=Share(source=case.task.data, share=0.6))
    return dataclasses.replace(
        case, task=task, victim=None, data=dataclasses.replace(case.data, train=first, rest=rest)
    )


@pytest.mark.parametrize(("data", "count"), [("same", 200), ("other", 120)])
def test_a_stranger_is_trained_on_its_own_half(task, case_of, recorded, data, count):
    case = shared_out(case_of(task, fit=recorded))
    stranger = Stranger(data=data)
    assert not stranger.inapplicable(case.task) and not stranger.stolen
    stranger.derive(case)
    (call,) = recorded.calls
    given = case.data.train if data == "same" else case.data.rest
    assert len(call.data) == count and torch.equal(call.data.images, given.images)
    assert call.training == task.training and call.loss == case.task.loss
    assert stranger.shares_training_data == (data == "same")


def test_a_stranger_of_another_architecture(tasks, case_of):
    task = tasks["classification"]
    network = Stranger(data="same", architecture=VGG).derive(dataclasses.replace(case_of(task), victim=None))
    expected = VGG.network(10)
    assert [p.shape for p in network.parameters()] == [p.shape for p in expected.parameters()]
    case = case_of(task)
    assert (network(case.data.test.pixels()).argmax(1) == case.data.test.targets).float().mean() > 0.2
    embedding = Stranger(data="same", architecture=MOBILE).solves(tasks["similarity"]).network()
    assert embedding.prototypes.shape == (10, 16)


def test_where_there_is_no_such_stranger(tasks, case_of):
    task = tasks["classification"]
    assert "nothing is left" in Stranger(data="other").inapplicable(task)
    assert "is a SmallResNet itself" in Stranger(data="same", architecture=task.architecture).inapplicable(task)
    assert not Stranger(data="same", architecture=VGG).inapplicable(task)
    with pytest.raises(ValueError, match="nothing is left"):
        Stranger(data="other").derive(case_of(task))


def test_an_undertrained_stranger_stops_early(tasks, case_of, recorded):
    task = tasks["classification"]
    Stranger(data="same", epochs=1).derive(case_of(task, fit=recorded))
    (call,) = recorded.calls
    assert call.training == dataclasses.replace(task.training, epochs=1) != task.training
    assert "epochs" not in settings_of(Stranger())
