"""What runs the jobs that the store does not have yet, and which ones these are."""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.plan.job import Job
from benchmark.plan.plan import Plan
from benchmark.run.crew import Patience
from benchmark.run.process import KEEP, Gear
from benchmark.spec.component import Component, setting
from benchmark.store.artefacts import Store

if TYPE_CHECKING:
    from benchmark.training.trainer import Trainer


@dataclass(frozen=True)
class Failure:
    """A job that could not be done, and why in one line."""

    job: Job
    error: str


class Executor(Component, ABC):
    """How and where jobs run. Its settings are no part of any artefact's identity.

    Attributes:
        keep: GiB of models and the like that each process keeps loaded.
        job_timeout: seconds after which a job counts as stuck and its process is ended; None for never.
        attempts: at a job whose process ends in it, before the run goes on without it.
    """

    keep: float = setting(default=KEEP, low=0, stage="runtime")
    job_timeout: float | None = setting(default=None, above=0, stage="runtime")
    attempts: int = setting(default=2, low=1, stage="runtime")

    @abstractmethod
    def check_here(self, trainer: Trainer) -> None:
        """Looks whether jobs can be run from this machine, before any work.

        Raises:
            InputError: they cannot; names the setting and what would be right.
        """

    @abstractmethod
    def run(self, jobs: Sequence[Job], plan: Plan, store: Store) -> list[Failure] | None:
        """Does the jobs, parents before children, and returns those that failed; None if they are still to be done.

        Says of each job that failed by itself why, once.

        Raises:
            StoreError: the store cannot be written any more; jobs that are done stay done.
        """

    def gear(self, plan: Plan, store: Store, *, heeds: bool = True) -> Gear:
        """What the processes need that do the plan's jobs."""
        trainer = plan.experiment.trainer
        return Gear(store.root, pickle.dumps(trainer), trainer.threads, self.keep, heeds)

    def patience(self) -> Patience:
        """What is put up with of a job."""
        return Patience(self.job_timeout, self.attempts)


def missing(plan: Plan, store: Store) -> list[Job]:
    """The plan's jobs whose artefact is not in the store; a damaged one is moved aside and counts as missing."""
    return [job for job in plan.jobs if store.find(job.key) is None]
