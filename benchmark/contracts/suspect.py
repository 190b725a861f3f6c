"""The contract of a suspect: a recipe that makes a model to be judged, and that model's relation to the victim."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

import torch

from benchmark.contracts.prints import Prints
from benchmark.contracts.truth import Relation
from benchmark.data.base import DataSource, ImageSet, Splits
from benchmark.data.share import Share
from benchmark.errors import InputError, Reason
from benchmark.networks.network import Network
from benchmark.spec.component import Component, setting
from benchmark.tasks.base import Task
from benchmark.tasks.rebuilding import untrained
from benchmark.training.trainer import Fit

NOTHING_LEFT = "the owner trained on all of the data, nothing is left for another"


@dataclass
class Meter:
    """How many images a thief has put to the victim's prediction API."""

    queries: int = 0


@dataclass(frozen=True)
class Ingredients:
    """What a recipe works with.

    Attributes:
        victim: a network of the recipe's own, free to be changed; None for models that need none.
        leaked: the prints that the recipe `leaks`, or None.
        meter: counts what an extraction asks of the victim.
    """

    task: Task
    data: Splits
    victim: Network | None
    seed: int
    fit: Fit
    leaked: Prints | None = None
    meter: Meter = field(default_factory=Meter)

    def copy_of_victim(self) -> Network:
        """The victim's copy.

        Raises:
            ValueError: the recipe was not given one (it makes models that need none).
        """
        if self.victim is None:
            raise ValueError("this recipe has no victim")
        return self.victim

    def images(self, data: str, samples: int | None = None) -> ImageSet:
        """What a recipe trains on: the owner's training images (`same`) or those that the owner has not got (`other`).

        Args:
            samples: so many of them at random, from the seed given; None or too many for all.

        Raises:
            ValueError: the owner has all images, there are no others.
        """
        found = self.data.train if data == "same" else self.data.rest
        if found is None:
            raise ValueError(NOTHING_LEFT)
        if samples is None or samples >= len(found):
            return found
        order = torch.randperm(len(found), generator=torch.Generator().manual_seed(self.seed))
        index = order[:samples].to(found.images.device)
        return ImageSet(found.images[index], found.targets[index])

    def fresh(self) -> Network:
        """An untrained network of the task's architecture, its weights drawn from the seed given or out of a file."""
        return untrained(self.task, self.seed).to(self.data.train.images.device)


class Suspect(Component, ABC):
    """A recipe. Its `relation` to the victim is a fact, whatever an experiment asks about it.

    Attributes:
        replicate: numbers models that differ by their seed only.
    """

    replicate: int = setting(default=0, low=0)

    relation: ClassVar[Relation]

    @property
    def needs_victim(self) -> bool:
        """Whether it is made from the victim, as all are but independent models."""
        return self.relation is not Relation.INDEPENDENT

    @property
    def shares_training_data(self) -> bool:
        """Whether the weights come of the victim's training images: the recipe's own training, or the victim's."""
        return True

    @property
    def trains(self) -> bool:
        """Whether the recipe trains; one that only edits weights leaves what they were trained on as it is."""
        return True

    @property
    def seeded(self) -> bool:
        """Whether chance has a part in it; without any, all who use the recipe on one victim make the same weights."""
        return self.trains

    @property
    def leaks(self) -> str:
        """The method whose prints the thief has got hold of, by its key in the experiment; or nothing."""
        return ""

    def inapplicable(self, task: Task) -> Reason:
        """Why the recipe makes no sense for a task."""
        return ""

    def check_data(self) -> None:
        """Checks data sets of the recipe's own, before any work; the recipe of a stored model needs none of them.

        Raises:
            InputError: they are not there, or not enough; the message begins with the setting's name.
        """

    def solves(self, task: Task) -> Task:
        """The task as the derived model solves it, other than the victim's where labels or architecture change."""
        return task

    @abstractmethod
    def derive(self, given: Ingredients) -> Network:
        """The suspect model, in eval mode."""


def size_of(source: DataSource, name: str) -> int:
    """How many training images the data set has that the setting `name` gives.

    Raises:
        InputError: it is not there.
    """
    try:
        return source.sizes()["train"]
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def lacking(data: str, task: Task) -> Reason:
    """Why a recipe cannot have these training images, `same` or `other`."""
    return NOTHING_LEFT if data == "other" and not isinstance(task.data, Share) else ""
