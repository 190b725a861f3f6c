"""Augmentation: nothing when nothing is asked, exact mirrors and shifts, turns as SciPy's, the same draws again."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from benchmark.data.augment import Augment
from benchmark.data.base import ImageSet
from benchmark.training.trainer import Batches


@pytest.fixture
def x():
    return torch.rand(5, 3, 16, 24, generator=torch.Generator().manual_seed(0))


def drawn(*row: float) -> torch.Tensor:
    return torch.tensor([row] * 5)


def test_without_settings_nothing_changes(x):
    draws = Augment().draw(5, torch.Generator().manual_seed(0))
    torch.testing.assert_close(Augment()(x, draws), x, rtol=0, atol=1e-5)


def test_the_first_number_mirrors_below_one_half(x):
    flip = Augment(flip=True)
    torch.testing.assert_close(flip(x, drawn(0.4, 0.5, 0.5, 0.5)), x.flip(3), rtol=0, atol=1e-5)
    torch.testing.assert_close(flip(x, drawn(0.5, 0.5, 0.5, 0.5)), x, rtol=0, atol=1e-5)


def test_a_shift_by_whole_pixels_repeats_the_border(x):
    moved = Augment(shift=0.25)(x, drawn(0.9, 1.0, 0.5, 0.5))  # a quarter of 24 pixels to the left
    torch.testing.assert_close(moved[..., :18], x[..., 6:], rtol=0, atol=1e-4)
    torch.testing.assert_close(moved[..., 18:], x[..., -1:].expand(-1, -1, -1, 6), rtol=0, atol=1e-4)
    up = Augment(shift=0.25)(x, drawn(0.9, 0.5, 1.0, 0.5))
    torch.testing.assert_close(up[:, :, :12], x[:, :, 4:], rtol=0, atol=1e-4)


@pytest.mark.parametrize("turn", [0.0, 0.25, 0.8])
@pytest.mark.parametrize("flip", [False, True])
def test_turns_are_scipys(x, turn, flip):
    degrees = (2 * turn - 1) * 40
    ours = Augment(rotate=40, flip=flip)(x, drawn(0.2, 0.5, 0.5, turn)).numpy()
    source = x.flip(3).numpy() if flip else x.numpy()
    theirs = ndimage.rotate(source, degrees, axes=(3, 2), reshape=False, order=1, mode="nearest")
    assert np.abs(ours - theirs)[:, :, 3:-3, 3:-3].max() < 1e-4


def test_every_image_gets_its_own_draw_and_the_seed_decides(x):
    data = ImageSet((x * 255).byte(), torch.arange(5))
    augment = Augment(flip=True, shift=0.2, rotate=20)

    def epoch(seed):
        return next(iter(Batches(data, 5, torch.Generator().manual_seed(seed), augment=augment)))

    (first, order), (again, _), (other, _) = epoch(1), epoch(1), epoch(2)
    assert torch.equal(first, again) and not torch.equal(first, other)
    plain, _ = next(iter(Batches(data, 5, torch.Generator().manual_seed(1))))
    assert ((first - plain).abs().amax(dim=(1, 2, 3)) > 0.01).all() and order.sort().values.tolist() == list(range(5))
    assert first.min() >= 0 and first.max() <= 1
