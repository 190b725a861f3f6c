"""Feature permutation: the same function with its channels in another order."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from benchmark.contracts.suspect import Ingredients
from benchmark.contracts.truth import Relation
from benchmark.errors import Inapplicable
from benchmark.networks.channels import depthwise, known, reorder
from benchmark.networks.groups import channel_groups
from benchmark.networks.network import Network
from suspects.disguise import Disguise

TOLERANCE = 1e-3  # of the largest answer; sums in another order differ by less, a channel gone astray by more


class FeaturePermutation(Disguise, name="suspect/feature_permutation"):
    """Shuffles the channels of every inner layer, and what reads them accordingly; the answers stay what they are.

    Methods that address neurons by their number (watermarks in weights, neuron coverage) find others in their place.
    """

    relation: ClassVar[Relation] = Relation.EQUIVALENT

    @property
    def seeded(self) -> bool:
        return True

    def edit(self, network: Network, given: Ingredients) -> None:
        example = given.data.train.pixels(slice(0, 2))
        before = network(example)
        permute_channels(network, example, torch.Generator().manual_seed(given.seed))
        if (network(example) - before).abs().max() > TOLERANCE * before.abs().max():
            raise Inapplicable("the answers change with the order of channels, some operation depends on it")


def permute_channels(network: Network, example: Tensor, generator: torch.Generator) -> None:
    """Gives every group of layers that share channels a random order of these, in place; outputs keep theirs.

    Args:
        example: pixels (N, 3, H, W) that trace the graph.

    Raises:
        Inapplicable: there is no inner channel, or it is not known how they lie in some layer; nothing was moved.
    """
    graph, groups = channel_groups(network, example, [nn.Conv2d, nn.Linear], [network.last])
    if not groups:
        raise Inapplicable("the network has no inner channels whose order could change")
    for group, moves in [(group, _places(graph, group)) for group in groups]:
        order = torch.randperm(len(group[0].idxs), generator=generator)
        for (layer, side), places in moves.items():
            reorder(layer, side, places.flatten(), places[order].flatten())


def _places(graph: Any, group: Any) -> dict[tuple[nn.Module, int], Tensor]:
    """Where each channel of a group lies in each layer with weights: positions (C, places) by (layer, side).

    A channel of a map that was flattened has several neighbouring places, one behind a concatenation is shifted.
    """
    found: dict[tuple[nn.Module, int], list[list[int]]] = {}
    for item in group:
        layer, outward = item.dep.target.module, graph.is_out_channel_pruning_fn(item.dep.handler)
        side = 0 if outward or depthwise(layer) else 1
        if not isinstance(layer, nn.Module) or not known(layer):  # an operation without weights
            continue
        places = found.setdefault((layer, side), [[] for _ in group[0].idxs])
        for position, channel in zip(item.idxs, item.root_idxs, strict=True):
            if position not in places[channel]:  # a sum leads to a layer along several ways
                places[channel].append(position)
    if any(len(each) != len(places[0]) for places in found.values() for each in places):
        raise Inapplicable("some channels go another way through the network than others that they are summed with")
    return {key: torch.tensor(places) for key, places in found.items()}
