"""The contract of a suspect: a recipe that makes a model to be judged, and whether that model is stolen."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import nn

from benchmark.component import Component, setting
from benchmark.data.base import ImageSet, Splits
from benchmark.models import Network
from benchmark.tasks.base import Loss, Task, Training


class Fit(Protocol):
    """How a recipe trains: benchmark.train.Trainer.fit."""

    def __call__(
        self,
        network: Network,
        data: ImageSet,
        loss: Loss,
        training: Training,
        seed: int,
        frozen: Sequence[nn.Module] = (),
    ) -> Network: ...


@dataclass(frozen=True)
class Case:
    """What a recipe works with. `victim` is a network of the recipe's own, free to be changed; None for negatives."""

    task: Task
    data: Splits
    victim: Network | None
    seed: int
    fit: Fit

    def stolen(self) -> Network:
        """The victim's copy.

        Raises:
            ValueError: the recipe was not given one (it is a negative).
        """
        if self.victim is None:
            raise ValueError("this recipe has no victim")
        return self.victim

    def fresh(self) -> Network:
        """An untrained network of the task's architecture, its weights drawn from the case's seed or out of a file."""
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            network = self.task.network()
        return self.task.architecture.start(network).to(self.data.train.images.device)


class Suspect(Component, ABC):
    """A recipe. `stolen` is a fact of the recipe; `copy` numbers models that differ by seed only."""

    copy: int = setting(default=0, low=0)

    stolen: ClassVar[bool]
    shares_training_data: ClassVar[bool] = True

    @abstractmethod
    def derive(self, case: Case) -> Network:
        """The suspect model, in eval mode."""
