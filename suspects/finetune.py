"""Fine-tuning, and retraining of a head that was drawn anew first (Uchida et al. 2017; DeepJudge: FT-LL, FT-AL, RT-AL).

With retraining, "all" means: the last layer is drawn anew, then every layer is trained. To draw every layer anew would
be to train from scratch, which makes an independent model, not a copy.
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import torch
from torch import nn

from benchmark.contracts.suspect import Ingredients, Suspect, lacking
from benchmark.contracts.truth import Relation
from benchmark.errors import Reason
from benchmark.networks.network import Network
from benchmark.spec.component import setting
from benchmark.tasks.base import Task


class FineTune(Suspect, name="suspect/finetune"):
    """Goes on training the last layer or all layers.

    Attributes:
        data: on the owner's training images (`same`), or on those that the owner has not got (`other`).
        samples: so many of them at random; None for all.
    """

    layers: str = setting(default="all", choices=("last", "all"))
    epochs: int = setting(default=5, low=1)
    learning_rate: float = setting(default=0.001, above=0)
    data: str = setting(default="same", choices=("same", "other"), later=True)
    samples: int | None = setting(default=None, low=2, later=True)

    relation: ClassVar[Relation] = Relation.MODIFIED

    def inapplicable(self, task: Task) -> Reason:
        return lacking(self.data, task)

    def derive(self, given: Ingredients) -> Network:
        network = given.copy_of_victim()
        training = dataclasses.replace(given.task.training, epochs=self.epochs, learning_rate=self.learning_rate)
        frozen = all_but_last(network) if self.layers == "last" else []
        images = given.images(self.data, self.samples)
        return given.fit(network, images, given.task.loss, training, given.seed, frozen)


class Retrain(FineTune, name="suspect/retrain"):
    """Draws the last layer (and the prototypes of a margin loss) anew, then trains it or all layers."""

    epochs: int = setting(default=5, low=1)
    learning_rate: float = setting(default=0.002, above=0)

    def derive(self, given: Ingredients) -> Network:
        with torch.random.fork_rng():
            torch.manual_seed(given.seed)
            reinitialise_last(given.copy_of_victim())
        return super().derive(given)


def reinitialise_last(network: Network) -> None:
    """Draws the last layer, and prototypes if there are any, from torch's global generator."""
    network.last.reset_parameters()
    if network.prototypes is not None:
        nn.init.normal_(network.prototypes, std=0.1)


def all_but_last(network: Network) -> list[nn.Module]:
    """The leaf modules that own parameters or statistics, except the last layer."""
    leaves = [module for module in network.modules() if not list(module.children())]
    return [module for module in leaves if module is not network.last]
