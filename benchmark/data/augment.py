"""Random changes of training images, drawn for a whole epoch at once and done on the images' device."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmark.spec.component import Component, setting


class Augment(Component, name="training/augment"):
    """Mirrors, shifts and turns each image at random; what comes in from outside repeats the border.

    Attributes:
        flip: left to right, every second image on average.
        shift: up to this share of the side, in both directions.
        rotate: up to this many degrees, either way.
    """

    flip: bool = False
    shift: float = setting(default=0.0, low=0, high=1)
    rotate: float = setting(default=0.0, low=0, high=180)

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Random numbers (count, 4) in [0, 1) from a CPU generator: flip, shift in x, shift in y, turn."""
        return torch.rand(count, 4, generator=generator)

    def __call__(self, x: Tensor, drawn: Tensor) -> Tensor:
        """The images (N, 3, H, W) changed as `drawn` (N, 4) on the same device says, bilinearly."""
        mirror = torch.where(drawn[:, 0] < 0.5, -1.0, 1.0) if self.flip else torch.ones_like(drawn[:, 0])
        move = (2 * drawn[:, 1:3] - 1) * 2 * self.shift  # in affine_grid's units the side is 2 long
        angle = (2 * drawn[:, 3] - 1) * math.radians(self.rotate)
        cos, sin = angle.cos(), angle.sin()
        aspect = x.shape[2] / x.shape[3]  # the grid is square whatever the image: turn in pixels, not in its units
        rows = (
            torch.stack([mirror * cos, -sin * aspect * mirror, move[:, 0]], dim=1),
            torch.stack([sin / aspect, cos, move[:, 1]], dim=1),
        )
        grid = F.affine_grid(torch.stack(rows, dim=1), list(x.shape), align_corners=False)
        return F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
