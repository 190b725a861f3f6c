"""Digits: what the images look like, that splits are disjoint, and which way a rotation turns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from benchmark.data.base import ImageSet, Splits
from benchmark.data.digits import Digits, RotatedDigits, rotate
from benchmark.errors import InputError


def parts(splits: Splits) -> tuple[ImageSet, ImageSet, ImageSet]:
    return splits.train, splits.valid, splits.test


@pytest.mark.parametrize("source", [Digits(), RotatedDigits(), Digits(size=28, digit=9), RotatedDigits(views=2)])
def test_images_are_uint8_of_the_asked_size(source):
    views = getattr(source, "views", 1)
    for part, count in zip(parts(source.load()), (1197, 200, 400), strict=True):
        assert part.images.shape == (count * views, 3, source.size, source.size)
        assert part.images.dtype == torch.uint8
        assert torch.equal(part.images[:, 0], part.images[:, 2])  # grey
        assert len(part.targets) == len(part)


def test_pixels_are_the_bytes_as_fractions():
    part = Digits().load().valid
    index = torch.tensor([7, 3])
    assert torch.equal(part.pixels(index), part.images[index].to(torch.float32) / 255)
    assert 0.9 < part.pixels().max() <= 1 and part.pixels().min() == 0


def test_every_scan_is_in_exactly_one_split():
    upright = Digits(size=8, digit=8).load()  # the scans themselves, as bytes
    together = torch.cat([part.images[:, 0].flatten(1) for part in parts(upright)])
    from sklearn.datasets import load_digits

    scans = torch.from_numpy(load_digits().data / 16 * 255).round().to(torch.uint8)
    assert sorted(map(bytes, together.numpy())) == sorted(map(bytes, scans.numpy()))
    assert len(np.unique(scans.numpy(), axis=0)) == len(scans)  # no scan occurs twice, so the splits share none


def test_targets_are_the_scans_digits():
    from sklearn.datasets import load_digits

    bunch = load_digits()
    known = {bytes(np.round(x / 16 * 255).astype(np.uint8)): y for x, y in zip(bunch.data, bunch.target, strict=True)}
    part = Digits(size=8, digit=8).load().test
    assert [known[bytes(x)] for x in part.images[:, 0].flatten(1).numpy()] == part.targets.tolist()
    assert part.targets.dtype == torch.int64


@pytest.mark.parametrize("source", [Digits(), RotatedDigits()])
def test_same_splits_whoever_calls_and_no_global_generator(source):
    torch.manual_seed(0)
    first = source.load()
    state = torch.random.get_rng_state()
    torch.manual_seed(1)
    second = source.load()
    for one, other in zip(parts(first), parts(second), strict=True):
        assert torch.equal(one.images, other.images) and torch.equal(one.targets, other.targets)
    torch.manual_seed(0)
    assert torch.equal(state, torch.random.get_rng_state())


def test_margins_are_black():
    images = Digits(size=32, digit=23).load().train.images  # 4 black columns at the left, 5 at the right
    inner = torch.zeros(32, 32, dtype=torch.bool)
    inner[4:27, 4:27] = True
    assert images[:, :, ~inner].max() == 0
    assert images.amax(dim=(0, 1))[4:27, 4:27].min(dim=1).values.max() > 0
    assert images[:, :, 4].max() > 0 and images[:, :, 26].max() > 0  # and no more of them


def test_digit_larger_than_the_picture():
    with pytest.raises(InputError, match=r"^digit: 24 pixels do not fit into size=16"):
        Digits(size=16)


def test_angles_fill_the_range_and_differ_between_views():
    one, two = RotatedDigits(range=30.0).load(), RotatedDigits(range=30.0, views=2).load()
    degrees = one.train.targets
    assert degrees.dtype == torch.float32
    assert degrees.abs().max() <= 30 and degrees.min() < -29 and degrees.max() > 29
    assert degrees.mean().abs() < 2 and (degrees.std() - 60 / 12**0.5).abs() < 1  # uniform
    first, second = two.test.targets.chunk(2)
    assert (first != second).all()
    assert not set(one.train.targets.tolist()) & set(one.test.targets.tolist())


def test_targets_are_the_angles_by_which_the_digits_were_turned():
    upright, turned = Digits().load().valid, RotatedDigits().load().valid
    again = rotate(upright.pixels(), turned.targets)
    assert (again - turned.pixels()).abs().max() < 1.6 / 255  # rounded to bytes before the turn, and after it


@pytest.mark.parametrize("degrees", [-170.0, -45.0, -10.0, 0.0, 33.0, 90.0])
def test_rotate_agrees_with_scipy(degrees):
    image = torch.rand(1, 1, 21, 21, generator=torch.Generator().manual_seed(3))
    image[..., :4, :], image[..., -4:, :], image[..., :4], image[..., -4:] = 0, 0, 0, 0
    ours = rotate(image, torch.tensor([degrees]))[0, 0].numpy()
    theirs = ndimage.rotate(image[0, 0].numpy(), degrees, reshape=False, order=1)
    np.testing.assert_allclose(ours, theirs, atol=2e-5)


def test_positive_is_counter_clockwise_as_seen():
    image = torch.zeros(1, 1, 9, 9)
    image[0, 0, 4, 8] = 1  # at the right edge: three o'clock
    turned = rotate(image, torch.tensor([90.0]))[0, 0]
    assert turned[0, 4] == pytest.approx(1, abs=1e-5)  # twelve o'clock
    assert turned.sum() == pytest.approx(1, abs=1e-4)
