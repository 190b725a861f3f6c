"""MobileFaceNet (Chen et al. 2018, Table 1): 112 x 112 faces to an embedding."""

from __future__ import annotations

from torch import Tensor, nn

from benchmark.networks.network import Architecture, Network, assemble
from benchmark.spec.component import setting

# expansion t, channels c as a multiple of the stem's, repetitions n, stride s of the first of them
BOTTLENECKS = ((2, 1, 5, 2), (4, 2, 1, 2), (2, 2, 6, 1), (4, 2, 1, 2), (2, 2, 2, 1))


class MobileFaceNet(Architecture, name="network/mobilefacenet"):
    """A stem, fifteen bottlenecks, a global depthwise convolution (GDConv) in place of a mean pool, one linear layer.

    0.99 million parameters, as published, with 128 dimensions and each batch norm folded into its convolution. The last
    layer has a bias in place of the batch norm that follows it in the original.

    Attributes:
        width: channels of the stem; 64 is the original.
        side: height and width of the last map, which GDConv covers: 7 at 112 pixels, in general ceil(pixels / 16).
    """

    width: int = setting(default=64, low=4)
    side: int = setting(default=7, low=1)

    def network(self, outputs: int, *, unit: tuple[float, float] | None = None, classes: int = 0) -> Network:
        before, wide = self.width, 8 * self.width
        layers = [_conv(3, before, 3, stride=2), _conv(before, before, 3, groups=before)]
        for expansion, multiple, repetitions, stride in BOTTLENECKS:
            for place in range(repetitions):
                after = multiple * self.width
                layers.append(Bottleneck(before, after, stride if place == 0 else 1, expansion))
                before = after
        layers.append(_conv(before, wide, 1))
        pool = nn.Sequential(nn.Conv2d(wide, wide, self.side, groups=wide, bias=False), nn.BatchNorm2d(wide))
        head = nn.Sequential(pool, nn.Flatten(), nn.Linear(wide, outputs))
        return assemble(nn.Sequential(*layers), head, unit, classes)


class Bottleneck(nn.Module):
    """x + project(depthwise(expand(x))), without the sum where the shape changes; PReLU after the first two."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int):
        super().__init__()
        inner = inputs * expansion
        self.branch = nn.Sequential(
            _conv(inputs, inner, 1),
            _conv(inner, inner, 3, stride=stride, groups=inner),
            nn.Conv2d(inner, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.same = inputs == outputs and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x) if self.same else self.branch(x)


def _conv(inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> nn.Module:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.PReLU(outputs))
