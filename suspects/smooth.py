"""Fine-tuning with label smoothing (Szegedy et al. 2016), which flattens the answers around the training images."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from benchmark.contracts.suspect import Ingredients, Suspect
from benchmark.contracts.truth import Relation
from benchmark.errors import Reason
from benchmark.networks.network import Network
from benchmark.spec.component import setting
from benchmark.tasks.base import Task


class LabelSmoothing(Suspect, name="suspect/label_smoothing"):
    """Fine-tunes all layers on targets of 1 - s for the true class, and s spread evenly over all classes."""

    smoothing: float = setting(default=0.3, above=0, high=1)
    epochs: int = setting(default=5, low=1)
    learning_rate: float = setting(default=0.001, above=0)

    relation: ClassVar[Relation] = Relation.MODIFIED

    def inapplicable(self, task: Task) -> Reason:
        return "" if task.kind == "classification" else "the answers are no class probabilities that could be smoothed"

    def derive(self, given: Ingredients) -> Network:
        def smoothed(network: Network, x: Tensor, targets: Tensor) -> Tensor:
            return F.cross_entropy(network(x), targets, label_smoothing=self.smoothing)

        training = dataclasses.replace(given.task.training, epochs=self.epochs, learning_rate=self.learning_rate)
        return given.fit(given.copy_of_victim(), given.data.train, smoothed, training, given.seed)
