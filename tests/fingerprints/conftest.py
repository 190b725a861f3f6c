"""Owners of the tiny victims, and the same in double precision, where rounding cannot flip the sign of a gradient."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from benchmark.contracts.fingerprint import Owner
from benchmark.data.base import ImageSet, Splits
from benchmark.networks.network import Network
from benchmark.tasks.base import Task


class DoubleSet(ImageSet):
    """An image set whose pixels are float64."""

    def pixels(self, index: Tensor | slice = slice(None)) -> Tensor:
        return self.images[index].double() / 255


@pytest.fixture
def owner_of(splits_of: Callable[[Task], Splits], victim_of: Callable[[Task], Network]) -> Callable[..., Owner]:
    """`owner_of(task, double=False)`: the owner of a tiny task's victim, without auxiliary models."""

    def owner(task: Task, double: bool = False) -> Owner:
        victim, data = victim_of(task), splits_of(task)
        if double:
            victim = victim.double()
            data = Splits(*(DoubleSet(part.images, part.targets) for part in (data.train, data.valid, data.test)))
        return Owner(task, data, victim)

    return owner


@pytest.fixture
def classifier(tasks: dict[str, Task], owner_of: Callable[..., Owner]) -> Owner:
    """The owner of the tiny classification task."""
    return owner_of(tasks["classification"])


@pytest.fixture
def disturbed() -> Callable[[Network, float], Network]:
    """A copy of a network whose weights were moved by Gaussian noise of a relative size."""

    def move(network: Network, size: float) -> Network:
        moved, generator = copy.deepcopy(network), torch.Generator().manual_seed(5)
        with torch.no_grad():
            for weight in moved.parameters():
                weight += size * weight.abs().mean() * torch.randn(weight.shape, generator=generator)
        return moved

    return move


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def generator() -> Callable[[int], torch.Generator]:
    return seeded
