"""Adversarial training of the stolen network, which moves and smooths its decision boundary (Madry et al. 2018)."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import torch
from torch import Tensor

from benchmark.contracts.suspect import Ingredients, Suspect
from benchmark.contracts.truth import Relation
from benchmark.crafting.attacks import pgd
from benchmark.errors import Reason
from benchmark.networks.network import Network
from benchmark.spec.component import setting
from benchmark.tasks.base import Task


class AdversarialTraining(Suspect, name="suspect/adversarial"):
    """Fine-tunes all layers on PGD examples in place of the images, made anew for every batch with their true labels.

    Attributes:
        eps: bound of the perturbation, in pixels.
        step: of each of the `iterations`, in pixels.
    """

    eps: float = setting(default=0.0314, above=0, high=1)  # 8/255
    step: float = setting(default=0.0078, above=0, high=1)  # 2/255
    iterations: int = setting(default=7, low=1)
    epochs: int = setting(default=5, low=1)
    learning_rate: float = setting(default=0.001, above=0)

    relation: ClassVar[Relation] = Relation.MODIFIED

    def inapplicable(self, task: Task) -> Reason:
        return "" if task.kind == "classification" else "adversarial examples leave a class, and the task has none"

    def derive(self, given: Ingredients) -> Network:
        generator = torch.Generator().manual_seed(given.seed)

        def harden(network: Network, x: Tensor, targets: Tensor) -> Tensor:
            mode = network.training
            network.eval()  # attacked as deployed: a batch norm in training mode would mix the images
            attacked = pgd(network, x, targets, self.eps, self.step, self.iterations, generator)
            return given.task.loss(network.train(mode), attacked, targets)

        training = dataclasses.replace(given.task.training, epochs=self.epochs, learning_rate=self.learning_rate)
        return given.fit(given.copy_of_victim(), given.data.train, harden, training, given.seed)
