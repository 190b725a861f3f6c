"""MobileFaceNet against Table 1 of its paper."""

from __future__ import annotations

import torch
from torch import nn

from benchmark.networks.mobilefacenet import Bottleneck, MobileFaceNet

# input (height, channels) -> output, repetitions, stride and expansion of each line of bottlenecks
TABLE = [(56, 64, 28, 64, 5, 2, 2), (28, 64, 14, 128, 1, 2, 4), (14, 128, 14, 128, 6, 1, 2)]
TABLE += [(14, 128, 7, 128, 1, 2, 4), (7, 128, 7, 128, 2, 1, 2)]


def shapes(network, side):
    """Every layer of the body with the shapes that go in and come out."""
    found, x = [], torch.rand(2, 3, side, side)
    for layer in network.body:
        before, x = x, layer(x)
        found.append((layer, before.shape[1:], x.shape[1:]))
    return found


def test_the_body_is_the_table():
    rows = shapes(MobileFaceNet().network(128), 112)
    stem, depthwise, *blocks, last = rows
    assert (stem[1], stem[2]) == ((3, 112, 112), (64, 56, 56)) and stem[0][0].kernel_size == (3, 3)
    assert depthwise[2] == (64, 56, 56) and depthwise[0][0].groups == 64 and depthwise[0][0].kernel_size == (3, 3)
    expected = [
        (
            (c if i else before, height_out if i else height, (height_out if i else height)),
            (c, height_out, height_out),
            t,
            s if i == 0 else 1,
        )
        for height, before, height_out, c, n, s, t in TABLE
        for i in range(n)
    ]
    assert len(blocks) == len(expected) == 15
    for (block, before, after), (inputs, outputs, expansion, stride) in zip(blocks, expected, strict=True):
        assert (before, after) == (inputs, outputs)
        expand, middle, project = (module for module in block.modules() if isinstance(module, nn.Conv2d))
        assert (expand.kernel_size, project.kernel_size, middle.kernel_size) == ((1, 1), (1, 1), (3, 3))
        assert expand.out_channels == middle.groups == project.in_channels == expansion * inputs[0]
        assert middle.stride == (stride, stride)
    assert (last[1], last[2]) == ((128, 7, 7), (512, 7, 7)) and last[0][0].kernel_size == (1, 1)


def test_the_head_is_gdconv_and_a_linear_embedding():
    network = MobileFaceNet().network(128)
    (gdconv, norm), _, linear = network.head
    assert gdconv.weight.shape == (512, 1, 7, 7) and gdconv.groups == 512 and norm.num_features == 512
    assert linear.weight.shape == (128, 512)
    assert not any(isinstance(module, (nn.PReLU, nn.ReLU)) for module in network.head.modules())
    assert network(torch.rand(2, 3, 112, 112)).shape == (2, 128)


def test_a_sum_only_where_the_shape_is_kept():
    torch.manual_seed(0)
    blocks = [module for module in MobileFaceNet(width=8).network(16).body if isinstance(module, Bottleneck)]
    summed = []
    for block in blocks:
        for parameter in block.parameters():  # a silent branch leaves the sum, or nothing
            nn.init.zeros_(parameter)
        x = torch.rand(1, block.branch[0][0].in_channels, 6, 6)
        out = block(x)
        assert torch.equal(out, x) or out.abs().max() == 0
        summed.append(out.shape == x.shape and torch.equal(out, x))
    assert summed == [False, *[True] * 4, False, *[True] * 6, False, *[True] * 2]


def test_prelu_has_a_slope_for_each_channel_and_follows_all_but_linear_convolutions():
    network = MobileFaceNet().network(128)
    slopes = [module.num_parameters for module in network.modules() if isinstance(module, nn.PReLU)]
    convs = [module for module in network.body.modules() if isinstance(module, nn.Conv2d)]
    assert len(slopes) == len(convs) - 15  # a bottleneck's projection is linear
    assert slopes[:4] == [64, 64, 128, 128] and slopes[-1] == 512


def test_published_number_of_parameters():
    """0.99 million, with each batch norm folded into its convolution (it then is one bias a channel)."""
    network = MobileFaceNet().network(128)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    folded = sum(p.numel() for p in network.parameters()) - sum(norm.num_features for norm in norms)
    assert folded == 993_344
    assert network.prototypes is None  # ArcFace's centres are no part of the embedding


def test_side_follows_the_pixels():
    for pixels, side in ((112, 7), (64, 4), (56, 4), (32, 2)):
        network = MobileFaceNet(width=4, side=side).network(8)
        assert network.features(torch.rand(2, 3, pixels, pixels)).shape[2:] == (side, side)
        assert network(torch.rand(2, 3, pixels, pixels)).shape == (2, 8)
