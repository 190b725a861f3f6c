"""scikit-learn's 1,797 handwritten digits (UCI optical recognition, 8x8 grey), brought to 3x32x32. No download."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn import functional as F

from benchmark.data.base import DataSource, ImageSet, Splits
from benchmark.errors import InputError
from benchmark.spec.component import setting

_TRAIN, _VALID = 1197, 200  # the other 400 are the test set


class Digits(DataSource, name="data/digits"):
    """Digits with their class 0-9, drawn `digit` pixels wide in the middle of a black `size` x `size` picture."""

    size: int = setting(default=32, low=8)
    digit: int = setting(default=24, low=8)

    def check(self) -> None:
        if self.digit > self.size:
            raise InputError(f"digit: {self.digit} pixels do not fit into size={self.size}")

    def classes(self) -> int | None:
        return 10

    def load(self) -> Splits:
        grey, classes = _scans()
        return _split(_to_pixels(self._enlarge(grey)), classes)

    def _enlarge(self, grey: Tensor) -> Tensor:
        large = F.interpolate(grey, size=self.digit, mode="bilinear", align_corners=False)
        left = (self.size - self.digit) // 2
        right = self.size - self.digit - left
        return F.pad(large, (left, right, left, right))


class RotatedDigits(Digits, name="data/rotated_digits"):
    """Digits rotated by an angle uniform in [-range, range] degrees, which is the target; counter-clockwise positive.

    Each scan appears `views` times in its split, each time with another angle drawn from a generator of its own.
    """

    range: float = setting(default=45.0, above=0, high=180)
    views: int = setting(default=1, low=1, high=20)

    def classes(self) -> int | None:
        return None

    def load(self) -> Splits:
        grey, _ = _scans()
        upright = _split(grey, torch.arange(len(grey)))
        return Splits(*(self._rotated(part) for part in (upright.train, upright.valid, upright.test)))

    def _rotated(self, part: ImageSet) -> ImageSet:
        generator = torch.Generator().manual_seed(int(part.targets[0]))
        scans = self._enlarge(part.images.repeat(self.views, 1, 1, 1))
        degrees = (torch.rand(len(scans), generator=generator) * 2 - 1) * self.range
        return ImageSet(_to_pixels(rotate(scans, degrees)), degrees)


def rotate(images: Tensor, degrees: Tensor) -> Tensor:
    """Images (N, C, H, W) turned counter-clockwise by degrees (N,), bilinear, black outside."""
    angle = torch.deg2rad(degrees)
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    # grid_sample asks where each output pixel comes from; rows grow downward, so this is the turn by +angle as seen
    inverse = torch.stack([torch.stack([cos, -sin, zero], 1), torch.stack([sin, cos, zero], 1)], 1)
    grid = F.affine_grid(inverse, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


@lru_cache(maxsize=1)
def _scans() -> tuple[Tensor, Tensor]:
    bunch = load_digits()
    grey = torch.from_numpy((bunch.images / 16).astype(np.float32)).unsqueeze(1)
    return grey, torch.from_numpy(bunch.target.astype(np.int64))


def _to_pixels(grey: Tensor) -> Tensor:
    return (grey * 255).round().clamp(0, 255).to(torch.uint8).expand(-1, 3, -1, -1).contiguous()


def _split(images: Tensor, targets: Tensor) -> Splits:
    """A fixed random split; the scans of the UCI set come in writers' order, so it must be shuffled."""
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    parts = order[:_TRAIN], order[_TRAIN : _TRAIN + _VALID], order[_TRAIN + _VALID :]
    return Splits(*(ImageSet(images[index], targets[index]) for index in parts))
