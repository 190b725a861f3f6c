"""Cheap disguises: the stolen weights are edited a little, nothing is trained."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from benchmark.contracts.suspect import Ingredients, Suspect
from benchmark.contracts.truth import Relation
from benchmark.networks.network import Network
from benchmark.spec.component import setting
from benchmark.training.trainer import freeze

DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16}


class Disguise(Suspect):
    """A recipe that edits weights in place and leaves what they were trained on as it is."""

    relation: ClassVar[Relation] = Relation.MODIFIED

    @property
    def trains(self) -> bool:
        return False

    def derive(self, given: Ingredients) -> Network:
        network = given.copy_of_victim()
        with torch.no_grad():
            self.edit(network, given)
        return freeze(network)

    @abstractmethod
    def edit(self, network: Network, given: Ingredients) -> None:
        """Changes the network in place; gradients are off."""


class Quantise(Disguise, name="suspect/quantise"):
    """Simulated int8: the weights of each output channel of convolutions and linear layers are rounded to a grid.

    The grid is symmetric, from -(2^(b-1) - 1) to 2^(b-1) - 1 steps for b `bits`, its last point the channel's largest
    |w|. Weights stay float32 numbers and activations are not rounded, so that every method can look inside.
    """

    bits: int = setting(default=8, low=2, high=16)

    def edit(self, network: Network, given: Ingredients) -> None:
        for layer in network.weighted().values():
            layer.weight.copy_(rounded(layer.weight, self.bits))


class HalfPrecision(Disguise, name="suspect/half_precision"):
    """All parameters and statistics rounded to 16-bit floats, and computed with in float32."""

    dtype: str = setting(default="float16", choices=tuple(DTYPES))

    def edit(self, network: Network, given: Ingredients) -> None:
        for tensor in [*network.parameters(), *network.buffers()]:
            if tensor.is_floating_point():
                tensor.copy_(tensor.to(DTYPES[self.dtype]))


class WeightNoise(Disguise, name="suspect/weight_noise"):
    """w + N(0, (rho std(w))^2) for the weights of convolutions and linear layers, std over the layer."""

    rho: float = setting(default=0.05, above=0)

    @property
    def seeded(self) -> bool:
        return True

    def edit(self, network: Network, given: Ingredients) -> None:
        generator = torch.Generator().manual_seed(given.seed)
        for layer in network.weighted().values():
            noise = torch.randn(layer.weight.shape, generator=generator).to(layer.weight.device)
            layer.weight.add_(self.rho * layer.weight.std() * noise)


def rounded(weight: Tensor, bits: int) -> Tensor:
    """`weight` (out, ...) on the symmetric grid of each output channel; a channel of zeros stays one."""
    largest = weight.flatten(1).abs().amax(dim=1).reshape(-1, *[1] * (weight.ndim - 1))
    unit = largest / (2 ** (bits - 1) - 1)
    return torch.where(unit > 0, (weight / unit).round() * unit, weight)
