"""TAFA-R: captured pre-activations, the code and its descent, the choice of prints, and the tolerance of answers."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from scipy.optimize import linprog
from torch import nn
from torch.nn import functional as F

from benchmark.errors import Inapplicable, InputError
from benchmark.stealth.visibility import psnr
from fingerprints.tafa.codes import (
    TAFA,
    Neurons,
    code_loss,
    count_layers,
    find_neurons,
    pre_activations,
    ranking,
    total_variation,
)


def by_hand(victim, x):
    """The inputs of every rectifier module of a SmallResNet or a SmallVGG, layer by layer."""
    found, x = [], (x - 0.5) / 0.5
    for layer in [*victim.body, *victim.head]:
        if hasattr(layer, "branch"):
            first, norm, rectifier, *rest = layer.branch
            found.append(norm(first(x)))
            inner = nn.Sequential(*rest)(rectifier(found[-1]))
            x = F.relu(inner + layer.shortcut(x))
        elif isinstance(layer, nn.Sequential) and isinstance(layer[-1], nn.ReLU):
            found.append(layer[:-1](x))
            x = F.relu(found[-1])
        else:
            if isinstance(layer, nn.ReLU):
                found.append(x)
            x = layer(x)
    return found


@pytest.mark.parametrize(("kind", "layers"), [("classification", 4), ("regression", 5)])
def test_captured_pre_activations_are_those_of_a_forward_by_hand(tasks, owner_of, kind, layers):
    owner = owner_of(tasks[kind])
    x = owner.data.train.pixels(slice(5))
    expected = by_hand(owner.victim, x)
    assert count_layers(owner.victim, x) == len(expected) == layers
    for wanted in ([0], [1, 3], list(range(layers))):
        for z, number in zip(pre_activations(owner.victim, x, wanted), wanted, strict=True):
            torch.testing.assert_close(z, expected[number])


class Shared(nn.Module):
    """One in-place ReLU used twice, as some residual networks do, then a PReLU, then whatever `end` is."""

    def __init__(self, end: nn.Module) -> None:
        super().__init__()
        self.first, self.second, self.third = (nn.Linear(6, 6) for _ in range(3))
        self.act, self.leaky, self.end = nn.ReLU(inplace=True), nn.PReLU(), end

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.act(self.second(self.act(self.first(x.flatten(1)))))
        return self.end(self.leaky(self.third(x)))


class Bomb(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("bomb")


def hooks(network: nn.Module) -> int:
    return sum(len(module._forward_pre_hooks) + len(module._forward_hooks) for module in network.modules())


def test_in_place_and_shared_rectifiers_are_read_before_they_write(generator):
    network, x = Shared(nn.Identity()), torch.randn(7, 6, generator=generator(0), requires_grad=True)
    one = network.first(x)
    two = network.second(F.relu(one))
    three = network.third(F.relu(two))
    found = pre_activations(network, x, [0, 1, 2])
    assert count_layers(network, x) == 3
    for z, expected in zip(found, (one, two, three), strict=True):
        torch.testing.assert_close(z, expected)
    gradients = [torch.autograd.grad(sum((z**2).sum() for z in part), x)[0] for part in (found, (one, two, three))]
    torch.testing.assert_close(*gradients)


def test_the_network_runs_no_further_than_needed_and_hooks_go_even_after_an_error():
    network, x = Shared(Bomb()), torch.zeros(2, 6)
    assert len(pre_activations(network, x, [0, 2])) == 2  # the bomb comes after them
    assert hooks(network) == 0
    for ask in (lambda: count_layers(network, x), lambda: pre_activations(network, x, [3])):
        with pytest.raises(RuntimeError, match="bomb"):
            ask()
        assert hooks(network) == 0


def test_code_loss_and_total_variation_against_numpy(generator):
    z = torch.randn(6, 9, generator=generator(0)).double()
    bits = torch.randn(6, 9, generator=generator(1)).double().sign()
    expected = np.maximum(0, 0.7 - bits.numpy() * z.numpy()).sum(axis=1)
    np.testing.assert_allclose(code_loss(z, bits, 0.7).numpy(), expected)
    x = torch.rand(2, 3, 4, 5, generator=generator(2)).double().numpy()
    slow = [
        sum(
            (abs(image[c, i + 1, j] - image[c, i, j]) if i < 3 else 0)
            + (abs(image[c, i, j + 1] - image[c, i, j]) if j < 4 else 0)
            for c in range(3)
            for i in range(4)
            for j in range(5)
        )
        for image in x
    ]
    np.testing.assert_allclose(total_variation(torch.from_numpy(x)).numpy(), slow)


def noise_like(owner, count, generator):
    shape = (count, *owner.data.train.images.shape[1:])
    return (0.5 + 0.25 * torch.randn(shape, generator=generator)).clamp(0, 1)


def test_neurons_are_random_live_and_scaled_by_their_deviation_on_noise(classifier, generator):
    victim, noise = classifier.victim, noise_like(classifier, 70, generator(0))
    with torch.no_grad():
        victim.body[0][0].weight[2] = 0  # channel 2 of the first layer is constant, its bits could never turn
    neurons = find_neurons(victim, noise, (0.0, 0.5, 0.5), 500, generator(1))
    assert neurons.layers == (0, 2) and neurons.count == 1000
    layers = by_hand(victim, noise)
    assert all(len(place.unique()) == 500 for place in neurons.places)
    channels = neurons.places[0] // (16 * 16)
    assert set(channels.tolist()) == {c for c in range(8) if c != 2}
    z = torch.cat([layers[n].flatten(1)[:, place] for n, place in zip((0, 2), neurons.places, strict=True)], dim=1)
    deviation = z.double().numpy().std(axis=0)
    np.testing.assert_allclose(neurons.scale.numpy(), deviation, rtol=1e-4)
    torch.testing.assert_close(neurons.read(victim, noise[:5]), (z / neurons.scale)[:5])
    again, other = (find_neurons(victim, noise, (0.0,), 500, generator(seed)) for seed in (1, 2))
    assert torch.equal(neurons.places[0], again.places[0]) and not torch.equal(neurons.places[0], other.places[0])


def test_a_network_without_live_rectifiers_is_refused(classifier, generator):
    noise = noise_like(classifier, 8, generator(0))
    with pytest.raises(Inapplicable, match=r"no rectified linear units"):
        find_neurons(nn.Sequential(nn.Flatten(), nn.Linear(3072, 4)), noise, (0.0,), 4, generator(0))
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3072, 4), nn.ReLU())
    nn.init.zeros_(flat[1].weight)
    with pytest.raises(InputError, match=r"^depths: no neuron moves"):
        find_neurons(flat, noise, (0.0,), 4, generator(0))
    with pytest.raises(InputError, match=r"^depths: wants one or more"):
        TAFA(depths=())


def test_on_one_linear_layer_the_descent_finds_what_linear_programming_finds(generator):
    """min sum t over x in [0, 1]^d and t >= 0 with t_j >= kappa - b_j (w_j x + c_j) / s_j; feasible if it is 0."""
    d, m, kappa = 6, 7, 0.3
    network = nn.Sequential(nn.Flatten(), nn.Linear(d, m), nn.ReLU()).double()
    with torch.no_grad():
        network[1].weight.copy_(torch.randn(m, d, generator=generator(0)))
        network[1].bias.copy_(-network[1].weight.sum(dim=1) / 2)  # the centre of the cube has pre-activation 0
    neurons = Neurons((0,), (torch.arange(m),), torch.rand(m, generator=generator(1)).double() / 2 + 0.2)
    bits = torch.randn(24, m, generator=generator(2)).double().sign()
    x = torch.full((24, d, 1, 1), 0.5).double()
    found = TAFA(kappa=kappa, steps=3000, learning_rate=0.003, held=1.0)._descend(network, neurons, x, bits)
    loss = code_loss(neurons.read(network, found), bits, kappa).tolist()
    w, c, s = (t.detach().numpy() for t in (network[1].weight, network[1].bias, neurons.scale))
    feasible = 0
    for b, reached in zip(bits.numpy(), loss, strict=True):
        rows = np.hstack([-(b / s)[:, None] * w, -np.eye(m)])
        bound = b * c / s - kappa
        best = linprog(np.r_[np.zeros(d), np.ones(m)], A_ub=rows, b_ub=bound, bounds=[(0, 1)] * d + [(0, None)] * m)
        assert best.status == 0
        assert best.fun - 1e-9 <= reached <= best.fun + 0.05
        if best.fun < 1e-9:
            feasible += 1
            assert reached == 0
    assert 4 < feasible < 20


def walk_alone(method, victim, neurons, x, bits):
    """One point (3, H, W) by torch.optim.Adam until enough bits have the margin, and whether they do."""
    x = x.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([x], lr=method.learning_rate)
    for _ in range(method.steps):
        z = neurons.read(victim, x[None])[0]
        if sum(b * v >= method.kappa for b, v in zip(bits.tolist(), z.tolist(), strict=True)) >= method.held * len(z):
            return x.detach(), True
        loss = (method.kappa - bits * z).clamp_min(0).sum()
        loss = loss + method.tv * ((x[:, 1:] - x[:, :-1]).abs().sum() + (x[:, :, 1:] - x[:, :, :-1]).abs().sum())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            x.clamp_(0, 1)
    return x.detach(), False


@pytest.mark.parametrize("tv", [0.0, 0.05])
def test_batched_equals_each_point_alone(tasks, owner_of, generator, tv):
    owner = owner_of(tasks["classification"], double=True)
    noise = noise_like(owner, 16, generator(0)).double()
    neurons = find_neurons(owner.victim, noise, (0.0, 0.5), 10, generator(1))
    method = TAFA(kappa=1.0, held=0.9, steps=10, learning_rate=0.02, tv=tv)
    x = owner.data.train.pixels(torch.arange(8))
    bits = torch.randn(8, 20, generator=generator(2)).double().sign()
    together = method._descend(owner.victim, neurons, x, bits)
    arrived = 0
    for n in range(8):
        alone, done = walk_alone(method, owner.victim, neurons, x[n], bits[n])
        torch.testing.assert_close(together[n], alone, rtol=0, atol=1e-5)
        arrived += done
    assert 0 < arrived < 8  # some left the batch early, some ran out of steps


def test_the_code_turns_a_share_of_the_bases_own_bits_over(classifier, generator):
    noise = noise_like(classifier, 32, generator(0))
    neurons = find_neurons(classifier.victim, noise, (0.0,), 40, generator(1))
    x = classifier.data.train.pixels(torch.arange(6))
    method = TAFA(depths=(0.0,), kappa=0.1, flip=0.25, held=1.0, steps=400)
    samples, share = method._encode(classifier.victim, neurons, x, generator(2))
    assert share.tolist() == [1.0] * 6
    before, after = (neurons.read(classifier.victim, images) >= 0 for images in (x, samples))
    assert (before != after).sum(dim=1).tolist() == [10] * 6
    assert len({tuple(row) for row in (before != after).tolist()}) == 6  # which bits turn differs by print


def test_ranking_takes_labels_in_turn_and_fills_up_by_bits_held():
    good = torch.tensor([1, 1, 1, 0, 1, 1, 0, 1, 0]).bool()
    labels = torch.tensor([4, 4, 4, 9, 7, 4, 9, 2, 9])
    share = torch.tensor([1, 1, 1, 0.2, 1, 1, 0.9, 1, 0.9])
    assert ranking(good, share, labels).tolist() == [0, 4, 7, 1, 2, 5, 6, 8, 3]
    assert ranking(good, share, None).tolist() == [0, 1, 2, 4, 5, 7, 6, 8, 3]
    assert ranking(~good & good, share, labels).tolist() == [0, 1, 2, 4, 5, 7, 6, 8, 3]


class Brightness(nn.Module):
    """Class 0 on everything of mean brightness near a half, as noise is; classes 1 and 2 on darker and brighter."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean = x.mean(dim=(1, 2, 3))
        return torch.stack([0.1 - (mean - 0.5).abs(), 0.5 - mean, mean - 0.5], dim=1)


