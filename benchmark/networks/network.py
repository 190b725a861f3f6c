"""Networks: pixels in [0, 1] in, answers out, normalisation inside, `features` and `head` apart.

`features(x)` is the output A of the last convolution stage (N, C, h, w), on which Grad-CAM looks; `head(A)` is the
answer before any softmax: logits (N, classes), values in real units (N,) or embeddings (N, dimensions).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from benchmark.spec.component import Component


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

    def start(self, network: Network) -> Network:
        """The fresh network as training finds it: unchanged, or with weights out of a file of the user's, in place."""
        return network


def plainly_laid_out(network: Network) -> Network:
    """The network with its weights in the plain memory format, in place, whatever format it was trained in."""
    for parameter in network.parameters():
        parameter.data = parameter.data.contiguous()
    return network


def assemble(body: nn.Module, head: nn.Sequential, unit: tuple[float, float] | None, classes: int) -> Network:
    """A network out of a body and a head that ends in its linear layer; with `unit` the head answers in that unit."""
    last = head[-1]
    assert isinstance(last, nn.Linear)
    if unit is not None:
        with torch.no_grad():
            last.bias.zero_()
        head.append(RealUnits(*unit))
    return Network(body, head, last, classes)


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
        elif isinstance(module, nn.PReLU):
            module.num_parameters = len(state[f"{name}.weight"])
        elif isinstance(module, nn.Linear):
            module.out_features, module.in_features = state[f"{name}.weight"].shape
    with torch.no_grad():
        for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
            if tensor.shape != state[name].shape:
                tensor.data = torch.empty_like(state[name], memory_format=torch.contiguous_format)
            tensor.data.copy_(state[name])
    return network
