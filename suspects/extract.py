"""Extraction: a thief who reaches the victim only through its prediction API trains a substitute on its answers.

The answers are counted, and are all that a recipe learns of the victim.
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import torch
from torch import Tensor

from benchmark.access.target import Target
from benchmark.contracts.suspect import Ingredients, Suspect
from benchmark.contracts.truth import Relation
from benchmark.data.base import ImageSet
from benchmark.errors import Reason
from benchmark.networks.network import Architecture, Network
from benchmark.spec.component import setting
from benchmark.tasks.base import Task


class Oracle:
    """The victim behind its API: pictures in, training targets out, one query a picture."""

    def __init__(self, given: Ingredients, answers: str) -> None:
        self._victim, self._meter = Target.of(given.task, given.copy_of_victim()), given.meter
        self._labels_only = answers == "label"

    def __call__(self, images: Tensor) -> Tensor:
        """Class probabilities (N, C), labels (N,) or values (N,) for images (N, 3, H, W) uint8."""
        answers = self._victim.answers(images.float() / 255)
        self._meter.queries += len(images)
        return answers.argmax(dim=1) if self._labels_only else answers


class Extraction(Suspect):
    """What all extractions share.

    Attributes:
        answers: what the API hands out, `probability` (the value, where the task is regression) or `label`.
        epochs: of training on the answers, per round where there are several.
        architecture: the substitute's; None is the victim's own.
    """

    answers: str = setting(default="probability", choices=("probability", "label"))
    epochs: int = setting(default=10, low=1)
    architecture: Architecture | None = None

    relation: ClassVar[Relation] = Relation.DERIVED

    @property
    def shares_training_data(self) -> bool:
        """No: the substitute sees the thief's pictures only."""
        return False

    def inapplicable(self, task: Task) -> Reason:
        if task.kind == "similarity":
            return "the API compares two images and hands out no answer to a single one"
        return task.no_label if self.answers == "label" else ""

    def solves(self, task: Task) -> Task:
        return task if self.architecture is None else dataclasses.replace(task, architecture=self.architecture)

    def substitute(self, given: Ingredients) -> Network:
        """The untrained network that is to learn the answers."""
        return dataclasses.replace(given, task=self.solves(given.task)).fresh()

    def learn(self, given: Ingredients, network: Network, images: Tensor, targets: Tensor, seed: int) -> Network:
        """Trains on the API's answers; cross entropy takes labels and probabilities, smooth L1 values."""
        training = dataclasses.replace(given.task.training, epochs=self.epochs)
        return given.fit(network, ImageSet(images, targets), given.task.loss, training, seed)


def draw_seed(generator: torch.Generator) -> int:
    """A seed for one of several trainings."""
    return int(torch.randint(2**62, (), generator=generator))


def to_bytes(x: Tensor) -> Tensor:
    """Pixels in [0, 1] as the uint8 picture that an API takes."""
    return (x.clamp(0, 1) * 255).round().to(torch.uint8)
