"""Pruning: small weights set to zero (Han et al. 2015), or weak filters really removed (Li et al. 2017)."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

import torch
from torch import nn
from torch.nn.utils import prune

from benchmark.contracts.suspect import Ingredients, Suspect
from benchmark.contracts.truth import Relation
from benchmark.errors import Inapplicable
from benchmark.networks.groups import channel_groups
from benchmark.networks.network import Network
from benchmark.spec.component import setting
from benchmark.training.trainer import freeze


class Pruning(Suspect):
    """What both kinds share: a `ratio`, and epochs of training after the cut (the paper mentions none)."""

    ratio: float = setting(default=0.3, above=0, high=0.99)
    recovery_epochs: int = setting(default=0, low=0)
    learning_rate: float = setting(default=0.001, above=0)

    relation: ClassVar[Relation] = Relation.MODIFIED

    @property
    def trains(self) -> bool:
        return self.recovery_epochs > 0

    def recover(self, network: Network, given: Ingredients) -> Network:
        """Trains the cut network for `recovery_epochs`."""
        if not self.recovery_epochs:
            return freeze(network)
        training = dataclasses.replace(
            given.task.training, epochs=self.recovery_epochs, learning_rate=self.learning_rate
        )
        return given.fit(network, given.data.train, given.task.loss, training, given.seed)


class WeightPruning(Pruning, name="suspect/weight_pruning"):
    """Sets the `ratio` of smallest |w| of each convolution and linear layer to zero; biases and norms stay."""

    def derive(self, given: Ingredients) -> Network:
        network = given.copy_of_victim()
        layers = network.weighted().values()
        for layer in layers:
            prune.l1_unstructured(layer, "weight", amount=self.ratio)
        network = self.recover(network, given)  # the masks hold while it trains
        for layer in layers:
            prune.remove(layer, "weight")
        return freeze(network)


class FilterPruning(Pruning, name="suspect/filter_pruning"):
    """Removes the `ratio` of filters with least mean |w| from each convolution; what reads them shrinks with them.

    In a network of linear layers alone these are neurons, all but the last layer's.

    `residual`: `inner` leaves the widths that a residual sum joins (Li's recipe for ResNets), `coupled` cuts them too,
    all members of a sum together.
    """

    ratio: float = setting(default=0.3125, above=0, high=0.99)
    residual: str = setting(default="inner", choices=("inner", "coupled"))

    def derive(self, given: Ingredients) -> Network:
        network = given.copy_of_victim()
        example = given.data.train.pixels(slice(0, 2))
        if not remove_filters(network, example, self.ratio, keep_residual_widths=self.residual == "inner"):
            raise Inapplicable(f"no filter could go: sums join every width of which {self.ratio:g} is one or more")
        return self.recover(network, given)


def remove_filters(network: Network, example: torch.Tensor, ratio: float, *, keep_residual_widths: bool) -> int:
    """Cuts floor(ratio * width) filters of least mean |w| from every convolution, in place, and says how many went.

    Convolutions that an elementwise sum or product ties together lose the same filters, by the mean of their mean |w|;
    a depthwise convolution loses what feeds it. All filters are ranked before any is cut.

    Args:
        example: pixels (N, 3, H, W) that trace the graph.
        keep_residual_widths: leave alone every group of layers that an elementwise operation ties together.

    Raises:
        Inapplicable: the network is not convolutional, or it is not known how channels lie in it; nothing was cut.
    """
    import torch_pruning as tp

    convolutional = any(isinstance(layer, nn.Conv2d) for layer in network.weighted().values())
    if convolutional:
        network.filters()
    root = tp.function.prune_conv_out_channels if convolutional else tp.function.prune_linear_out_channels
    kind = nn.Conv2d if convolutional else nn.Linear
    graph, groups = channel_groups(network, example, [kind], [] if convolutional else [network.last])
    cuts = []
    for group in groups:
        dense = [dep.target.module for dep, _ in group if dep.handler == root]
        if keep_residual_widths and len(dense) > 1:
            continue
        if len({len(layer.weight) for layer in dense}) != 1:
            raise Inapplicable("filters of one layer are summed with those of several others side by side")
        means = [layer.weight.detach().abs().mean(dim=tuple(range(1, layer.weight.ndim))) for layer in dense]
        strength = torch.stack(means).mean(dim=0)
        count = math.floor(ratio * len(strength) + 1e-9)  # 0.29 * 100 is 28.999999999999996
        cuts.append((dense[0], strength.argsort(stable=True)[:count].tolist()))
    for layer, weakest in cuts:
        if weakest:
            graph.get_pruning_group(layer, root, weakest).prune()
    return sum(len(weakest) for _, weakest in cuts)
