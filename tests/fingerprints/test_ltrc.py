"""LTRC: the filter against SciPy, the stages against loops, noise that leaves no trace, and which prints are kept."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
import scipy.fft
import torch
from torch import nn
from torch.nn import functional as F

from benchmark.data.base import ImageSet, Splits
from fingerprints import ltrc
from fingerprints.ltrc import LTRC, balanced_labels, high_pass, mean_gradient, noisy_weights


def slow_high_pass(images, cutoff):
    """Frequency by frequency with SciPy; images (N, C, H, W) as NumPy, and the frequencies that were removed."""
    result, removed = np.empty_like(images), set()
    height, width = images.shape[2:]
    for n, c in np.ndindex(*images.shape[:2]):
        spectrum = scipy.fft.fft2(images[n, c])
        for row, column in np.ndindex(height, width):
            f_y, f_x = (k if k <= size // 2 else k - size for k, size in ((row, height), (column, width)))
            if abs(f_y) < cutoff * height / 2 and abs(f_x) < cutoff * width / 2:
                spectrum[row, column] = 0
                removed.add((row, column))
        back = scipy.fft.ifft2(spectrum)
        assert np.abs(back.imag).max() < 1e-12, "the removed square is symmetric, so that what is left is real"
        result[n, c] = back.real
    return result, removed


@pytest.mark.parametrize("shape", [(8, 8), (7, 7), (16, 12), (28, 28)])
@pytest.mark.parametrize("cutoff", [0.01, 0.125, 0.25, 0.5])
def test_the_high_pass_filter_removes_the_low_square_and_nothing_else(shape, cutoff, generator):
    images = torch.rand(2, 3, *shape, generator=generator(0), dtype=torch.float64)
    expected, removed = slow_high_pass(images.numpy(), cutoff)
    filtered = high_pass(images, cutoff)
    assert filtered.dtype == torch.float64 and not filtered.is_complex()
    np.testing.assert_allclose(filtered.numpy(), expected, atol=1e-12)
    before, after = (np.abs(scipy.fft.fft2(x.numpy())) for x in (images, filtered))
    assert (0, 0) in removed and len(removed) < shape[0] * shape[1]
    low = np.zeros(shape, dtype=bool)
    low[tuple(np.array(sorted(removed)).T)] = True
    assert after[..., low].max() < 1e-10 and before[..., low].min() > 1e-4
    np.testing.assert_allclose(after[..., ~low], before[..., ~low], atol=1e-10)


def test_the_side_of_the_square_is_the_cutoffs_share_of_the_image():
    _, removed = slow_high_pass(np.ones((1, 1, 56, 56)), 0.125)
    assert len(removed) == 7 * 7


def test_the_filter_takes_slow_waves_and_passes_fast_ones():
    rows = torch.arange(32)
    slow = torch.cos(2 * torch.pi * rows / 32)[:, None].expand(32, 32)[None, None]
    fast = torch.cos(2 * torch.pi * 8 * rows / 32)[:, None].expand(32, 32)[None, None]
    board = ((rows[:, None] + rows) % 2 * 2.0 - 1)[None, None]
    mixed = 0.7 + slow + fast + board
    torch.testing.assert_close(high_pass(mixed, 0.125), fast + board, rtol=0, atol=1e-5)


def convolutions_and_linears(network):
    return {f"{n}.weight": m.weight for n, m in network.named_modules() if isinstance(m, (nn.Conv2d, nn.Linear))}


@pytest.mark.parametrize("noise", ["uniform", "relative"])
def test_noise_is_of_the_size_asked_for_on_convolution_and_linear_weights_only(classifier, generator, noise):
    own = convolutions_and_linears(classifier.victim)
    noisy = noisy_weights(classifier.victim, noise, 0.02, generator(0))
    assert noisy.keys() == own.keys() and len(noisy) == 10  # stem, 3 blocks of 2, 2 shortcuts, last layer
    if noise == "uniform":
        change = torch.cat([(noisy[name] - own[name]).flatten() for name in own])
        assert change.abs().max() <= 0.02 + 1e-7 and change.std() == pytest.approx(0.02 / 3**0.5, rel=0.05)
    else:
        change = torch.cat([((noisy[name] - own[name]) / own[name].abs()).flatten() for name in own])
        assert change.abs().max() > 0.05 and change.std() == pytest.approx(0.02, rel=0.05)
    assert change.mean().abs() < 0.02 / 20
    exact = noisy_weights(classifier.victim, noise, 0.0, generator(0))
    assert all(torch.equal(exact[name], own[name]) for name in own)


@pytest.mark.parametrize("noise", ["uniform", "relative"])
def test_the_victim_is_bit_for_bit_what_it_was(classifier, generator, noise):
    before = {name: tensor.clone() for name, tensor in classifier.victim.state_dict(keep_vars=True).items()}
    addresses = {name: tensor.data_ptr() for name, tensor in classifier.victim.state_dict(keep_vars=True).items()}
    LTRC(noise=noise, delta=0.5, steps=3, rounds=2).generate(classifier, 4, generator(0))
    after = classifier.victim.state_dict(keep_vars=True)
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
    assert addresses == {name: tensor.data_ptr() for name, tensor in after.items()}


def moved(network, weights):
    """A copy of a network that has other weights under some names."""
    other = copy.deepcopy(network)
    other.load_state_dict({**network.state_dict(), **weights})
    return other


def test_the_gradient_is_the_mean_over_noisy_networks(tasks, owner_of, generator):
    victim, rng = owner_of(tasks["classification"], double=True).victim, generator(0)
    draws = [noisy_weights(victim, "relative", 0.3, rng) for _ in range(3)]
    x = torch.rand(4, 3, 32, 32, generator=rng, dtype=torch.float64)
    goal = torch.tensor([0, 3, 3, 9])
    expected = torch.zeros_like(x)
    for network in (moved(victim, weights) for weights in draws):
        for n in range(4):
            image = x[n : n + 1].clone().requires_grad_(True)
            (-network(image).log_softmax(dim=1)[0, goal[n]]).backward()
            expected[n] += image.grad[0] / 3
    result = mean_gradient(victim, draws, x, goal)
    torch.testing.assert_close(result, expected, rtol=1e-9, atol=1e-12)
    alone = mean_gradient(victim, [{}], x, goal)
    assert not result.requires_grad and (alone - expected).norm() > 0.05 * expected.norm()


@pytest.fixture
def recorded(monkeypatch):
    """All the noisy weights that are drawn, in order."""
    seen = []

    def record(*given):
        seen.append(noisy_weights(*given))
        return seen[-1]

    monkeypatch.setattr(ltrc, "noisy_weights", record)
    return seen


@pytest.mark.parametrize("stage", ["c", "rc", "ltrc"])
def test_the_descent_is_the_formula_for_each_print_alone(tasks, owner_of, generator, recorded, stage):
    owner = owner_of(tasks["classification"], double=True)
    method = LTRC(stage=stage, steps=4, draws=2, noise="relative", delta=0.2, copies=3, rounds=1)
    prints = method.generate(owner, 3, generator(0))
    replay = generator(0)
    goal = balanced_labels(3, 10, replay)
    start = torch.rand(3, 3, 32, 32, generator=replay, dtype=torch.float64)
    if stage == "c":
        assert not recorded
    else:
        assert len(recorded) == 4 * 2 + 3, "new noise in every step, and for the judgement"
        stems = [next(iter(weights.values())) for weights in recorded]
        assert not any(torch.equal(a, b) for i, a in enumerate(stems) for b in stems[:i])
    networks = [moved(owner.victim, weights) for weights in recorded] if stage != "c" else [owner.victim] * 8
    for n in range(3):
        x = start[n : n + 1].clone()
        if stage == "ltrc":
            x = torch.from_numpy(slow_high_pass(x.numpy(), 0.125)[0] + 0.5).clamp(0, 1)
        for step in range(4):
            x.requires_grad_(True)
            loss = sum(F.cross_entropy(network(x), goal[n : n + 1]) for network in networks[2 * step : 2 * step + 2])
            (gradient,) = torch.autograd.grad(loss / 2, x)
            move = 0.01 * np.sign(gradient.numpy())
            move = slow_high_pass(move, 0.125)[0] if stage == "ltrc" else move
            x = (x.detach() - torch.from_numpy(move)).clamp(0, 1)
        torch.testing.assert_close(prints.samples[n : n + 1], x, rtol=0, atol=1e-9)
    chunked = dataclasses.replace(method, chunk=2).generate(owner, 3, generator(0))
    torch.testing.assert_close(chunked.samples, prints.samples, rtol=0, atol=1e-9)


def low_share(samples, cutoff):
    """The share of the prints' energy around mid-grey that the filter would take."""
    grey = samples - 0.5
    return (1 - high_pass(grey, cutoff).pow(2).sum() / grey.pow(2).sum()).item()


