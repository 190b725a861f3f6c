"""Distillation: a student of the victim's architecture learns the victim's answers (Hinton et al. 2015)."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import torch
from torch import Tensor

from benchmark.contracts.suspect import Ingredients, Suspect, lacking
from benchmark.contracts.truth import Relation
from benchmark.errors import Reason
from benchmark.networks.network import Network
from benchmark.spec.component import setting
from benchmark.tasks.base import Task


class Distill(Suspect, name="suspect/distill"):
    """A freshly initialised student fits the teacher's outputs on images of the task; true labels are not used.

    The loss is the task's: KL with `temperature` for classes, MSE for values, 1 - cosine for embeddings. The images are
    the owner's training images (`data: same`), or those that the owner has not got (`other`).
    """

    temperature: float = setting(default=1.0, above=0)
    epochs: int = setting(default=10, low=1)
    data: str = setting(default="same", choices=("same", "other"), later=True)

    relation: ClassVar[Relation] = Relation.DERIVED

    @property
    def shares_training_data(self) -> bool:
        return self.data == "same"

    def inapplicable(self, task: Task) -> Reason:
        return lacking(self.data, task)

    def derive(self, given: Ingredients) -> Network:
        teacher = given.copy_of_victim()

        def imitate(student: Network, x: Tensor, targets: Tensor) -> Tensor:
            with torch.no_grad():
                answers = teacher(x)
            return given.task.imitation(student(x), answers, self.temperature)

        training = dataclasses.replace(given.task.training, epochs=self.epochs)
        return given.fit(given.fresh(), given.images(self.data), imitate, training, given.seed)
