"""Transfer: a new head on the victim's body, for other labels."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from safetensors.torch import load_file

from benchmark.data.digits import Digits
from benchmark.data.regrouped import Regrouped
from benchmark.networks.network import load
from benchmark.store.artefacts import write_tensors
from suspects.prune import FilterPruning
from suspects.transfer import Transfer


@pytest.fixture(params=["classification", "similarity"])
def labelled(request, tasks):
    return tasks[request.param]


def test_the_body_is_the_victims_and_the_head_is_drawn_from_the_seed(labelled, ingredients_of, victim_of, recorded):
    Transfer().derive(ingredients_of(labelled, seed=4, fit=recorded))
    Transfer().derive(ingredients_of(labelled, seed=5, fit=recorded))
    one, other = (call.network for call in recorded.calls)
    victim = victim_of(labelled)
    assert all(torch.equal(a, b) for a, b in zip(one.body.parameters(), victim.body.parameters(), strict=True))
    assert not torch.equal(one.last.weight, other.last.weight)
    if labelled.kind == "classification":
        assert one.last.weight.shape == (5, victim.last.in_features) and one.last.out_features == 5
    else:
        assert one.last.weight.shape == victim.last.weight.shape and one.prototypes.shape == (5, 16)
        assert not torch.equal(one.last.weight, victim.last.weight)


def test_every_layer_learns_the_labels_mod_classes(labelled, ingredients_of, victim_of, recorded):
    given = ingredients_of(labelled, fit=recorded)
    Transfer(classes=3, epochs=4, learning_rate=0.01).derive(given)
    (call,) = recorded.calls
    assert call.data.targets.tolist() == [int(c) % 3 for c in given.data.train.targets]
    assert torch.equal(call.data.images, given.data.train.images)
    assert (call.training.epochs, call.training.learning_rate, call.frozen) == (4, 0.01, [])


def test_quality_is_on_its_own_labels(tasks, ingredients_of):
    task = tasks["classification"]
    recipe = Transfer(epochs=2, learning_rate=0.01)
    given = ingredients_of(task)
    network, solved = recipe.derive(given), recipe.solves(task)
    assert solved.classes == 5 and solved.data == Regrouped(source=task.data, labels=5)
    x, right = given.data.test.pixels(), given.data.test.targets % 5
    by_hand = 100 * (network(x).argmax(1) == right).double().mean().item()
    assert solved.quality(network, solved.data.regroup(given.data)).value == pytest.approx(by_hand)
    assert by_hand > 50


def test_it_is_rebuilt_from_the_store(labelled, ingredients_of, tmp_path):
    recipe = Transfer(epochs=1)
    network = recipe.derive(ingredients_of(labelled))
    write_tensors(tmp_path / "weights.safetensors", network.state_dict())
    again = load(recipe.solves(labelled).network(), load_file(tmp_path / "weights.safetensors")).eval()
    x = ingredients_of(labelled).data.test.pixels(slice(0, 4))
    assert torch.equal(again(x), network(x))


def test_a_pruned_network_keeps_its_widths(tasks, ingredients_of, recorded):
    task = tasks["classification"]
    pruned = FilterPruning(ratio=0.5, residual="coupled").derive(ingredients_of(task))
    network = Transfer().derive(dataclasses.replace(ingredients_of(task, fit=recorded), victim=pruned))
    assert network.last.weight.shape == (5, 8) and network(torch.rand(2, 3, 32, 32)).shape == (2, 5)


def test_where_there_are_no_other_labels(tasks):
    assert "number" in Transfer().inapplicable(tasks["regression"])
    assert "no more than 10" in Transfer(classes=10).inapplicable(tasks["classification"])
    assert not Transfer(classes=12, data=Digits()).inapplicable(tasks["classification"])
    assert Transfer(classes=12, data=Digits()).solves(tasks["classification"]).classes == 10
