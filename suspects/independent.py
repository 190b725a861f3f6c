"""Independent models, which a court must acquit: the task trained from scratch with another seed, or more apart."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from benchmark.contracts.suspect import Case, Suspect, lacking
from benchmark.networks.network import Architecture, Network
from benchmark.spec.component import setting
from benchmark.tasks.base import Task


class Independent(Suspect):
    """Same architecture and training data as the victim, another initialisation and order of batches (paper 002)."""

    stolen: ClassVar[bool] = False

    def derive(self, case: Case) -> Network:
        return case.fit(case.fresh(), case.data.train, case.task.loss, case.task.training, case.seed)


class Stranger(Suspect):
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

    stolen: ClassVar[bool] = False

    @property
    def shares_training_data(self) -> bool:
        """Whether it was trained on the victim's images."""
        return self.data == "same"

    def inapplicable(self, task: Task) -> str:
        if reason := lacking(self.data, task):
            return reason
        if isinstance(task.architecture, type(self.architecture)):
            return f"the victim is a {type(self.architecture).__name__} itself"
        return ""

    def solves(self, task: Task) -> Task:
        return task if self.architecture is None else dataclasses.replace(task, architecture=self.architecture)

    def derive(self, case: Case) -> Network:
        fresh = dataclasses.replace(case, task=self.solves(case.task)).fresh()
        training = case.task.training
        if self.epochs is not None:
            training = dataclasses.replace(training, epochs=self.epochs)
        return case.fit(fresh, case.images(self.data), case.task.loss, training, case.seed)
