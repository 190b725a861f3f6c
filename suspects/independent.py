"""Independent models, which a court must acquit: the task trained from scratch with another seed, or more apart."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from benchmark.contracts.suspect import Ingredients, Suspect, lacking
from benchmark.contracts.truth import Relation
from benchmark.errors import Reason
from benchmark.networks.network import Architecture, Network
from benchmark.spec.component import setting
from benchmark.tasks.base import Task


class Independent(Suspect, name="suspect/independent"):
    """Same architecture and training data as the victim, another initialisation and order of batches (paper 002)."""

    relation: ClassVar[Relation] = Relation.INDEPENDENT

    def derive(self, given: Ingredients) -> Network:
        return given.fit(given.fresh(), given.data.train, given.task.loss, given.task.training, given.seed)


class IndependentVariant(Suspect, name="suspect/independent_variant"):
    """An independent model that differs from the victim by more than its seed.

    Attributes:
        data: `same` are the victim's training images, `other` those that the owner has not got (DeepJudge: Neg-2).
        architecture: another than the victim's, or None for the victim's own.
        epochs: of training; None for as many as the victim had. A model that learnt little must be acquitted as well,
            and is as bad as a poor extraction.
    """

    data: str = setting(default="other", choices=("same", "other"))
    architecture: Architecture | None = None
    epochs: int | None = setting(default=None, low=1, later=True)

    relation: ClassVar[Relation] = Relation.INDEPENDENT

    @property
    def shares_training_data(self) -> bool:
        """Whether it was trained on the victim's images."""
        return self.data == "same"

    def inapplicable(self, task: Task) -> Reason:
        if reason := lacking(self.data, task):
            return reason
        if isinstance(task.architecture, type(self.architecture)):
            return f"the victim is a {type(self.architecture).__name__} itself"
        return ""

    def solves(self, task: Task) -> Task:
        return task if self.architecture is None else dataclasses.replace(task, architecture=self.architecture)

    def derive(self, given: Ingredients) -> Network:
        fresh = dataclasses.replace(given, task=self.solves(given.task)).fresh()
        training = given.task.training
        if self.epochs is not None:
            training = dataclasses.replace(training, epochs=self.epochs)
        return given.fit(fresh, given.images(self.data), given.task.loss, training, given.seed)
