"""Channels of layers: how a layer takes on other widths, in which order its channels lie, and who shares them.

The kinds of layers registered with `take_widths` are all that is known. A network with weights in any other kind
(norms over tokens, attention, group norm, layer scale) is neither cut nor permuted.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

PER_CHANNEL = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}


@singledispatch
def take_widths(layer: nn.Module, shapes: Mapping[str, torch.Size]) -> None:
    """Declares the layer as wide as tensors of these shapes, by name, are; the tensors themselves are not touched.

    Raises:
        ValueError: the kind of layer is not known, or the shapes differ in more than their channels.
    """
    raise ValueError(f"how a {type(layer).__name__} takes on other widths is not known")


@take_widths.register
def _(layer: nn.Conv2d, shapes: Mapping[str, torch.Size]) -> None:
    outputs, inputs, *kernel = shapes["weight"]
    if tuple(kernel) != layer.kernel_size or (layer.groups > 1 and not depthwise(layer)):
        raise ValueError(f"no widths make a weight of {tuple(shapes['weight'])} out of {tuple(layer.weight.shape)}")
    if layer.groups > 1:
        layer.groups = outputs
    layer.out_channels, layer.in_channels = outputs, inputs * layer.groups


@take_widths.register
def _(layer: nn.Linear, shapes: Mapping[str, torch.Size]) -> None:
    layer.out_features, layer.in_features = shapes["weight"]


@take_widths.register
def _(layer: _BatchNorm, shapes: Mapping[str, torch.Size]) -> None:
    layer.num_features = shapes["weight" if "weight" in shapes else "running_mean"][0]


@take_widths.register
def _(layer: nn.PReLU, shapes: Mapping[str, torch.Size]) -> None:
    layer.num_parameters = shapes["weight"][0]


def depthwise(layer: nn.Module) -> bool:
    """Whether the layer is a convolution of one filter a channel: one channel in, the same one out."""
    return isinstance(layer, nn.Conv2d) and 1 < layer.groups == layer.in_channels == layer.out_channels


def reorder(layer: nn.Module, side: int, places: Tensor, sources: Tensor) -> None:
    """Puts at `places` of a layer's output channels (side 0), or of what it reads (side 1), what was at `sources`."""
    own: dict[str, Tensor] = dict([*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)])
    for tensor in own.values() if side == 0 else [own["weight"]]:
        shared = tensor.ndim == 0 or (isinstance(layer, nn.PReLU) and len(tensor) == 1)  # by all channels
        if not shared:  # a batch norm also counts its batches
            order = torch.arange(tensor.shape[side])
            order[places] = sources
            tensor.data = tensor.data.index_select(side, order.to(tensor.device))


def known(layer: nn.Module) -> bool:
    """Whether the layer is of a kind whose channels can be cut and reordered."""
    registered = take_widths.dispatch(type(layer)) is not take_widths.dispatch(object)
    tensors = {name for name, _ in [*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)]}
    grouped = isinstance(layer, nn.Conv2d) and layer.groups > 1 and not depthwise(layer)
    return registered and not grouped and tensors <= PER_CHANNEL
