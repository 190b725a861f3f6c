"""Similarity: ArcFace against a slow loop, pairs that are pairs, cosine and distance."""

from __future__ import annotations

import dataclasses
import itertools
import math

import pytest
import torch
from torch.nn import functional as F

from benchmark.data.base import ImageSet, Splits
from benchmark.tasks.similarity import arcface_loss, draw_pairs


class Corner(torch.nn.Module):
    """Embeds an image as its first two pixels."""

    def forward(self, x):
        return x[:, 0, 0, :2]


def image_set(embeddings, targets):
    images = torch.zeros(len(embeddings), 3, 2, 2, dtype=torch.uint8)
    images[:, 0, 0, :] = torch.tensor(embeddings, dtype=torch.uint8)
    return ImageSet(images, torch.tensor(targets))


@pytest.fixture
def match(tasks):
    return tasks["similarity"]


def slow_arcface(embedding, prototypes, targets, scale, margin):
    """One sample at a time, as the paper writes it."""
    total = 0.0
    for e, own in zip(embedding.tolist(), targets.tolist(), strict=True):
        logits = []
        for j, w in enumerate(prototypes.tolist()):
            cosine = sum(a * b for a, b in zip(e, w, strict=True)) / math.hypot(*e) / math.hypot(*w)
            if j == own:
                theta = math.acos(cosine)
                cosine = math.cos(theta + margin) if theta + margin < math.pi else cosine - margin * math.sin(margin)
            logits.append(scale * cosine)
        total += math.log(sum(math.exp(v) for v in logits)) - logits[own]
    return total / len(embedding)


@pytest.mark.parametrize(("scale", "margin"), [(16.0, 0.3), (64.0, 0.5), (4.0, 1.5), (1.0, 0.0)])
def test_arcface_agrees_with_the_slow_loop(scale, margin):
    generator = torch.Generator().manual_seed(5)
    embedding = torch.randn(40, 3, generator=generator, dtype=torch.float64) * 7
    prototypes = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    targets = torch.arange(40) % 4
    own = F.cosine_similarity(embedding, prototypes[targets])
    if margin == 1.5:
        assert (own < math.cos(math.pi - margin)).any()  # the angle passes pi somewhere
    loss = arcface_loss(embedding, prototypes, targets, scale, margin)
    assert loss.item() == pytest.approx(slow_arcface(embedding, prototypes, targets, scale, margin), rel=1e-9)


def test_arcface_without_margin_is_cross_entropy_of_scaled_cosines():
    generator = torch.Generator().manual_seed(6)
    embedding, prototypes = torch.randn(9, 5, generator=generator), torch.randn(4, 5, generator=generator)
    targets = torch.arange(9) % 4
    cosine = F.cosine_similarity(embedding[:, None], prototypes[None], dim=2)
    loss = arcface_loss(embedding, prototypes, targets, 16.0, 0.0)
    torch.testing.assert_close(loss, F.cross_entropy(16 * cosine, targets))


def test_arcface_falls_as_the_angle_to_the_own_centre_falls():
    angles = torch.linspace(math.pi, 0, 100, dtype=torch.float64)
    circle = torch.stack([angles.cos(), angles.sin(), torch.zeros(100)], dim=1)
    prototypes = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], dtype=torch.float64)  # the other stays at 90 degrees
    losses = [arcface_loss(e[None], prototypes, torch.tensor([0]), 8.0, 0.5).item() for e in circle]
    assert all(later < earlier for earlier, later in itertools.pairwise(losses))


def test_arcface_has_finite_gradients_at_the_centre_and_opposite():
    embedding = torch.tensor([[2.0, 0.0], [-3.0, 0.0]], requires_grad=True)
    arcface_loss(embedding, torch.eye(2), torch.tensor([0, 0]), 64.0, 0.5).backward()
    assert embedding.grad.isfinite().all()


def test_pairs_are_half_of_one_identity_and_never_the_same_image():
    targets = torch.arange(60) % 7
    one, other = draw_pairs(targets, 500)
    assert len(one) == len(other) == 500
    assert (one != other).all()
    same = targets[one] == targets[other]
    assert same[::2].all() and not same[1::2].any()
    assert torch.unique(one).numel() > 50  # drawn from all over the set


