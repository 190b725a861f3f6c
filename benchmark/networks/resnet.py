"""ResNet-18 (He et al. 2016), timm's, at any width."""

from __future__ import annotations

from torch import nn

from benchmark.networks.network import Network, PoolLinear, assemble
from benchmark.networks.weights import Startable, timm_model
from benchmark.spec.component import setting


class ResNet18(Startable, name="network/resnet18"):
    """timm's ResNet-18; `width` 64 and `stem` imagenet are the original, whose last map is H/32 wide.

    Attributes:
        width: channels of the first stage; the later ones have 2, 4 and 8 times as many.
        stem: `imagenet` (7x7 convolution of stride 2 and max pooling) or `small` (3x3 of stride 2, no pooling).
        last_stride: of the last stage; 1 keeps its map twice as wide.
    """

    width: int = setting(default=64, low=4)
    stem: str = setting(default="imagenet", choices=("imagenet", "small"))
    last_stride: int = setting(default=2, low=1, high=2)

    def network(self, outputs: int, *, unit: tuple[float, float] | None = None, classes: int = 0) -> Network:
        channels = tuple(self.width * factor for factor in (1, 2, 4, 8))
        body = timm_model("resnet18", channels=channels)
        from timm.models.resnet import BasicBlock

        kernel = 7 if self.stem == "imagenet" else 3
        if (self.width, kernel) != (64, 7):  # timm's own stem has 64 channels at every width
            body.conv1 = nn.Conv2d(3, self.width, kernel, stride=2, padding=kernel // 2, bias=False)
            body.bn1 = nn.BatchNorm2d(self.width)
            body.layer1[0] = BasicBlock(self.width, self.width)
        if self.stem == "small":
            body.maxpool = nn.Identity()
        if self.last_stride == 1:
            body.layer4[0].conv1.stride = body.layer4[0].downsample[0].stride = (1, 1)
        body.init_weights()
        return assemble(body, PoolLinear(channels[-1], outputs), unit, classes)
