"""Small networks in the manner of ResNet, VGG and MobileFaceNet, for pictures of about 32 x 32 pixels."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from benchmark.errors import InputError
from benchmark.networks.network import Architecture, Network, PoolLinear, assemble
from benchmark.spec.component import setting


def _conv(
    inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1, act: bool = True
) -> list[nn.Module]:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs), *([nn.ReLU()] if act else [])]


def _check_stages(widths: tuple[int, ...]) -> None:
    if not widths:
        raise InputError("widths: needs one stage or more")


class Residual(nn.Module):
    """relu(f(x) + shortcut(x)) with two 3x3 convolutions in f (He et al. 2016, basic block)."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.branch = nn.Sequential(*_conv(inputs, outputs, 3, stride), *_conv(outputs, outputs, act=False))
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Sequential(*_conv(inputs, outputs, 1, stride, act=False))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.branch(x) + self.shortcut(x))


class SmallResNet(Architecture, name="network/small_resnet"):
    """A stem, `blocks` residual blocks a stage, global mean pool, one linear layer; each stage after the first halves.

    Widths 16, 32, 64, three blocks and a stem of stride 1 are ResNet-20 for CIFAR (He et al. 2016, section 4.2; 0.27
    million parameters), with 1x1 convolutions for its shortcuts between stages.
    """

    widths: tuple[int, ...] = setting(default=(32, 64, 128), low=4)
    stem_stride: int = setting(default=2, low=1, high=4)
    blocks: int = setting(default=1, low=1, later=True)

    def check(self) -> None:
        _check_stages(self.widths)

    def network(self, outputs: int, *, unit: tuple[float, float] | None = None, classes: int = 0) -> Network:
        layers: list[nn.Module] = [nn.Sequential(*_conv(3, self.widths[0], stride=self.stem_stride))]
        before = self.widths[0]
        for i, width in enumerate(self.widths):
            for place in range(self.blocks):
                layers.append(Residual(before, width, stride=1 if i == 0 or place else 2))
                before = width
        return assemble(nn.Sequential(*layers), PoolLinear(before, outputs), unit, classes)


class SmallVGG(Architecture, name="network/small_vgg"):
    """VGG style (Simonyan and Zisserman 2015) with batch norm: 3x3 convolutions, max pools, a hidden linear layer."""

    widths: tuple[int, ...] = setting(default=(32, 64, 128), low=4)
    convs: tuple[int, ...] = setting(default=(1, 1, 2), low=1, high=4)
    hidden: int = setting(default=64, low=4)

    def check(self) -> None:
        _check_stages(self.widths)
        if len(self.convs) != len(self.widths):
            raise InputError(f"convs: wants one number a stage, {len(self.widths)}, got {list(self.convs)}")

    def network(self, outputs: int, *, unit: tuple[float, float] | None = None, classes: int = 0) -> Network:
        layers: list[nn.Module] = []
        before = 3
        for width, convs in zip(self.widths, self.convs, strict=True):
            for _ in range(convs):
                layers += _conv(before, width)
                before = width
            layers.append(nn.MaxPool2d(2))
        flat = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten())
        head = nn.Sequential(flat, nn.Linear(before * 16, self.hidden), nn.ReLU(), nn.Linear(self.hidden, outputs))
        return assemble(nn.Sequential(*layers), head, unit, classes)


class InvertedResidual(nn.Module):
    """x + project(depthwise(expand(x))), without the sum where the shape changes (Sandler et al. 2018)."""

    def __init__(self, inputs: int, outputs: int, stride: int, expand: int):
        super().__init__()
        inner = inputs * expand
        self.branch = nn.Sequential(
            *_conv(inputs, inner, 1),
            *_conv(inner, inner, 3, stride, groups=inner),
            *_conv(inner, outputs, 1, act=False),
        )
        self.same = inputs == outputs and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x) if self.same else self.branch(x)


class SmallMobileFaceNet(Architecture, name="network/small_mobilefacenet"):
    """MobileFaceNet style (Chen et al. 2018): depthwise blocks, global depthwise convolution, linear embedding.

    `side` is the height and width of the last map, which the global depthwise convolution covers.
    """

    widths: tuple[int, ...] = setting(default=(24, 48, 96), low=4)
    expand: int = setting(default=2, low=1, high=6)
    side: int = setting(default=4, low=1)

    def check(self) -> None:
        _check_stages(self.widths)

    def network(self, outputs: int, *, unit: tuple[float, float] | None = None, classes: int = 0) -> Network:
        layers: list[nn.Module] = [*_conv(3, self.widths[0], stride=2)]
        before = self.widths[0]
        for i, width in enumerate(self.widths):
            layers.append(InvertedResidual(before, width, 1 if i == 0 else 2, self.expand))
            before = width
        layers += _conv(before, before * 2, 1)
        wide = before * 2
        pool = nn.Sequential(nn.Conv2d(wide, wide, self.side, groups=wide, bias=False), nn.BatchNorm2d(wide))
        head = nn.Sequential(pool, nn.Flatten(), nn.Linear(wide, outputs))
        return assemble(nn.Sequential(*layers), head, unit, classes)
