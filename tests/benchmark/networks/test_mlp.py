"""A plain stack of linear layers."""

from __future__ import annotations

import pytest
import torch

from benchmark.errors import InputError
from benchmark.networks.mlp import MLP


def test_it_is_the_sum_by_hand():
    torch.manual_seed(0)
    network, x = MLP(widths=(7, 4), side=6).network(3), torch.rand(2, 3, 6, 6)
    (one, two, three), row = network.weighted().values(), 2 * x.flatten(1) - 1
    hidden = (row @ one.weight.T + one.bias).clamp_min(0)
    features = (hidden @ two.weight.T + two.bias).clamp_min(0)
    torch.testing.assert_close(network.features(x), features)
    torch.testing.assert_close(network(x), features @ three.weight.T + three.bias)
    assert network.last is three and sum(p.numel() for p in network.parameters()) == 109 * 7 + 8 * 4 + 5 * 3


def test_units_and_prototypes():
    network = MLP(widths=(4,), side=2).network(1, unit=(16.0, 13.0))
    with torch.no_grad():
        network.last.weight.zero_()
    assert network(torch.rand(2, 3, 2, 2)).tolist() == [16, 16]
    assert MLP().network(6, classes=4).prototypes.shape == (4, 6)


def test_no_hidden_layer_is_no_such_network():
    with pytest.raises(InputError, match="^widths: needs one hidden layer or more"):
        MLP(widths=())
