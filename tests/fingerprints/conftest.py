"""Networks that are nearly the victim."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch

from benchmark.networks.network import Network


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
