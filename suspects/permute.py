"""Feature permutation: the same function with its channels in another order."""

from __future__ import annotations

import warnings
from typing import ClassVar

import torch
from torch import Tensor, nn

from benchmark.contracts.suspect import Ingredients
from benchmark.contracts.truth import Relation
from benchmark.networks.network import Network
from suspects.disguise import Disguise


class FeaturePermutation(Disguise, name="suspect/feature_permutation"):
    """Shuffles the channels of every inner layer, and what reads them accordingly; the answers stay what they are.

    Methods that address neurons by their number (watermarks in weights, neuron coverage) find others in their place.
    """

    relation: ClassVar[Relation] = Relation.EQUIVALENT

    def edit(self, network: Network, given: Ingredients) -> None:
        permute_channels(network, given.data.train.pixels(slice(0, 2)), torch.Generator().manual_seed(given.seed))


def permute_channels(network: Network, example: Tensor, generator: torch.Generator) -> None:
    """Gives every group of layers that share channels a random order of these, in place; outputs keep theirs.

    Args:
        example: pixels (N, 3, H, W) that trace the graph.
    """
    import torch_pruning as tp

    loose = [(network.prototypes, 1)] if network.prototypes is not None else []  # no part of the traced graph
    with warnings.catch_warnings(), torch.enable_grad():  # the graph is read off autograd
        warnings.simplefilter("ignore")
        network.requires_grad_(True)
        graph = tp.DependencyGraph().build_dependency(network, example, unwrapped_parameters=loose)
        groups = list(graph.get_all_groups(ignored_layers=[network.last], root_module_types=[nn.Conv2d, nn.Linear]))
    for group in groups:
        channels = len(group[0].idxs)
        order = torch.randperm(channels, generator=generator)
        moved = set()
        for dependency, index in group:
            layer, outward = dependency.target.module, graph.is_out_channel_pruning_fn(dependency.handler)
            depthwise = isinstance(layer, nn.Conv2d) and layer.groups > 1  # one channel in, the same one out
            side = 0 if outward or depthwise else 1
            if (layer, side) not in moved:
                moved.add((layer, side))
                _reorder(layer, side, spread(order, len(index)))


def spread(order: Tensor, width: int) -> Tensor:
    """An order of channels (C,) as one of `width` neighbouring places, width / C for each channel."""
    places = width // len(order)
    return (order[:, None] * places + torch.arange(places)).flatten()


def _reorder(layer: nn.Module, side: int, order: Tensor) -> None:
    """Puts a layer's output channels (side 0) or what it reads (side 1) in order, if it has weights."""
    if not isinstance(layer, (nn.Conv2d, nn.Linear, nn.BatchNorm2d, nn.PReLU)):
        return
    tensors = [*layer.parameters(recurse=False), *layer.buffers(recurse=False)] if side == 0 else [layer.weight]
    for tensor in tensors:
        if tensor.ndim:  # a batch norm also counts its batches
            tensor.data = tensor.data.index_select(side, order.to(tensor.device))
