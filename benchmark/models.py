"""Networks: pixels in [0, 1] in, answers out, normalisation inside, `features` and `head` apart.

`features(x)` is the output A of the last convolution stage (N, C, h, w), on which Grad-CAM looks; `head(A)` is the
answer before any softmax: logits (N, classes), values in real units (N,) or embeddings (N, dimensions).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmark.component import Component, setting
from benchmark.errors import InputError


class Network(nn.Module):
    """A body and a head, and the last layer (the one that a thief replaces) by name.

    `prototypes` (classes, dimensions) are the class centres of a margin loss, used in training only, or None.
    """

    def __init__(self, body: nn.Module, head: nn.Module, last: nn.Linear, classes: int = 0):
        super().__init__()
        self.body, self.head = body, head
        self._last = [last]  # a list, so that the layer is not registered twice
        dimensions = last.out_features
        self.prototypes = nn.Parameter(torch.randn(classes, dimensions) * 0.1) if classes else None

    @property
    def last(self) -> nn.Linear:
        """The last linear layer."""
        return self._last[0]

    def features(self, x: Tensor) -> Tensor:
        """Feature maps A (N, C, h, w) of pixels x (N, 3, H, W) in [0, 1]; mean and deviation 0.5 are taken off here."""
        return self.body((x - 0.5) / 0.5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))

    def class_weights(self) -> Tensor | None:
        """W (outputs, C) if the head is a mean pool and one linear layer, so that dF_c/dA = W_c/(h w); else None."""
        return self.last.weight if isinstance(self.head, PoolLinear) and self.head[-1] is self.last else None


class PoolLinear(nn.Sequential):
    """Global average pooling and one linear layer: the head for which Grad-CAM has a closed form."""

    def __init__(self, channels: int, outputs: int):
        super().__init__(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, outputs))


class RealUnits(nn.Module):
    """Turns a standardised output (N, 1) into the task's unit (N,): centre + scale * z."""

    centre: Tensor
    scale: Tensor

    def __init__(self, centre: float, scale: float):
        super().__init__()
        self.register_buffer("centre", torch.tensor(float(centre)))
        self.register_buffer("scale", torch.tensor(float(scale)))

    def forward(self, z: Tensor) -> Tensor:
        return self.centre + self.scale * z.squeeze(1)


class Architecture(Component, ABC):
    """How to build an untrained network. Weights are drawn from torch's global generator: fork and seed it around."""

    @abstractmethod
    def network(self, outputs: int, *, unit: tuple[float, float] | None = None, classes: int = 0) -> Network:
        """A fresh network.

        Args:
            outputs: number of logits, or the embedding's dimensions when `classes` is given, or 1 with `unit`.
            unit: centre and scale of a regression target, for an answer in its own unit.
            classes: number of margin-loss prototypes; 0 for none.
        """


def _conv(
    inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1, act: bool = True
) -> list[nn.Module]:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs), *([nn.ReLU()] if act else [])]


class Residual(nn.Module):
    """relu(f(x) + shortcut(x)) with two 3x3 convolutions in f (He et al. 2016, basic block)."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.branch = nn.Sequential(*_conv(inputs, outputs, 3, stride), *_conv(outputs, outputs, act=False))
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Sequential(*_conv(inputs, outputs, 1, stride, act=False))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.branch(x) + self.shortcut(x))


class SmallResNet(Architecture):
    """A stem, one residual block a stage, global mean pool, one linear layer; each stage after the first halves."""

    widths: tuple[int, ...] = setting(default=(32, 64, 128), low=4)
    stem_stride: int = setting(default=2, low=1, high=4)

    def network(self, outputs: int, *, unit: tuple[float, float] | None = None, classes: int = 0) -> Network:
        layers: list[nn.Module] = [nn.Sequential(*_conv(3, self.widths[0], stride=self.stem_stride))]
        before = self.widths[0]
        for i, width in enumerate(self.widths):
            layers.append(Residual(before, width, stride=1 if i == 0 else 2))
            before = width
        return _assemble(layers, PoolLinear(before, outputs), unit, classes)


class SmallVGG(Architecture):
    """VGG style (Simonyan and Zisserman 2015) with batch norm: 3x3 convolutions, max pools, a hidden linear layer."""

    widths: tuple[int, ...] = setting(default=(32, 64, 128), low=4)
    convs: tuple[int, ...] = setting(default=(1, 1, 2), low=1, high=4)
    hidden: int = setting(default=64, low=4)

    def check(self) -> None:
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
        return _assemble(layers, head, unit, classes)


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


class SmallMobileFaceNet(Architecture):
    """MobileFaceNet style (Chen et al. 2018): depthwise blocks, global depthwise convolution, linear embedding.

    `side` is the height and width of the last map, which the global depthwise convolution covers.
    """

    widths: tuple[int, ...] = setting(default=(24, 48, 96), low=4)
    expand: int = setting(default=2, low=1, high=6)
    side: int = setting(default=4, low=1)

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
        return _assemble(layers, head, unit, classes)


def _assemble(layers: list[nn.Module], head: nn.Sequential, unit: tuple[float, float] | None, classes: int) -> Network:
    last = head[-1]
    assert isinstance(last, nn.Linear)
    if unit is not None:
        with torch.no_grad():
            last.bias.zero_()
        head.append(RealUnits(*unit))
    return Network(nn.Sequential(*layers), head, last, classes)


def load(network: Network, state: Mapping[str, Tensor]) -> Network:
    """Puts stored tensors into a fresh network, first shrinking the layers that a pruner shrank.

    Raises:
        KeyError: a tensor of the network is missing from `state`.
    """
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            outputs, inputs = state[f"{name}.weight"].shape[:2]
            if module.groups > 1:
                module.groups = outputs  # every grouped convolution here is depthwise
            module.out_channels, module.in_channels = outputs, inputs * module.groups
        elif isinstance(module, nn.BatchNorm2d):
            module.num_features = len(state[f"{name}.weight"])
        elif isinstance(module, nn.Linear):
            module.out_features, module.in_features = state[f"{name}.weight"].shape
    with torch.no_grad():
        for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
            if tensor.shape != state[name].shape:
                tensor.data = torch.empty_like(state[name], memory_format=torch.contiguous_format)
            tensor.data.copy_(state[name])
    return network
