"""ResNet-20 out of the small residual network, which with one block a stage is what it was."""

from __future__ import annotations

import torch
from torch import nn

from benchmark.networks.small import Residual, SmallResNet
from benchmark.spec.component import spec_of

RESNET20 = SmallResNet(widths=(16, 32, 64), stem_stride=1, blocks=3)


def test_size_of_the_original():
    """Twenty layers with weights, without the two shortcuts' 1x1 convolutions; 0.27 million parameters."""
    network = RESNET20.network(10)
    layers = [module for module in network.modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
    shortcuts = [layer for layer in layers if isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1)]
    assert len(layers) - len(shortcuts) == 20 and len(shortcuts) == 2

    def conv(inputs, outputs, kernel):
        return inputs * outputs * kernel**2 + 2 * outputs  # no bias, a batch norm's weight and bias

    stages = [conv(3, 16, 3), 6 * conv(16, 16, 3)]
    for inputs, outputs in ((16, 32), (32, 64)):
        stages += [conv(inputs, outputs, 3), 5 * conv(outputs, outputs, 3), conv(inputs, outputs, 1)]
    assert sum(p.numel() for p in network.parameters()) == sum(stages) + 65 * 10 == 272_474


def test_only_a_stages_first_block_halves():
    network, shapes = RESNET20.network(10), []
    for block in (module for module in network.modules() if isinstance(module, Residual)):
        block.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape[1:])))
    network(torch.rand(1, 3, 32, 32))
    assert shapes == [(16, 32, 32)] * 3 + [(32, 16, 16)] * 3 + [(64, 8, 8)] * 3


def test_one_block_a_stage_is_the_network_that_it_was():
    assert "blocks" not in spec_of(SmallResNet())["settings"] and spec_of(RESNET20)["settings"]["blocks"] == 3
    body = SmallResNet(widths=(4, 8)).network(3).body
    names = {name for name, module in body.named_modules() if isinstance(module, nn.Conv2d)}
    assert names == {"0.0", "1.branch.0", "1.branch.3", "2.branch.0", "2.branch.3", "2.shortcut.0"}
