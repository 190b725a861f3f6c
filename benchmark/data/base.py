"""What a data source hands out: images as one uint8 tensor a split, with their targets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from benchmark.errors import InputError
from benchmark.spec.component import Component


@dataclass(frozen=True)
class ImageSet:
    """`images` (N, 3, H, W) uint8 and `targets` (N,): int64 classes or identities, or float32 values in real units."""

    images: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def pixels(self, index: Tensor | slice = slice(None)) -> Tensor:
        """The images chosen by `index` as float32 in [0, 1]."""
        return self.images[index].float() / 255

    def to(self, device: torch.device) -> ImageSet:
        """The same set on a device."""
        return ImageSet(self.images.to(device), self.targets.to(device))


@dataclass(frozen=True)
class Splits:
    """Disjoint sets: `train` for training, `valid` for calibration and selection, `test` for what is reported.

    `rest` are further training images, which the owner has not got (see benchmark/data/share.py), or None.
    """

    train: ImageSet
    valid: ImageSet
    test: ImageSet
    rest: ImageSet | None = None

    def to(self, device: torch.device) -> Splits:
        """The same sets on a device."""
        rest = None if self.rest is None else self.rest.to(device)
        return Splits(self.train.to(device), self.valid.to(device), self.test.to(device), rest)


class DataSource(Component, ABC):
    """Where images come from. `load` gives the same splits for the same settings, whoever calls."""

    private: ClassVar[bool] = False  # the pictures show people: no report may draw them

    def classes(self) -> int | None:
        """C, where the training targets are classes or identities 0 to C - 1; None for real values."""
        return None

    def expect(self, classes: int, key: str) -> None:
        """Checks a task's number of classes against the data.

        Args:
            classes: what the task is set to.
            key: the setting that says so, e.g. `task.facescrub.classes`.

        Raises:
            InputError: the data has another number, or one alone; the message names the key and that number.
        """
        found = self.classes()
        if found == 1:
            raise InputError(f"{key}: the data has one class only, of which nothing can be told; it wants two or more")
        if found is not None and found != classes:
            raise InputError(f"{key}: is {classes}, the data has {found}; set {key}={found}")

    def sizes(self) -> dict[str, int]:
        """How many images `train`, `valid` and `test` hold; sources that know without loading say so."""
        splits = self.load()
        return {"train": len(splits.train), "valid": len(splits.valid), "test": len(splits.test)}

    @abstractmethod
    def load(self) -> Splits:
        """Reads the data and splits it.

        Raises:
            InputError: the data is not where the settings say; the message says what to fetch and where to put it.
        """


def draw(pool: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """`count` entries of `pool` (M,) in random order, without repetition; all of them if M < count."""
    return pool[torch.randperm(len(pool), generator=generator)[:count].to(pool.device)]
