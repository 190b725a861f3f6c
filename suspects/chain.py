"""Chains: one recipe after another, on what the one before made."""

from __future__ import annotations

import dataclasses
from functools import reduce

from benchmark.contracts.suspect import Ingredients, Suspect
from benchmark.contracts.truth import Relation
from benchmark.errors import InputError, Reason
from benchmark.networks.network import Network, plainly_laid_out
from benchmark.tasks.base import Task
from suspects.finetune import FineTune
from suspects.prune import WeightPruning


class Chain(Suspect, name="suspect/chain"):
    """Applies `steps` in order, each to the model of the one before in place of the victim."""

    steps: tuple[Suspect, ...] = (FineTune(layers="all", epochs=5), WeightPruning(ratio=0.3))

    @property
    def relation(self) -> Relation:  # type: ignore[override]
        """That of the step which leads farthest from the victim."""
        return max((step.relation for step in self.steps), key=lambda relation: relation.distance)

    def check(self) -> None:
        if not self.steps:
            raise InputError("steps: wants a list with at least one recipe")
        if any(step.relation is Relation.INDEPENDENT for step in self.steps):
            raise InputError("steps: an independent model has no victim to start from, every step must be a copy's")
        if len({step.leaks for step in self.steps} - {""}) > 1:
            raise InputError("steps: prints of one method may leak to a chain, not of several")

    @property
    def shares_training_data(self) -> bool:
        """As the last step that trained has it."""
        trained = [step.shares_training_data for step in self.steps if step.trains]
        return trained[-1] if trained else True

    @property
    def trains(self) -> bool:
        return any(step.trains for step in self.steps)

    @property
    def seeded(self) -> bool:
        return any(step.seeded for step in self.steps)

    @property
    def leaks(self) -> str:
        return next((step.leaks for step in self.steps if step.leaks), "")

    def inapplicable(self, task: Task) -> Reason:
        for step in self.steps:
            if reason := step.inapplicable(task):
                return f"{type(step).__name__}: {reason}"
            task = step.solves(task)
        return ""

    def check_data(self) -> None:
        for number, step in enumerate(self.steps):
            try:
                step.check_data()
            except InputError as error:
                raise InputError(f"steps[{number}].{error}") from None

    def solves(self, task: Task) -> Task:
        return reduce(lambda known, step: step.solves(known), self.steps, task)

    def derive(self, given: Ingredients) -> Network:
        for number, step in enumerate(self.steps):
            network = plainly_laid_out(step.derive(dataclasses.replace(given, seed=given.seed + number)))
            task = step.solves(given.task)
            data = given.data if task.data == given.task.data else task.data.load().to(network.last.weight.device)
            given = dataclasses.replace(given, task=task, data=data, victim=network)
        return given.copy_of_victim()
