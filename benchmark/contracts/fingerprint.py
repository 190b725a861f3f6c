"""The contract of a fingerprint: make prints for one victim, measure a suspect on them, score what was measured."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from torch import Tensor

from benchmark.access.access import KINDS
from benchmark.contracts.owner import Needs, Owner
from benchmark.contracts.prints import Prints
from benchmark.errors import Reason
from benchmark.spec.component import Component
from benchmark.tasks.base import Payload, Task


class Verifier(ABC):
    """One way to judge a suspect on prints. `measure` runs the suspect, nothing else does.

    Attributes:
        access: what `measure` is handed: "label" (a `LabelAPI`), "probability" (an `AnswerAPI`) or "white box" (a
            `WhiteBox`), see benchmark/access/access.py. The harness makes it.
    """

    access: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.access not in ("", *KINDS):
            raise TypeError(f"{cls.__name__}.access: {cls.access!r} is none of {', '.join(KINDS)}")

    @abstractmethod
    def measure(self, prints: Prints, suspect: Any) -> Tensor:
        """Raw numbers per print, (N,) or (N, ...), before any threshold. `suspect` is what `access` names.

        Raises:
            Inapplicable: the suspect cannot be judged this way; the message says why.
        """

    @abstractmethod
    def score(self, measured: Tensor, payload: Payload) -> float:
        """The matching score in [0, 1]: the higher, the more it is the victim that answers."""

    def statistic(self, measured: Tensor, payload: Payload) -> float | None:
        """The number in its own unit that the score was made of, such as a distance; None where there is no other."""
        return None

    def threshold(self, payload: Payload) -> float | None:
        """The distance up to which the suspect is called positive, if `statistic` is one; its score is 0.5 there."""
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
    # What readers call the method with one of its verifiers, by the verifier's name, where there are several.
    displays: ClassVar[Mapping[str, str]] = MappingProxyType({})

    def inapplicable(self, task: Task) -> Reason:
        """Why the method does not apply to a task."""
        return ""

    def needs(self) -> Needs:
        """What the method asks of the owner besides the victim."""
        return Needs()

    @abstractmethod
    def generate(self, owner: Owner, count: int, generator: torch.Generator) -> Prints:
        """`count` prints for the owner's victim; all randomness comes from `generator` (on the CPU).

        Raises:
            Inapplicable: the victim's network is not such that the method could work on it; the message says why.
        """

    @abstractmethod
    def verifiers(self, task: Task) -> Mapping[str, Verifier]:
        """The ways in which these prints can be verified, by name."""
