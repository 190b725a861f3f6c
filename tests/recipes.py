"""Suspects of the tests' own."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from benchmark.contracts.suspect import Ingredients, Suspect
from benchmark.contracts.truth import Relation
from benchmark.errors import Inapplicable
from benchmark.networks.network import Network

WHY = "nothing here has what it takes"


class Refused(Suspect, name="suspect/test_refused"):
    """A copy that there cannot be of any network."""

    relation: ClassVar[Relation] = Relation.MODIFIED

    def derive(self, given: Ingredients) -> Network:
        raise Inapplicable(WHY)


class Narrowed(Suspect, name="suspect/test_narrowed"):
    """The victim with its first `classes` classes alone, as after transfer to another label space."""

    classes: int = 4

    relation: ClassVar[Relation] = Relation.MODIFIED

    def derive(self, given: Ingredients) -> Network:
        return narrowed(given.copy_of_victim(), self.classes)


def narrowed(network: Network, classes: int) -> Network:
    """The network with its first `classes` classes alone, in place."""
    last = network.last
    last.weight, last.bias = (nn.Parameter(t[:classes].detach().clone()) for t in (last.weight, last.bias))
    last.out_features = classes
    return network.eval().requires_grad_(False)


class Broken(Suspect, name="suspect/test_not_finite"):
    """The victim with the weights and the bias of its first class at `value`: "inf", or too large to go on with."""

    value: str = "inf"

    relation: ClassVar[Relation] = Relation.MODIFIED

    def derive(self, given: Ingredients) -> Network:
        network = given.copy_of_victim()
        with torch.no_grad():
            network.last.weight[0] = network.last.bias[0] = float(self.value)
        return network.eval().requires_grad_(False)
