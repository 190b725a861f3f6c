"""Fine-tuning and retraining: what each may change, and what it must not."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch

from benchmark.contracts.truth import Relation
from benchmark.data.share import Share
from benchmark.spec.component import settings_of
from suspects.finetune import FineTune, Retrain


def changed(victim, network):
    """The names of the tensors that are not the victim's, bit for bit."""
    before = victim.state_dict()
    return {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}


def last_layer(network):
    """The names of the last layer's tensors, and of the prototypes if there are any."""
    name = next(name for name, module in network.named_modules() if module is network.last)
    return {f"{name}.weight", f"{name}.bias"} | ({"prototypes"} if network.prototypes is not None else set())


@pytest.fixture
def recorded():
    """A `fit` that trains nothing and remembers what it was called with."""

    def fit(network, data, loss, training, seed, frozen=()):
        fit.call = {"network": copy.deepcopy(network), "data": data, "training": training, "seed": seed}
        fit.call["frozen"] = list(frozen)
        return network

    return fit


@pytest.mark.parametrize("recipe", [FineTune, Retrain])
def test_last_changes_the_last_layer_only(task, ingredients_of, victim_of, recipe):
    network = recipe(layers="last", epochs=1).derive(ingredients_of(task))
    assert changed(victim_of(task), network) == last_layer(network)


@pytest.mark.parametrize("recipe", [FineTune, Retrain])
def test_all_changes_every_layer_and_statistic(task, ingredients_of, victim_of, recipe):
    network = recipe(layers="all", epochs=1).derive(ingredients_of(task))
    fixed = {"head.4.centre", "head.4.scale"}  # the unit of a regressor
    assert changed(victim_of(task), network) == set(network.state_dict()) - fixed


def test_finetune_starts_from_the_victim(task, ingredients_of, victim_of, recorded):
    FineTune().derive(ingredients_of(task, fit=recorded))
    assert changed(victim_of(task), recorded.call["network"]) == set()


@pytest.mark.parametrize("layers", ["last", "all"])
def test_retrain_draws_the_head_anew_and_nothing_else(task, ingredients_of, victim_of, recorded, layers):
    victim = victim_of(task)
    Retrain(layers=layers).derive(ingredients_of(task, fit=recorded))
    start = recorded.call["network"]
    assert changed(victim, start) == last_layer(victim)
    bound = victim.last.in_features**-0.5  # torch's own initialisation of a linear layer
    assert start.last.weight.abs().max() <= bound and start.last.bias.abs().max() <= bound


def test_the_new_head_comes_from_the_cases_seed(task, ingredients_of, recorded):
    heads = []
    for outside, seed in ((0, 5), (1, 5), (1, 6)):
        torch.manual_seed(outside)
        Retrain().derive(ingredients_of(task, seed=seed, fit=recorded))
        heads.append(recorded.call["network"].last.weight)
    assert torch.equal(heads[0], heads[1]) and not torch.equal(heads[1], heads[2])


def test_retrain_leaves_the_global_generator(task, ingredients_of, recorded):
    given = ingredients_of(task, fit=recorded)
    state = torch.random.get_rng_state()
    Retrain().derive(given)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_settings_reach_the_training_and_the_tasks_others_stay(tasks, ingredients_of, recorded):
    task = tasks["classification"]
    given = ingredients_of(task, seed=11, fit=recorded)
    FineTune(epochs=4, learning_rate=0.02).derive(given)
    training = recorded.call["training"]
    assert (training.epochs, training.learning_rate) == (4, 0.02)
    assert (training.batch, training.weight_decay) == (task.training.batch, task.training.weight_decay)
    assert recorded.call["seed"] == 11 and recorded.call["data"] is given.data.train


def test_frozen_is_everything_but_the_last_layer_or_nothing(task, ingredients_of, recorded):
    FineTune(layers="all").derive(ingredients_of(task, fit=recorded))
    assert recorded.call["frozen"] == []
    given = ingredients_of(task, fit=recorded)
    FineTune(layers="last").derive(given)
    free = {id(p) for p in given.victim.parameters()}
    free -= {id(p) for module in recorded.call["frozen"] for p in module.parameters()}
    names = {name for name, parameter in given.victim.named_parameters() if id(parameter) in free}
    assert names == last_layer(given.victim)


def test_both_are_modified_copies():
    assert FineTune.relation is Retrain.relation is Relation.MODIFIED


def test_the_thiefs_images_are_those_asked_for(ingredients_of, tasks):
    task, seen = tasks["classification"], []

    def fit(network, data, *settings):
        seen.append(data)
        return network

    given = ingredients_of(task, fit=fit)
    rest = given.data.valid  # stands for images that the owner has not got
    given = dataclasses.replace(given, data=dataclasses.replace(given.data, rest=rest))
    for recipe in (FineTune(), FineTune(samples=50), FineTune(data="other"), Retrain(data="other", samples=10**6)):
        recipe.derive(given)
    whole, some, other, all_others = seen
    assert whole is given.data.train and other is rest and all_others is rest
    assert len(some) == 50
    known = {bytes(image.flatten().tolist()): int(c) for image, c in zip(whole.images, whole.targets, strict=True)}
    chosen = [bytes(image.flatten().tolist()) for image in some.images]
    assert len(set(chosen)) == len({key for key in chosen if key in known}) > 45
    assert [known[key] for key in chosen] == some.targets.tolist()
    FineTune(samples=50).derive(dataclasses.replace(given, seed=given.seed + 1))
    assert not torch.equal(seen[-1].images, some.images)


def test_other_images_want_a_task_that_has_some(tasks):
    task = tasks["classification"]
    assert "nothing is left" in FineTune(data="other").inapplicable(task)
    shared = dataclasses.replace(task, data=Share(source=task.data))
    assert FineTune(data="other").inapplicable(shared) == FineTune().inapplicable(task) == ""


def test_settings_that_came_later_leave_old_keys_alone():
    assert set(settings_of(FineTune())) == {"replicate", "layers", "epochs", "learning_rate"}
