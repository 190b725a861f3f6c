"""Weight shifting: filters are moved off their mean and disturbed, then fine-tuned (Lukas et al., S&P 2022)."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import torch

from benchmark.contracts.suspect import Ingredients, Suspect
from benchmark.contracts.truth import Relation
from benchmark.networks.network import Network
from benchmark.spec.component import setting


class WeightShifting(Suspect, name="suspect/weight_shifting"):
    """w - shift mean(w) + N(0, (noise std(w))^2) in every convolution, then all layers are fine-tuned.

    The mean is taken over each filter, the deviation over the layer.
    """

    shift: float = setting(default=1.5, low=0)
    noise: float = setting(default=1.0, low=0)
    epochs: int = setting(default=10, low=1)
    learning_rate: float = setting(default=0.001, above=0)

    relation: ClassVar[Relation] = Relation.MODIFIED

    def derive(self, given: Ingredients) -> Network:
        network = given.copy_of_victim()
        shift_filters(network, self.shift, self.noise, torch.Generator().manual_seed(given.seed))
        training = dataclasses.replace(given.task.training, epochs=self.epochs, learning_rate=self.learning_rate)
        return given.fit(network, given.data.train, given.task.loss, training, given.seed)


@torch.no_grad()
def shift_filters(network: Network, shift: float, noise: float, generator: torch.Generator) -> None:
    """Moves the filters of every convolution off their means and adds noise, in place.

    Raises:
        Inapplicable: the network is not convolutional; nothing was moved.
    """
    for layer in network.filters().values():
        weight = layer.weight
        drawn = torch.randn(weight.shape, generator=generator).to(weight.device)
        mean, deviation = weight.mean(dim=(1, 2, 3), keepdim=True), weight.std()
        weight.add_(noise * deviation * drawn - shift * mean)
