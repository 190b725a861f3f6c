"""ResNet-18 against timm's own and torchvision's published size."""

from __future__ import annotations

import pytest
import torch

from benchmark.compat import ensure_torchvision
from benchmark.networks.resnet import ResNet18


def test_the_original_is_timms():
    ensure_torchvision()
    import timm

    torch.manual_seed(0)
    theirs = timm.create_model("resnet18", num_classes=7).eval()
    ours = ResNet18().network(7).eval()
    state = theirs.state_dict()
    ours.body.load_state_dict({name: state[name] for name in ours.body.state_dict()})
    ours.last.load_state_dict({"weight": state["fc.weight"], "bias": state["fc.bias"]})
    x = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(ours(x), theirs((x - 0.5) / 0.5))


def test_size_of_the_original():
    assert sum(p.numel() for p in ResNet18().network(1000).parameters()) == 11_689_512
    assert ResNet18().network(7).features(torch.rand(1, 3, 224, 224)).shape == (1, 512, 7, 7)


@pytest.mark.parametrize("width", [4, 12])
def test_every_stage_is_as_wide_as_asked(width):
    body = ResNet18(width=width, stem="small", last_stride=1).network(7).body
    assert body.conv1.out_channels == body.layer1[0].conv1.in_channels == width
    stages = (body.layer1, body.layer2, body.layer3, body.layer4)
    assert [stage[1].conv2.out_channels for stage in stages] == [width, 2 * width, 4 * width, 8 * width]
    assert body.conv1.kernel_size == (3, 3)
    assert body(torch.rand(1, 3, 56, 56)).shape == (1, 8 * width, 7, 7)
