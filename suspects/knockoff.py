"""Knockoff Nets: extraction with pictures of another data set (Orekondy, Schiele, Fritz, CVPR 2019; random policy)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmark.contracts.suspect import Ingredients, size_of
from benchmark.data.base import DataSource
from benchmark.data.patches import Patches
from benchmark.errors import InputError
from benchmark.networks.network import Network
from benchmark.spec.component import setting
from suspects.extract import Extraction, Oracle, to_bytes


class Knockoff(Extraction, name="suspect/knockoff"):
    """Asks about `budget` random training pictures of the `query_set`, once each; their own targets are not used.

    The thief knows the API's format: pictures are brought to the task's size, and to grey where the task is grey.
    """

    query_set: DataSource = Patches(size=32, patches=4000, widest=6.0, margin=4)
    budget: int = setting(default=2000, low=1)
    epochs: int = setting(default=15, low=1)

    def check_data(self) -> None:
        size = size_of(self.query_set, "query_set")
        if self.budget > size:
            raise InputError(f"budget: {self.budget} queries are more than the {size} pictures of query_set")

    def derive(self, given: Ingredients) -> Network:
        generator = torch.Generator().manual_seed(given.seed)
        pictures = self.query_set.load().train.images
        chosen = pictures[torch.randperm(len(pictures), generator=generator)[: self.budget]]
        images = alike(chosen.to(given.data.train.images.device), given.data.train.images)
        targets = Oracle(given, self.answers)(images)
        return self.learn(given, self.substitute(given), images, targets, given.seed)


def alike(images: Tensor, example: Tensor) -> Tensor:
    """`images` (N, 3, H, W) uint8 at the size of `example` (M, 3, h, w), and grey if all pictures of that are."""
    if bool((example == example[:, :1]).all()):
        images = images.float().mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    if images.shape[2:] != example.shape[2:]:
        images = F.interpolate(images.float(), example.shape[2:], mode="bilinear", antialias=True, align_corners=False)
    return to_bytes(images.float() / 255)
