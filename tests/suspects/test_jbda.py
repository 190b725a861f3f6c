"""Jacobian-based augmentation: whose gradient, in which direction, and how the pictures multiply."""

from __future__ import annotations

import dataclasses

import torch

from benchmark.data.base import ImageSet
from suspects.jbda import JBDA, directions


def test_the_gradient_is_that_of_the_oracles_label(tasks, ingredients_of):
    """Against central differences in double precision; the sum of all probabilities, a constant, has no such signs."""
    given = ingredients_of(tasks["classification"])
    network, images = given.victim.double(), given.data.test.images[:3]
    labels = torch.tensor([3, 0, 7])

    def probability(x):
        with torch.no_grad():
            return network(x).softmax(1)[torch.arange(3), labels]

    float_pixels = images.double() / 255
    network.float()
    signs = directions(given.task, network, images, labels)
    soft = torch.full((3, 10), 0.05).scatter(1, labels[:, None], 0.5)
    assert torch.equal(signs, directions(given.task, network, images, soft))  # soft answers count by their label
    network.double()
    places = [(c, i, j) for c in (0, 2) for i in (9, 16) for j in (12, 19)]
    agree = []
    for c, i, j in places:
        step = torch.zeros_like(float_pixels)
        step[:, c, i, j] = 1e-4
        slope = (probability(float_pixels + step) - probability(float_pixels - step)) / 2e-4
        agree += [s == t for s, t in zip(slope.sign().tolist(), signs[:, c, i, j].tolist(), strict=True)]
    assert all(agree)
    others = directions(given.task, network.float(), images, labels + 1)
    assert (others != signs).double().mean() > 0.2


def test_values_are_climbed_themselves(tasks, ingredients_of):
    given = ingredients_of(tasks["regression"])
    images = given.data.test.images[:4]
    x = (images / 255.0).requires_grad_(True)
    given.victim(x).sum().backward()
    assert torch.equal(directions(given.task, given.victim, images, torch.zeros(4)), x.grad.sign())


def test_pictures_double_and_the_step_alternates(tasks, ingredients_of, recorded):
    given = ingredients_of(tasks["classification"], fit=recorded)
    JBDA(seeds=8, rounds=6, step=0.1, epochs=3).derive(given)
    assert [len(call.data) for call in recorded.calls] == [8, 16, 32, 64, 128, 256]
    assert given.meter.queries == 8 * 2**5
    student = ingredients_of(given.task).fresh().eval()  # `recorded` trains nothing, so the substitute stays as drawn
    for turn, call in enumerate(recorded.calls[1:]):
        half = len(call.data) // 2
        old, new = call.data.images[:half], call.data.images[half:]
        assert torch.equal(old, recorded.calls[turn].data.images)
        sign = [1, 1, -1, -1, 1][turn]
        moved = old / 255.0 + sign * 0.1 * directions(given.task, student, old, call.data.targets[:half])
        assert torch.equal(new, (moved.clamp(0, 1) * 255).round().to(torch.uint8))
        assert call.training.epochs == 3
    assert len({call.seed for call in recorded.calls}) == 6


def test_seeds_are_images_that_the_owner_did_not_train_on(tasks, ingredients_of, recorded):
    given = ingredients_of(tasks["classification"], fit=recorded)
    rest = ImageSet(torch.arange(60, dtype=torch.uint8)[:, None, None, None].expand(60, 3, 32, 32), torch.arange(60))
    JBDA(seeds=20, rounds=1).derive(given)
    JBDA(seeds=20, rounds=1).derive(dataclasses.replace(given, data=dataclasses.replace(given.data, rest=rest)))
    valid, other = (call.data.images for call in recorded.calls)
    assert all(any(torch.equal(image, own) for own in given.data.valid.images) for image in valid)
    assert len(set(other[:, 0, 0, 0].tolist())) == 20 and all(len(image.unique()) == 1 for image in other)


def test_it_comes_near_to_the_victim(tasks, ingredients_of):
    given = ingredients_of(tasks["classification"])
    network = JBDA(seeds=100, rounds=3, answers="label").derive(given)
    with torch.no_grad():
        x = given.data.test.pixels()
        assert (network(x).argmax(1) == given.victim(x).argmax(1)).float().mean() > 0.5
