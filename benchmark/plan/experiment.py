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
    """One setting of one method, and the values to give it one after the other: all numbers, or all words."""

    method: str
    setting: str
    values: tuple[float, ...] | tuple[str, ...]


@dataclass(frozen=True)
class Proof:
    """What becomes of prints that their own verifier does not find on the victim itself.

    Attributes:
        drop: they are left out of the score.
        rounds: how often they are replaced by new ones before that.
    """

    drop: bool
    rounds: int


@dataclass(frozen=True)
class Accusation:
    """How the owner sets the threshold above which he accuses.

    Attributes:
        references: independent models of his own that serve nothing else; 0 for no such threshold.
        rate: share of innocents that he is ready to accuse.
    """

    references: int
    rate: float


@dataclass(frozen=True)
class Degraded:
    """What a suspect must have lost against the victim to be marked: so many `points`, or such a share of `skill`."""

    points: float
    skill: float


@dataclass(frozen=True)
class Blind:
    """When a model is called blind: no better than an answer without a look at the image.

    Attributes:
        level: of the one-sided test that it is better (`Quality.p`).
        victims: whether a blind victim is taken all the same; its job fails otherwise.
    """

    level: float
    victims: bool


@dataclass(frozen=True)
class Experiment:
    """What to run. Tasks, fingerprints, channels and detectors go by their yaml keys.

    Attributes:
        channels: the first is the one that headlines, curves and ablations are about.
        victims: numbers of the owner's victims, each with copies and prints of its own: the unit of replication.
        repeats: generations of prints for each victim.
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
    victims: range
    repeats: int
    proof: Proof
    accusation: Accusation
    gallery: int
    degraded: Degraded
    blind: Blind
    detectors: Mapping[str, Detector] = field(default_factory=dict)
    ablations: tuple[Ablation, ...] = ()
    ablation_counts: tuple[int, ...] = ()
    ablation_repeats: int = 0

    @property
    def channel(self) -> str:
        """The channel that headlines, curves and ablations are about."""
        return next(iter(self.channels))

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
