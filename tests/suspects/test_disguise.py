"""Cheap disguises: what they edit, by how much, and what they leave alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from benchmark.contracts.truth import Relation
from suspects.disguise import HalfPrecision, Quantise, WeightNoise, rounded


def weights(network):
    """The names of the weights of convolutions and linear layers."""
    kinds = (nn.Conv2d, nn.Linear)
    return {f"{name}.weight" for name, module in network.named_modules() if isinstance(module, kinds)}


@pytest.mark.parametrize("bits", [8, 4, 2])
def test_each_channel_has_a_grid_of_its_own(task, ingredients_of, victim_of, bits):
    before, after = victim_of(task).state_dict(), Quantise(bits=bits).derive(ingredients_of(task)).state_dict()
    levels = 2 ** (bits - 1) - 1
    for name in weights(victim_of(task)):
        for old, new in zip(before[name].numpy(), after[name].numpy(), strict=True):  # filter by filter
            unit = np.abs(old).max() / levels
            expected = unit * np.clip(np.rint(old / unit), -levels, levels)
            np.testing.assert_allclose(new, expected, atol=1e-6)
            assert np.abs(new - old).max() <= unit / 2 + 1e-6
            assert len(np.unique(np.rint(new / unit))) <= 2 * levels + 1
    for name in set(before) - weights(victim_of(task)):
        assert torch.equal(before[name], after[name])


def test_one_grid_for_a_whole_layer_would_lose_weak_channels():
    weight = torch.tensor([[100.0, -50.0], [0.01, 0.004]])
    assert rounded(weight, 8)[1].tolist() == pytest.approx([0.01, 0.004], rel=0.02)
    assert torch.equal(rounded(torch.zeros(2, 3), 8), torch.zeros(2, 3))


@pytest.mark.parametrize(("dtype", "bits"), [("float16", 10), ("bfloat16", 7)])
def test_half_precision_keeps_so_many_bits_of_every_tensor(task, ingredients_of, victim_of, dtype, bits):
    before, network = victim_of(task).state_dict(), HalfPrecision(dtype=dtype).derive(ingredients_of(task))
    for name, new in network.state_dict().items():
        old = before[name]
        assert new.dtype == old.dtype
        if not old.is_floating_point():
            assert torch.equal(old, new)
            continue
        mantissa = np.frexp(new.numpy())[0] * 2 ** (bits + 1)  # 1 leading bit and `bits` more
        usual = np.abs(new.numpy()) > 1e-4  # smaller ones have fewer in float16
        np.testing.assert_array_equal(mantissa[usual], np.rint(mantissa[usual]))
        torch.testing.assert_close(new, old, rtol=2.0 ** -(bits + 1), atol=1e-7)
    assert any(not torch.equal(before[name], new) for name, new in network.state_dict().items())


def test_noise_is_relative_to_the_layers_own_deviation(tasks, ingredients_of, victim_of):
    task = tasks["regression"]
    network = victim_of(task)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    after = WeightNoise(rho=0.1).derive(ingredients_of(task)).state_dict()
    for name in weights(network):
        ratio = (after[name] - before[name]).std() / before[name].std()
        count = before[name].numel()
        assert abs(ratio / 0.1 - 1) < 5 / (2 * count) ** 0.5, name  # five standard errors of a deviation
    for name in set(before) - weights(network):
        assert torch.equal(before[name], after[name])


def test_noise_is_drawn_from_the_seed(tasks, ingredients_of, same):
    task = tasks["classification"]
    one, again, other = (WeightNoise().derive(ingredients_of(task, seed=seed)) for seed in (1, 1, 2))
    assert same(one, again) and not same(one, other)


@pytest.mark.parametrize("recipe", [Quantise(), HalfPrecision(), WeightNoise(rho=0.005)])
def test_answers_hardly_change(task, ingredients_of, recipe):
    given = ingredients_of(task)
    x = given.data.test.pixels()
    before, network = ingredients_of(task).victim(x), recipe.derive(given)
    assert (network(x) - before).abs().mean() < 0.1 * (before - before.mean(0)).abs().mean()
    assert not torch.equal(network(x), before)
    assert recipe.relation is Relation.MODIFIED and not recipe.trains and recipe.shares_training_data
    assert not any(p.requires_grad for p in network.parameters()) and not network.training
