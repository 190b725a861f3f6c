"""Weight shifting and label smoothing: the edit or the loss by hand, and the training that follows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from suspects.finetune import FineTune
from suspects.shift import WeightShifting
from suspects.smooth import LabelSmoothing


def test_filters_move_off_their_own_mean(task, ingredients_of, victim_of, recorded):
    WeightShifting(shift=1.5, noise=0.0).derive(ingredients_of(task, fit=recorded))
    before, after = victim_of(task), recorded.calls[0].network
    for (name, old), new in zip(before.named_modules(), after.modules(), strict=True):
        if isinstance(old, nn.Conv2d):
            for one, other in zip(old.weight.detach().numpy(), new.weight.detach().numpy(), strict=True):
                np.testing.assert_allclose(other, one - 1.5 * one.mean(), atol=1e-6, err_msg=name)
        elif not list(old.children()):
            assert all(torch.equal(a, b) for a, b in zip(old.parameters(), new.parameters(), strict=True)), name


def test_the_noise_has_the_layers_deviation(tasks, ingredients_of, victim_of, recorded):
    task = tasks["classification"]
    WeightShifting(shift=0.0, noise=0.5).derive(ingredients_of(task, fit=recorded))
    for old, new in zip(victim_of(task).modules(), recorded.calls[0].network.modules(), strict=True):
        if isinstance(old, nn.Conv2d):
            ratio = ((new.weight - old.weight).std() / old.weight.std()).item()
            assert abs(ratio / 0.5 - 1) < 5 / (2 * old.weight.numel()) ** 0.5


def test_shifting_is_followed_by_training_on_all_layers(tasks, ingredients_of, recorded, same):
    task = tasks["regression"]
    for seed in (3, 3, 4):
        WeightShifting(epochs=6, learning_rate=0.01).derive(ingredients_of(task, seed=seed, fit=recorded))
    one, again, other = recorded.calls
    assert (one.training.epochs, one.training.learning_rate, one.frozen, one.seed) == (6, 0.01, [], 3)
    assert one.loss == task.loss
    assert same(one.network, again.network) and not same(one.network, other.network)


@pytest.mark.parametrize("smoothing", [0.3, 1.0])
def test_the_loss_is_cross_entropy_to_smoothed_targets(tasks, ingredients_of, recorded, smoothing):
    task = tasks["classification"]
    LabelSmoothing(smoothing=smoothing, epochs=3, learning_rate=0.01).derive(ingredients_of(task, fit=recorded))
    (call,) = recorded.calls
    x, y = torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 9, 3, 3, 5, 1])
    probability = call.network.eval()(x).softmax(1).detach().double().numpy()
    targets = np.full((6, 10), smoothing / 10)
    targets[np.arange(6), y.numpy()] += 1 - smoothing
    expected = -(targets * np.log(probability)).sum(axis=1).mean()
    assert call.loss(call.network, x, y).item() == pytest.approx(expected, rel=1e-5)
    assert (call.training.epochs, call.training.learning_rate) == (3, 0.01)


def test_smoothing_makes_the_network_less_certain_than_fine_tuning_does(tasks, ingredients_of):
    given = ingredients_of(tasks["classification"])
    x = given.data.train.pixels()
    smooth = LabelSmoothing(smoothing=0.6, epochs=3, learning_rate=0.01).derive(given)
    plain = FineTune(epochs=3, learning_rate=0.01).derive(ingredients_of(given.task))
    assert smooth(x).softmax(1).amax(1).mean() < 0.9 * plain(x).softmax(1).amax(1).mean()
    assert "probabilities" in LabelSmoothing().inapplicable(tasks["regression"])
