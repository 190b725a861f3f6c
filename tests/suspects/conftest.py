"""A `fit` that trains nothing, for what a recipe asks of it."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest
import torch


@pytest.fixture
def recorded():
    """A `fit` that trains nothing and keeps each call in `recorded.calls`, the network as it was then."""

    def fit(network, data, loss, training, seed, frozen=()):
        call = SimpleNamespace(data=data, loss=loss, training=training, seed=seed, frozen=list(frozen))
        call.network = copy.deepcopy(network)
        fit.calls.append(call)
        return network.eval().requires_grad_(False)

    fit.calls = []
    return fit


@pytest.fixture
def same():
    """Whether two networks have the same tensors, bit for bit."""

    def compare(one, other):
        pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
        return all(a.shape == b.shape and torch.equal(a, b) for a, b in pairs)

    return compare