def test_only_stage_ltrc_keeps_low_frequencies_out(classifier, generator):
    shares = {
        stage: low_share(
            LTRC(stage=stage, cutoff=0.25, steps=20, rounds=1).generate(classifier, 6, generator(0)).samples, 0.25
        )
        for stage in ("c", "rc", "ltrc")
    }
    assert shares["ltrc"] < 0.01 < 0.03 < min(shares["c"], shares["rc"])  # what is left comes from clipping


@pytest.mark.parametrize(("count", "classes"), [(100, 10), (20, 7), (3, 10), (10, 2)])
def test_labels_are_as_many_of_each_class_as_of_any_other(count, classes, generator):
    labels = balanced_labels(count, classes, generator(0))
    counts = labels.bincount(minlength=classes)
    assert len(labels) == count and len(counts) == classes and counts.max() - counts.min() == (count % classes > 0)
    assert not torch.equal(labels, balanced_labels(count, classes, generator(1)))


def test_classes_left_over_are_drawn(generator):
    seen = {balanced_labels(1, 5, generator(seed)).item() for seed in range(60)}
    assert seen == set(range(5))


def test_the_answer_is_the_assigned_class_and_there_is_no_source(classifier, generator):
    method = LTRC(steps=1, rounds=1)
    prints = method.generate(classifier, 20, generator(0))
    assert prints.origin is None and torch.equal(prints.payload["answer"], prints.payload["label"])
    assert torch.equal(prints.payload["answer"], balanced_labels(20, 10, generator(0)))
    own = classifier.victim(prints.samples).argmax(dim=1)
    same = (own == prints.payload["answer"]).double().mean().item()
    verifier = method.verifiers(classifier.task)["label"]
    assert same < 0.5, "after one step the victim does not answer the assigned classes yet, and its score says so"
    assert verifier.score(own.float(), prints.payload) == same


