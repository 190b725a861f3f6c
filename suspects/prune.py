"""Pruning: small weights set to zero (Han et al. 2015), or weak filters really removed (Li et al. 2017)."""

from __future__ import annotations

import dataclasses
import math
import warnings
from typing import ClassVar

import torch
from torch import nn
from torch.nn.utils import prune

from benchmark.contracts.suspect import Ingredients, Suspect
from benchmark.contracts.truth import Relation
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
        layers = [module for module in network.modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
        for layer in layers:
            prune.l1_unstructured(layer, "weight", amount=self.ratio)
        network = self.recover(network, given)  # the masks hold while it trains
        for layer in layers:
            prune.remove(layer, "weight")
        return freeze(network)


class FilterPruning(Pruning, name="suspect/filter_pruning"):
    """Removes the `ratio` of filters with least mean |w| from each convolution; what reads them shrinks with them.

    `residual`: `inner` leaves the widths that a residual sum joins (Li's recipe for ResNets), `coupled` cuts them too,
    all members of a sum together.
    """

    residual: str = setting(default="inner", choices=("inner", "coupled"))

    def derive(self, given: Ingredients) -> Network:
        network = given.copy_of_victim().requires_grad_(True)  # torch-pruning reads the graph off autograd
        example = given.data.train.pixels(slice(0, 2))
        remove_filters(network, example, self.ratio, keep_residual_widths=self.residual == "inner")
        return self.recover(network, given)


def remove_filters(network: Network, example: torch.Tensor, ratio: float, *, keep_residual_widths: bool) -> None:
    """Cuts floor(ratio * width) filters of least mean |w| from every convolution, in place.

    Convolutions that an elementwise sum ties together lose the same filters, by the mean of their mean |w|; a depthwise
    convolution loses what feeds it. All filters are ranked before any is cut.

    Args:
        example: pixels (N, 3, H, W) that trace the graph.
        keep_residual_widths: leave alone every group of layers that an elementwise sum ties together.
    """
    import torch_pruning as tp

    loose = [(network.prototypes, 1)] if network.prototypes is not None else []  # no part of the traced graph
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = tp.DependencyGraph().build_dependency(network, example, unwrapped_parameters=loose)
    cuts = []
    for group in graph.get_all_groups(root_module_types=[nn.Conv2d]):
        dense = [dep.target.module for dep, _ in group if dep.handler == tp.function.prune_conv_out_channels]
        if keep_residual_widths and len(dense) > 1:
            continue
        strength = torch.stack([conv.weight.detach().abs().mean(dim=(1, 2, 3)) for conv in dense]).mean(dim=0)
        count = math.floor(ratio * len(strength) + 1e-9)  # 0.29 * 100 is 28.999999999999996
        cuts.append((dense[0], strength.argsort(stable=True)[:count].tolist()))
    for conv, weakest in cuts:
        if weakest:
            graph.get_pruning_group(conv, tp.function.prune_conv_out_channels, weakest).prune()
