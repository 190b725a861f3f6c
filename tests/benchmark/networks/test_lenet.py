"""LeNet-5 against the sizes that its paper's layers have, and against its own layers written out."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from benchmark.errors import InputError
from benchmark.networks.layers import shallow
from benchmark.networks.lenet import LeNet5


def test_size_of_the_original():
    linear = (16 * 25 + 1) * 120 + (120 + 1) * 84 + (84 + 1) * 10
    on_channels = {channels: (25 * channels + 1) * 6 + (25 * 6 + 1) * 16 + linear for channels in (1, 3)}
    assert on_channels == {1: 61_706, 3: 62_006}
    assert sum(p.numel() for p in LeNet5().network(10).parameters()) == on_channels[3]


@pytest.mark.parametrize(("pixels", "side"), [(32, 5), (28, 4)])
def test_the_layers_in_order(pixels, side):
    torch.manual_seed(0)
    network, x = LeNet5(side=side).network(10), torch.rand(2, 3, pixels, pixels)
    one, two, wide, narrow, last = (module for module in network.modules() if hasattr(module, "weight"))
    maps = F.max_pool2d(F.conv2d(2 * x - 1, one.weight, one.bias).relu(), 2)
    maps = F.max_pool2d(F.conv2d(maps, two.weight, two.bias).relu(), 2)
    assert maps.shape == (2, 16, side, side)
    torch.testing.assert_close(network.features(x), maps)
    hidden = F.linear(F.linear(maps.flatten(1), wide.weight, wide.bias).relu(), narrow.weight, narrow.bias).relu()
    torch.testing.assert_close(network(x), F.linear(hidden, last.weight, last.bias))
    assert network.last is last


def test_the_shallow_layer_is_the_second_convolution_with_its_rectifier():
    assert shallow(LeNet5().network(10).body) == "4"


@pytest.mark.parametrize("setting", ["widths", "hidden"])
def test_two_layers_of_each_kind(setting):
    with pytest.raises(InputError, match=f"^{setting}: wants two numbers, got "):
        LeNet5(**{setting: (6, 16, 20)})