def test_no_data_is_used(classifier, generator):
    train = classifier.data.train
    other = ImageSet(255 - train.images, train.targets.roll(1))
    changed = dataclasses.replace(classifier, data=Splits(other, classifier.data.valid, classifier.data.test))
    one, two = (LTRC(steps=2).generate(owner, 5, generator(0)) for owner in (classifier, changed))
    assert torch.equal(one.samples, two.samples)


def test_prints_reach_their_class_with_confidence(classifier, generator):
    prints = LTRC(steps=40, step=0.02, rounds=2).generate(classifier, 20, generator(0))
    probability = classifier.victim(prints.samples).softmax(dim=1)
    reached = probability.gather(1, prints.payload["answer"][:, None]) >= 0.9
    assert prints.notes["accepted"] > 0.6 and reached.double().mean() > 0.8


def test_acceptance_asks_noisy_copies(classifier, generator):
    strict = LTRC(stage="rc", noise="uniform", delta=1.0, steps=15, step=0.03, rounds=1, confident=0.0)
    lax = dataclasses.replace(strict, agree=0.0)
    assert strict.generate(classifier, 10, generator(0)).notes["accepted"] < 1
    assert lax.generate(classifier, 10, generator(0)).notes == {"tried": 10, "accepted": 1.0}


def test_what_was_rejected_is_made_anew_for_the_same_class_and_the_best_is_kept(classifier, generator):
    method = LTRC(stage="c", steps=2, confident=0.999999)

    def quality(rounds):
        prints = dataclasses.replace(method, rounds=rounds).generate(classifier, 20, generator(0))
        assert prints.notes == {"tried": 20 * rounds, "accepted": 0.0} and len(prints.samples) == 20
        assert torch.equal(prints.payload["answer"], balanced_labels(20, 10, generator(0)))
        p = classifier.victim(prints.samples).softmax(dim=1)
        return (p.gather(1, prints.payload["answer"][:, None])[:, 0] + (p.argmax(1) == prints.payload["answer"])) / 2

    one, four = quality(1), quality(4)
    assert (four >= one - 1e-6).all() and (four > one + 1e-3).sum() >= 5


def test_what_was_accepted_stays(classifier, generator):
    method = LTRC(stage="c", steps=4, step=0.02, confident=0.5)
    one, three = (
        dataclasses.replace(method, rounds=rounds).generate(classifier, 20, generator(0)) for rounds in (1, 3)
    )
    p = classifier.victim(one.samples).softmax(dim=1)
    good = (p.gather(1, one.payload["answer"][:, None])[:, 0] >= 0.5) & (p.argmax(1) == one.payload["answer"])
    assert 0 < good.sum() < 20 and one.notes["accepted"] == good.double().mean()
    assert torch.equal(one.samples[good], three.samples[good])
    assert 20 + (~good).sum() <= three.notes["tried"] < 60
