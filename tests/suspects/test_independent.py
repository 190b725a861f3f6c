"""Independent models: trained from their own seed, with nothing of the victim."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from suspects.independent import Independent


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
    assert Independent.stolen is False and Independent.shares_training_data is True
    with pytest.raises(ValueError, match="no victim"):
        dataclasses.replace(case_of(task), victim=None).stolen()


def test_fresh_weights_leave_the_global_generator(task, case_of):
    case = case_of(task)
    state = torch.random.get_rng_state()
    case.fresh()
    assert torch.equal(torch.random.get_rng_state(), state)
