"""Networks: pixels in [0, 1] in, answers out, normalisation inside, `features` and `head` apart.

`features(x)` is what the body answers: the maps A (N, C, h, w) of a last convolution stage, on which Grad-CAM looks,
tokens (N, T, C) or vectors (N, C). `head(A)` is the answer before any softmax: logits (N, classes), values in real
units (N,) or embeddings (N, dimensions). What a method or recipe needs of a network it asks for, and the network that
has none says why (`Inapplicable`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from benchmark.errors import Inapplicable
from benchmark.networks.channels import take_widths
from benchmark.spec.component import Component


class Network(nn.Module):
    """A body and a head, and the last layer (the one that a thief replaces) by name.

    `prototypes` (classes, dimensions) are the class centres of a margin loss, used in training only, or None. With
    `channels_last` the body answers with maps (N, h, w, C), which are brought to (N, C, h, w).
    """

    def __init__(
        self, body: nn.Module, head: nn.Module, last: nn.Linear, classes: int = 0, *, channels_last: bool = False
    ):
        super().__init__()
        self.body, self.head, self.channels_last = body, head, channels_last
        self._last = [last]  # a list, so that the layer is not registered twice
        dimensions = last.out_features
        self.prototypes = nn.Parameter(torch.randn(classes, dimensions) * 0.1) if classes else None

    @property
    def last(self) -> nn.Linear:
        """The last linear layer."""
        return self._last[0]

    def features(self, x: Tensor) -> Tensor:
        """The features A of pixels x (N, 3, H, W) in [0, 1]; mean and deviation 0.5 are taken off here."""
        found = self.body((x - 0.5) / 0.5)
        return found.permute(0, 3, 1, 2) if self.channels_last else found

    def maps(self, x: Tensor) -> Tensor:
        """The features A (N, C, h, w) of pixels x (N, 3, H, W), where they are maps.

        Raises:
            Inapplicable: they are not.
        """
        found = self.features(x)
        if found.ndim != 4:
            kind = "tokens" if found.ndim == 3 else "vectors"
            raise Inapplicable(f"the network has no map: its features are {kind}, without places on the picture")
        return found

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))

    def weighted(self) -> dict[str, nn.Conv2d | nn.Linear]:
        """The convolutions and linear layers by name, whose `weight` has its output channels first.

        They hold what a network has learnt to detect, and are what pruning, rounding or noise changes.
        """
        return {name: layer for name, layer in self.named_modules() if isinstance(layer, (nn.Conv2d, nn.Linear))}

    def filters(self) -> dict[str, nn.Conv2d]:
        """The convolutions by name, in a network that is convolutional: most layers of its body are convolutions.

        A transformer has one that cuts the picture into patches, and is none.

        Raises:
            Inapplicable: it is not.
        """
        found = {name: layer for name, layer in self.weighted().items() if isinstance(layer, nn.Conv2d)}
        whole = [name for name in self.weighted() if name.startswith("body")]
        own = len([name for name in whole if name in found])
        if not found:
            raise Inapplicable("the network has no convolutions, so there are no filters")
        if 2 * own <= len(whole):
            raise Inapplicable(f"no convolutional network: {own} of its body's {len(whole)} layers are convolutions")
        return found

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


def assemble(
    body: nn.Module,
    head: nn.Sequential,
    unit: tuple[float, float] | None,
    classes: int,
    *,
    channels_last: bool = False,
) -> Network:
    """A network out of a body and a head that ends in its linear layer; with `unit` the head answers in that unit."""
    last = head[-1]
    assert isinstance(last, nn.Linear)
    if unit is not None:
        with torch.no_grad():
            last.bias.zero_()
        head.append(RealUnits(*unit))
    return Network(body, head, last, classes, channels_last=channels_last)


def load(network: Network, state: Mapping[str, Tensor]) -> Network:
    """Puts stored tensors into a fresh network, first making the layers as wide as what was stored.

    Raises:
        KeyError: a tensor of the network is missing from `state`.
        ValueError: `state` has a tensor that the network has not, or one of another shape where widths are not known.
    """
    own = network.state_dict()
    if missing := [name for name in own if name not in state]:
        raise KeyError(f"{missing[0]} is not among the stored tensors")
    if surplus := [name for name in state if name not in own]:
        raise ValueError(f"{surplus[0]} is stored, and the network has no such tensor")
    for path, module in network.named_modules():
        _widen(module, path, state)
    with torch.no_grad():
        for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
            if name not in own:  # a buffer that is computed, not learnt
                continue
            if (tensor.shape, tensor.dtype) != (state[name].shape, state[name].dtype):
                tensor.data = torch.empty_like(state[name], memory_format=torch.contiguous_format)
            tensor.data.copy_(state[name])
    return network


def _widen(module: nn.Module, path: str, state: Mapping[str, Tensor]) -> None:
    """Declares one layer as wide as its stored tensors, where these are of other shapes than its own."""
    tensors = dict([*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)])
    names = {name: f"{path}.{name}".lstrip(".") for name in tensors}
    shapes = {name: state[names[name]].shape for name in tensors if names[name] in state}
    if all(shape == tensors[name].shape for name, shape in shapes.items()) or not path:
        return
    try:
        take_widths(module, shapes)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