def test_pairs_are_the_same_every_time_and_leave_the_global_generator():
    torch.manual_seed(1)
    first = draw_pairs(torch.arange(30) % 3, 40)
    drawn = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(1), drawn)
    assert all(torch.equal(a, b) for a, b in zip(first, draw_pairs(torch.arange(30) % 3, 40), strict=True))


def test_reference_pairs_with_another_image_of_the_same_identity(match, splits_of, victim_of):
    data, network = splits_of(match).train, victim_of(match)
    index = torch.arange(0, 320, 13)
    pair = match.reference(network, data, index)["pair"]
    for i, image in zip(index.tolist(), pair, strict=True):
        kin = [j for j in range(len(data)) if data.targets[j] == data.targets[i]]
        following = next((j for j in kin if j > i), kin[0])
        assert following != i
        assert torch.equal(image, data.pixels(torch.tensor([following]))[0])


def test_reference_keeps_the_victims_cosine(match):
    data = image_set([[3, 4], [5, 0], [0, 2], [9, 0]], [0, 1, 0, 1])
    payload = match.reference(Corner(), data, torch.tensor([0, 2, 1]))  # pairs 2, 0, 3
    torch.testing.assert_close(payload["cosine"], torch.tensor([0.8, 0.8, 1.0]))
    later = torch.tensor([0.77, 0.7, 1.0])
    assert match.kept(later, payload).tolist() == [True, False, True]  # drop 0.05
    assert torch.equal(match.read(later, payload), later)


def test_answer_compares_two_images(match):
    data = image_set([[6, 8], [10, 0]], [0, 0])
    x, pair = data.pixels()[:1], data.pixels()[1:]
    assert match.answer(Corner(), x, pair).item() == pytest.approx(0.6)
    distance = dataclasses.replace(match, feature="l2").answer(Corner(), x, pair)
    assert distance.item() == pytest.approx(math.hypot(6 - 10, 8) / 255)
    with pytest.raises(ValueError, match="two images"):
        match.answer(Corner(), x)


@pytest.mark.parametrize(("feature", "score"), [("cosine", 0.6), ("l2", math.hypot(2, 4))])
def test_scorer_and_preservation_embed_the_pair_with_the_asked_network(match, feature, score):
    task = dataclasses.replace(match, feature=feature)
    payload = {"pair": image_set([[255, 0]], [0]).pixels() * 5, "cosine": torch.tensor([0.5])}
    output = torch.tensor([[3.0, 4.0]], requires_grad=True)
    found = task.scorer(Corner(), payload)(output)
    assert found.item() == pytest.approx(score)
    assert torch.autograd.grad(found.sum(), output)[0].abs().sum() > 0
    assert task.preservation(Corner(), payload)(output).item() == pytest.approx((score - 0.5) ** 2)


def test_imitation_is_one_minus_the_cosine(match):
    student, teacher = torch.tensor([[3.0, 4.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0], [0.0, 5.0]])
    assert match.imitation(student, teacher, 3.0).item() == pytest.approx((0.4 + 0.0) / 2)


def test_loss_uses_the_networks_prototypes_and_the_tasks_margin(match, victim_of):
    x = torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    network, y = victim_of(match), torch.tensor([1, 2, 3, 3, 0])
    slow = slow_arcface(network(x), network.prototypes, y, match.arc_scale, match.arc_margin)
    assert match.loss(network, x, y).item() == pytest.approx(slow, rel=1e-4)


def test_quality_takes_its_threshold_from_the_validation_split(match):
    right, up, between = [200, 0], [0, 200], [200, 200]
    # valid: cosine 1 within, about 0.71 between the two identities, so the threshold is 1
    valid = image_set([right, right, between, between], [0, 0, 1, 1])
    # clear: 1 within, 0 between, all told right
    clear = image_set([right, right, up, up], [0, 0, 1, 1])
    quality = match.quality(Corner(), Splits(valid, valid, clear))
    assert quality.value == 100.0
    assert quality.detail["cosine threshold"] == pytest.approx(1.0)
    loose = image_set([right, between, up], [0, 0, 1])  # within 0.71, between 0 and 0.71: all below the threshold
    assert match.quality(Corner(), Splits(valid, valid, loose)).value == 50.0
