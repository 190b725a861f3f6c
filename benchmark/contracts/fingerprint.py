"""The contract of a fingerprint: make prints for one victim, measure a suspect on them, score what was measured."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from benchmark.access.access import Access, Labels
from benchmark.data.base import Splits
from benchmark.networks.network import Network
from benchmark.spec.component import Component
from benchmark.tasks.base import Payload, Task


@dataclass(frozen=True)
class Prints:
    """The queries that a method made for one victim.

    Attributes:
        samples: (N, 3, H, W) in [0, 1].
        origin: the images they were made from, same shape, or None where there is none.
        payload: what verification needs, per print (N, ...) or as one number (): classes, answers, thresholds.
        notes: what the method reports of its own work (share accepted, steps, chosen k), as JSON values.
    """

    samples: Tensor
    origin: Tensor | None
    payload: Payload
    notes: Mapping[str, Any] = field(default_factory=dict)

    def rounded(self) -> Prints:
        """The prints as 8-bit pixels, as a deployed API would receive them."""
        return replace(self, samples=(self.samples * 255).round() / 255)


@dataclass(frozen=True)
class Owner:
    """What the owner has: task, data, the victim, and models trained to build or calibrate a method.

    Surrogates are copies that the owner made of the victim, references independent models; their seeds have a role of
    their own, so that none of them is ever a suspect that is judged.
    """

    task: Task
    data: Splits
    victim: Network
    surrogates: tuple[Network, ...] = ()
    references: tuple[Network, ...] = ()


class Verifier(ABC):
    """One way to judge a suspect on prints. `measure` runs the suspect, nothing else does."""

    access: ClassVar[type[Access]]

    @abstractmethod
    def measure(self, prints: Prints, suspect: Any) -> Tensor:
        """Raw numbers per print, (N,) or (N, ...), before any threshold. `suspect` is of the class `access`.

        Raises:
            Inapplicable: the suspect cannot be judged this way; the message says why.
        """

    @abstractmethod
    def score(self, measured: Tensor, payload: Payload) -> float:
        """The matching score in [0, 1], the higher the more likely stolen."""

    def statistic(self, measured: Tensor, payload: Payload) -> float | None:
        """The number in its own unit that the score was made of, such as a distance; None where there is no other."""
        return None

    def threshold(self, payload: Payload) -> float | None:
        """The distance up to which the suspect is called stolen, if `statistic` is one; its score is 0.5 there."""
        return None


class Matcher(Verifier):
    """A verifier that asks of each print whether the suspect answered as a copy would."""

    @abstractmethod
    def matches(self, measured: Tensor, payload: Payload) -> Tensor:
        """Which prints (N,) the suspect answered as a copy would, as booleans."""

    def score(self, measured: Tensor, payload: Payload) -> float:
        """The matching score in [0, 1]: the share of prints that match."""
        return self.matches(measured, payload).double().mean().item()


class Fingerprint(Component, ABC):
    """A method: how prints are made, and the ways in which they can be verified."""

    pool: ClassVar[str] = "train"  # the split that prints are made from; N may not exceed it
    reconstruction: ClassVar[bool] = False  # the source text was not available; every table marks it

    def inapplicable(self, task: Task) -> str:
        """Why the method does not apply to a task, or an empty text."""
        return ""

    def auxiliaries(self) -> tuple[int, int]:
        """How many surrogates and how many references the method asks of the owner."""
        return 0, 0

    @abstractmethod
    def generate(self, owner: Owner, count: int, generator: torch.Generator) -> Prints:
        """`count` prints for the owner's victim; all randomness comes from `generator` (on the CPU)."""

    @abstractmethod
    def verifiers(self, task: Task) -> Mapping[str, Verifier]:
        """The ways in which these prints can be verified, by name."""


class LabelMatch(Matcher):
    """Share of prints on which the suspect's label equals the victim's (`payload["answer"]`); one query a print."""

    access: ClassVar[type[Access]] = Labels

    def measure(self, prints: Prints, suspect: Labels) -> Tensor:
        return suspect.labels(prints.samples).float()

    def matches(self, measured: Tensor, payload: Payload) -> Tensor:
        return measured == payload["answer"]


class LabelFingerprint(Fingerprint):
    """A method whose prints are verified by label match; it applies to classification only."""

    def inapplicable(self, task: Task) -> str:
        return task.no_label

    def verifiers(self, task: Task) -> Mapping[str, Verifier]:
        return {"label": LabelMatch()}


def victim_labels(victim: Network, samples: Tensor) -> Tensor:
    """The victim's labels (N,) for samples (N, 3, H, W)."""
    with torch.no_grad():
        return victim(samples).argmax(dim=1)


def draw(pool: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """`count` entries of `pool` (M,) in random order, without repetition; all of them if M < count."""
    return pool[torch.randperm(len(pool), generator=generator)[:count].to(pool.device)]
