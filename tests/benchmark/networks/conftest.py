"""Each architecture for real tasks, very narrow, with a picture size that it takes."""

from __future__ import annotations

import pytest

from benchmark.networks.lenet import LeNet5
from benchmark.networks.mobilefacenet import MobileFaceNet
from benchmark.networks.network import Architecture
from benchmark.networks.resnet import ResNet18
from benchmark.networks.small import SmallResNet
from benchmark.networks.vgg import VGG11

NARROW: dict[str, tuple[Architecture, int, int]] = {  # architecture, pixels, side of the last map
    "resnet18": (ResNet18(width=8), 64, 2),
    "resnet18-small": (ResNet18(width=8, stem="small", last_stride=1), 32, 4),
    "vgg11": (VGG11(width=8, hidden=24, batch_norm=False), 64, 2),
    "vgg11-bn": (VGG11(width=8, hidden=24), 64, 2),
    "lenet5": (LeNet5(widths=(8, 12), hidden=(20, 10)), 32, 5),
    "resnet20": (SmallResNet(widths=(4, 8, 12), stem_stride=1, blocks=3), 32, 8),
    "mobilefacenet": (MobileFaceNet(width=8, side=2), 32, 2),
}


@pytest.fixture(params=sorted(NARROW))
def narrow(request: pytest.FixtureRequest) -> tuple[Architecture, int, int]:
    """Each of the narrow architectures in turn."""
    return NARROW[request.param]
