"""A job: one artefact to make out of others. A new kind of job is one class that says what it is and builds itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from benchmark.spec.identity import key_of

if TYPE_CHECKING:
    import torch

    from benchmark.data.base import Splits
    from benchmark.store.artefacts import Artefact
    from benchmark.tasks.base import Task
    from benchmark.training.checkpoint import Checkpoints
    from benchmark.training.trainer import Trainer


class Bench(Protocol):
    """What a job is given while it builds its artefact."""

    trainer: Trainer
    device: torch.device

    def data(self, task: Task) -> Splits:
        """The task's data on the device."""

    def loaded(self, job: Job) -> Any:
        """What a stored artefact is to other jobs (`Job.load`); the same object may come again: copy, then change it.

        Raises:
            Inapplicable: there can be none, for the reason that stands in its place.
            Damaged: it is missing, or no longer what was written.
        """

    def open(self, job: Job) -> Artefact:
        """The stored artefact itself; raises what `loaded` does."""

    def checkpoints(self, job: Job) -> Checkpoints:
        """Where the job's trainings are saved while they are under way."""

    def clock(self) -> float:
        """What work is paid in: processor seconds on a CPU, whoever shares it; elapsed ones on an accelerator."""


@dataclass(frozen=True, eq=False)
class Job(ABC):
    """One artefact to make. Its key is the hash of `spec`, which is its whole identity, worked out once.

    Planning must not wait for torch, so what `build` needs of it is imported there.

    Attributes:
        task_name: the task's key in the experiment.
        parents: keys of the artefacts it is made from, by name.
    """

    task_name: str
    task: Task = field(repr=False)
    parents: Mapping[str, str] = field(init=False, repr=False)
    spec: dict[str, Any] = field(init=False, repr=False)
    key: str = field(init=False)

    kind: ClassVar[str]
    long: ClassVar[bool] = False  # takes seconds to hours; other jobs are over in a moment

    def __post_init__(self) -> None:
        parents = {name: job.key for name, job in self.made_from().items()}
        spec = {"kind": self.kind, **self.identity(), "parents": parents}
        for name, value in (("parents", parents), ("spec", spec), ("key", key_of(spec))):
            object.__setattr__(self, name, value)

    @property
    @abstractmethod
    def title(self) -> str:
        """What a person reads of it."""

    @property
    def like(self) -> str:
        """What it shares with jobs of its kind that take about as long, such as a family of suspects or a method."""
        return ""

    @property
    def pack(self) -> str:
        """Which jobs of its kind and task may share a task of a queue with it: those of the same text here."""
        return ""

    @abstractmethod
    def made_from(self) -> Mapping[str, Job]:
        """The jobs whose artefacts it is made from, by name."""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """All else that the artefact depends on, as JSON values."""

    def with_helpers(self) -> Iterator[Job]:
        """The job after everything that was trained for it alone; the same may come again."""
        yield self

    def load(self, bench: Bench) -> Any:
        """What the stored artefact is to the jobs that are made from it."""
        return bench.open(self)

    @abstractmethod
    def build(self, bench: Bench, folder: Path) -> None:
        """Writes the artefact's files into the empty folder; `bench` has what it is made from.

        Raises:
            Inapplicable: there can be no such artefact; the reason is kept in its place.
        """
