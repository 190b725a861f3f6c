"""Batches of a set that lies in memory: a batch is a gather, no loader processes."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from benchmark.data.augment import Augment
from benchmark.data.base import ImageSet


class Batches:
    """Shuffled batches (pixels in [0, 1], targets) of a set, drawn anew each epoch; a last, smaller one is dropped.

    An epoch's order and augmentation are drawn at its beginning and go to the images' device in one piece, so that no
    step waits for the CPU.
    """

    def __init__(
        self,
        data: ImageSet,
        size: int,
        generator: torch.Generator,
        channels_last: bool = False,
        augment: Augment | None = None,
    ):
        self.data, self.size, self.generator, self.augment = data, min(size, len(data)), generator, augment
        self.format = torch.channels_last if channels_last else torch.contiguous_format

    def __len__(self) -> int:
        return len(self.data) // self.size

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        device = self.data.images.device
        order = torch.randperm(len(self.data), generator=self.generator).to(device)
        drawn = self.augment.draw(len(self.data), self.generator).to(device) if self.augment else None
        for i in range(len(self)):
            part = slice(i * self.size, (i + 1) * self.size)
            x = self.data.pixels(order[part])
            if self.augment and drawn is not None:
                x = self.augment(x, drawn[part])
            yield x.contiguous(memory_format=self.format), self.data.targets[order[part]]
