"""The kinds of job. Each makes one artefact out of others; its key is the hash of all that the artefact depends on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from benchmark.contracts.fingerprint import Fingerprint
from benchmark.plan.recipes import Recipe
from benchmark.stealth.base import Detector
from benchmark.tasks.base import Task
from benchmark.training.trainer import Trainer


@dataclass(frozen=True)
class Job:
    """One artefact to make. `parents` are keys by name, `spec` is its whole identity, `key` the hash of that."""

    task_name: str
    task: Task = field(repr=False)
    title: str
    parents: dict[str, str] = field(repr=False)
    spec: dict[str, Any] = field(repr=False)
    key: str

    kind: ClassVar[str] = ""


@dataclass(frozen=True)
class ModelJob(Job):
    """Trains or derives a model. Its role is `victim`, `suspect`, `surrogate` or `reference`."""

    role: str
    recipe: Recipe
    zoo: int
    seed: int
    trainer: Trainer = field(repr=False)

    kind: ClassVar[str] = "model"


@dataclass(frozen=True)
class PrintsJob(Job):
    """Makes the prints of one method for one victim; a `variant` (such as "xi=0.05") belongs to an ablation only."""

    method: str
    fingerprint: Fingerprint = field(repr=False)
    repeat: int
    count: int
    seed: int
    trainer: Trainer = field(repr=False)
    variant: str = ""

    kind: ClassVar[str] = "prints"


@dataclass(frozen=True)
class MeasureJob(Job):
    """Measures one suspect on one set of prints, by every verifier of the method."""

    prints: PrintsJob = field(repr=False)
    suspect: ModelJob = field(repr=False)

    kind: ClassVar[str] = "measurement"


@dataclass(frozen=True)
class ExhibitJob(Job):
    """Saliency maps of a few prints on the victim, a copy and an independent model, for the gallery."""

    prints: PrintsJob = field(repr=False)
    shown: dict[str, str] = field(repr=False)  # the suspect's label -> its key
    count: int

    kind: ClassVar[str] = "exhibit"


@dataclass(frozen=True)
class DetectorJob(Job):
    """Fits a detector of conspicuous queries and keeps its distances of clean images."""

    name: str
    detector: Detector = field(repr=False)
    victim: str = field(repr=False)  # the key of the classifier that the detector watches over
    seed: int

    kind: ClassVar[str] = "detector"


@dataclass(frozen=True)
class DetectionJob(Job):
    """A detector's distances of one set of prints, as made and as 8-bit pixels."""

    prints: PrintsJob = field(repr=False)
    fitted: DetectorJob = field(repr=False)

    kind: ClassVar[str] = "detection"


@dataclass(frozen=True)
class Variant:
    """One point of an ablation: a method with one setting changed, in one repeat, measured on all suspects."""

    setting: str
    value: float
    prints: PrintsJob
    measured: tuple[MeasureJob, ...]
