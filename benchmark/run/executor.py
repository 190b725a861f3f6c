"""What runs the jobs that the store does not have yet, and which ones these are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.plan.job import Job
from benchmark.plan.plan import Plan
from benchmark.spec.component import Component
from benchmark.store.artefacts import Store


@dataclass(frozen=True)
class Failure:
    """A job that could not be done, and why in one line."""

    job: Job
    error: str


class Executor(Component, ABC):
    """How and where jobs run. Its settings are no part of any artefact's identity."""

    @abstractmethod
    def run(self, jobs: Sequence[Job], plan: Plan, store: Store) -> list[Failure] | None:
        """Does the jobs, parents before children, and returns those that failed; None if they are still to be done.

        Raises:
            StoreError: the store cannot be written any more; jobs that are done stay done.
        """


def missing(plan: Plan, store: Store) -> list[Job]:
    """The plan's jobs whose artefact is not in the store; a damaged one is moved aside and counts as missing."""
    return [job for job in plan.jobs if store.find(job.key) is None]