def test_collapsed_labels_are_dropped_and_classes_balanced(classifier, generator):
    train = classifier.data.train
    level = torch.tensor([128] * 160 + [20] * 120 + [250] * 40, dtype=torch.uint8)  # half of them look like noise
    images = level[:, None, None, None].expand(train.images.shape)
    data = dataclasses.replace(classifier.data, train=dataclasses.replace(train, images=images))
    owner = dataclasses.replace(classifier, victim=Brightness(), data=data)
    prints = TAFA(code=False, candidates=4).generate(owner, 20, generator(0))
    assert torch.bincount(prints.payload["answer"]).tolist() == [0, 10, 10]
    assert prints.notes["collapsed"] == pytest.approx(0.5, abs=0.15) and prints.notes["filled up"] == 0
    assert prints.notes["accepted"] + prints.notes["collapsed"] == pytest.approx(1)
    few = TAFA(code=False, candidates=1).generate(owner, 200, generator(0))
    assert few.notes["filled up"] == (few.payload["answer"] == 0).double().mean() > 0.4


@pytest.mark.parametrize("base", ["image", "noise"])
@pytest.mark.parametrize("code", [True, False])
def test_bases(classifier, generator, base, code):
    train = classifier.data.train
    prints = TAFA(base=base, code=code, steps=5, kappa=0.5).generate(classifier, 12, generator(0))
    assert ("label" in prints.payload) == (prints.origin is not None) == (base == "image")
    if base == "image":
        place = [(train.pixels() == image).flatten(1).all(dim=1).nonzero()[0].item() for image in prints.origin]
        assert len(set(place)) == 12
        assert torch.equal(prints.payload["label"], train.targets[place])
        assert torch.equal(prints.samples, prints.origin) == (not code)
    elif not code:
        assert prints.samples.mean() == pytest.approx(0.5, abs=0.01)
        assert prints.samples.std() == pytest.approx(1 / math.sqrt(12), abs=0.01)
    with torch.no_grad():
        assert torch.equal(prints.payload["answer"], classifier.victim(prints.samples).argmax(dim=1))


def test_the_bits_held_are_counted_and_a_larger_margin_moves_a_print_further(classifier, generator):
    ratios = []
    for kappa in (0.3, 3.0):
        prints = TAFA(kappa=kappa, neurons=32, learning_rate=0.02).generate(classifier, 8, generator(0))
        assert prints.notes["bits held"] >= 0.95
        ratios.append(psnr(prints.samples, prints.origin))
    assert ratios[0] > ratios[1] + 3
    undone = TAFA(kappa=3.0, neurons=32, steps=1).generate(classifier, 8, generator(0))
    assert undone.notes["accepted"] == 0 and undone.notes["filled up"] == 1
    assert 0.3 < undone.notes["bits held"] < 0.8  # half of the bits are those of the base


def test_chunk_size_does_not_change_the_prints(tasks, owner_of, generator):
    owner = owner_of(tasks["classification"], double=True)
    whole, parts = (TAFA(steps=15, chunk=chunk).generate(owner, 5, generator(0)) for chunk in (99, 3))
    torch.testing.assert_close(whole.samples, parts.samples, rtol=0, atol=1e-5)
    assert whole.notes == parts.notes
