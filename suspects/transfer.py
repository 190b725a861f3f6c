"""Transfer: the stolen network gets a new head for other labels (DeepJudge: VTL)."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import torch
from torch import nn

from benchmark.contracts.suspect import Ingredients, Suspect, size_of
from benchmark.contracts.truth import Relation
from benchmark.data.base import DataSource
from benchmark.data.regrouped import Regrouped
from benchmark.errors import Reason
from benchmark.networks.network import Network
from benchmark.spec.component import setting
from benchmark.tasks.base import Task
from suspects.finetune import reinitialise_last


class Transfer(Suspect, name="suspect/transfer"):
    """Draws the last layer (and the prototypes of a margin loss) anew for `classes` labels, then trains every layer.

    Label c becomes c mod `classes`.

    Attributes:
        data: images of the task's size, or None for the task's own.
        samples: train on so many of them at random; None for all.
    """

    classes: int = setting(default=5, low=2)
    data: DataSource | None = None
    epochs: int = setting(default=10, low=1)
    learning_rate: float = setting(default=0.002, above=0)
    samples: int | None = setting(default=None, low=2, later=True)

    relation: ClassVar[Relation] = Relation.MODIFIED

    def inapplicable(self, task: Task) -> Reason:
        if not hasattr(task, "classes"):
            return "the answer is a number, and another scale of it is no other label space"
        if self.data is None and task.classes <= self.classes:
            return f"the task has no more than {self.classes} labels, so that none would change"
        return ""

    def check_data(self) -> None:
        if self.data is not None:
            size_of(self.data, "data")

    def solves(self, task: Task) -> Task:
        source = Regrouped(source=self.data or task.data, labels=self.classes)
        return dataclasses.replace(task, data=source, classes=source.classes())  # type: ignore[call-arg]

    def derive(self, given: Ingredients) -> Network:
        network, solved = given.copy_of_victim(), self.solves(given.task)
        assert isinstance(solved.data, Regrouped)
        device = network.last.weight.device
        data = solved.data.regroup(given.data) if self.data is None else solved.data.load().to(device)
        with torch.random.fork_rng():
            torch.manual_seed(given.seed)
            widen_last(network, solved.network())
            reinitialise_last(network)
        training = dataclasses.replace(given.task.training, epochs=self.epochs, learning_rate=self.learning_rate)
        images = dataclasses.replace(given, data=data).images("same", self.samples)
        return given.fit(network, images, solved.loss, training, given.seed)


def widen_last(network: Network, example: Network) -> None:
    """Gives the last layer as many outputs as that of `example`, and as many prototypes; their values are not set."""
    last, outputs = network.last, example.last.out_features
    last.out_features = outputs
    last.weight = nn.Parameter(last.weight.new_empty(outputs, last.in_features))
    last.bias = nn.Parameter(last.weight.new_empty(outputs))
    if network.prototypes is not None and example.prototypes is not None:
        network.prototypes = nn.Parameter(network.prototypes.new_empty(example.prototypes.shape))
