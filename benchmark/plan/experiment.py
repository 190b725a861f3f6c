"""What an experiment is: components, recipes of suspects, and the question about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmark.contracts.truth import Question
from benchmark.errors import Reason
from benchmark.plan.recipes import Recipe

if TYPE_CHECKING:
    from benchmark.access.channels import Channel
    from benchmark.contracts.fingerprint import Fingerprint
    from benchmark.contracts.suspect import Suspect
    from benchmark.stealth.base import Detector
    from benchmark.tasks.base import Task
    from benchmark.training.trainer import Trainer


@dataclass(frozen=True)
class Ablation:
    """One setting of one method, and the values to give it one after the other."""

    method: str
    setting: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class Experiment:
    """What to run. Tasks, fingerprints, channels and detectors go by their yaml keys.

    Attributes:
        channels: the first is the one that headlines, curves and ablations are about.
    """

    name: str
    question: Question
    tasks: Mapping[str, Task]
    recipes: tuple[Recipe, ...]
    fingerprints: Mapping[str, Fingerprint]
    channels: Mapping[str, Channel]
    surrogate: tuple[Suspect, ...]
    reference: tuple[Suspect, ...]
    trainer: Trainer
    count: int
    repeats: int
    repeat_zoo: bool
    gallery: int
    degraded: float
    detectors: Mapping[str, Detector] = field(default_factory=dict)
    ablations: tuple[Ablation, ...] = ()
    ablation_counts: tuple[int, ...] = ()
    ablation_repeats: int = 0

    @property
    def channel(self) -> str:
        """The channel that headlines, curves and ablations are about."""
        return next(iter(self.channels))

    def replicate(self, repeat: int) -> int:
        """Which of the owner's replicates a repeat judges: one of its own with `repeat_zoo`, else always the first."""
        return repeat if self.repeat_zoo else 0

    def is_positive(self, suspect: Suspect) -> bool:
        """Whether the answer to the experiment's question is yes for the models of this recipe."""
        return suspect.relation in self.question.positive

    def inapplicable(self, suspect: Suspect, task: Task) -> Reason:
        """Why there is no such suspect on a task: a leak takes a method that applies to it."""
        leaked = self.fingerprints[suspect.leaks].inapplicable(task) if suspect.leaks else ""
        return (
            self.question.inapplicable(suspect.relation)
            or suspect.inapplicable(task)
            or (f"needs prints of {suspect.leaks}: {leaked}" if leaked else "")
        )
