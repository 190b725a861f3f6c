"""The ArcFace loss against pytorch-metric-learning's."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from benchmark.compat import ensure_torchvision
from benchmark.tasks.similarity import arcface_loss


def theirs(prototypes, scale, margin):
    """Their loss with these class centres. Its margin is in degrees, its centres are columns."""
    ensure_torchvision()
    from pytorch_metric_learning.losses import ArcFaceLoss

    classes, dimensions = prototypes.shape
    loss = ArcFaceLoss(classes, dimensions, margin=math.degrees(margin), scale=scale)
    loss.W = torch.nn.Parameter(prototypes.T.clone())
    return loss


@pytest.mark.parametrize(("scale", "margin"), [(64.0, 0.5), (16.0, 0.3), (30.0, 1.4), (1.0, 0.0)])
def test_value_and_gradients_agree(scale, margin):
    generator = torch.Generator().manual_seed(11)
    embedding = torch.randn(60, 3, generator=generator, dtype=torch.float64) * 5
    prototypes = torch.randn(6, 3, generator=generator, dtype=torch.float64)
    targets = torch.arange(60) % 6
    embedding[:3] = 0.02 * embedding[:3] - prototypes[:3]  # nearly opposite to their own centres
    angle = torch.acos(F.cosine_similarity(embedding, prototypes[targets]))
    past = angle + margin > math.pi  # where cos(theta + m) would rise again: both use cos(theta) - m sin(m)
    assert past.any() == (margin > 0) and not past.all()

    found = []
    for loss in (
        lambda e, w: arcface_loss(e, w, targets, scale, margin),
        lambda e, w: theirs(w.detach(), scale, margin)(e, targets),
    ):
        leaf = embedding.clone().requires_grad_(True)
        value = loss(leaf, prototypes)
        found.append((value.detach(), torch.autograd.grad(value, leaf)[0]))
    (ours, our_gradient), (expected, expected_gradient) = found
    torch.testing.assert_close(ours, expected, rtol=1e-9, atol=0)
    torch.testing.assert_close(our_gradient, expected_gradient, rtol=1e-7, atol=1e-12)


def test_gradients_of_the_centres_agree():
    generator = torch.Generator().manual_seed(12)
    embedding = torch.randn(20, 4, generator=generator, dtype=torch.float64)
    prototypes = torch.randn(5, 4, generator=generator, dtype=torch.float64).requires_grad_(True)
    targets = torch.arange(20) % 5
    (ours,) = torch.autograd.grad(arcface_loss(embedding, prototypes, targets, 64.0, 0.5), prototypes)
    loss = theirs(prototypes.detach(), 64.0, 0.5)
    (expected,) = torch.autograd.grad(loss(embedding, targets), loss.W)
    torch.testing.assert_close(ours, expected.T, rtol=1e-7, atol=1e-12)


def test_gradients_are_finite_and_as_exact_under_bfloat16():
    """Close to its own centre a cosine rounded to bfloat16 would be 1, and acos without a slope."""
    generator = torch.Generator().manual_seed(13)
    prototypes = torch.randn(4, 8, generator=generator)
    embedding = (3 * prototypes + 0.05 * torch.randn(4, 8, generator=generator)).bfloat16()
    found = []
    for enabled in (True, False):
        leaf = embedding.clone().requires_grad_(True)
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            value = arcface_loss(leaf, prototypes, torch.arange(4), 16.0, 0.5)
        value.backward()
        found.append((value.detach(), leaf.grad))
    assert found[0][1].isfinite().all() and found[0][1].abs().sum() > 0
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=0)
