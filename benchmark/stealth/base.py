"""The contract of a detector: what a defender who sees single queries can compute to tell prints from honest ones."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from fractions import Fraction
from typing import ClassVar

from torch import Tensor

from benchmark.data.base import Splits
from benchmark.errors import Reason
from benchmark.networks.network import Network
from benchmark.spec.component import Component
from benchmark.tasks.base import Task


class Detector(Component, ABC):
    """A defender's test of single queries: the larger the distance, the more suspicious."""

    asks_victim: ClassVar[bool]  # whether distances depend on the classifier that is queried

    def inapplicable(self, task: Task) -> Reason:
        """Why the detector does not apply to a task."""
        return ""

    @abstractmethod
    def fit(self, data: Splits, seed: int) -> dict[str, Tensor]:
        """What is learnt from the defender's clean data, as named tensors; empty where nothing is learnt.

        All randomness comes from `seed`; torch's global generators are left as they were.
        """

    @abstractmethod
    def distances(self, state: Mapping[str, Tensor], victim: Network | None, x: Tensor) -> Tensor:
        """One distance a query (N,), float32, without gradient, for pixels x (N, 3, H, W) in [0, 1].

        Args:
            state: what `fit` returned.
            victim: the classifier that is queried, in eval mode; None for a detector that does not ask it.
        """

    @abstractmethod
    def thresholds(self, clean: Tensor) -> dict[str, float]:
        """Thresholds by name, from the distances (M,) of held-out clean images, M >= 1.

        A query is flagged iff its distance is strictly larger than the threshold.
        """


def false_positive_threshold(clean: Tensor, fpr: float) -> float:
    """The ceil(n (1 - fpr))-th smallest of n distances (n,): at most a share `fpr` of them is strictly larger.

    The product is taken exactly, of `fpr` as it is written: 150 (1 - 0.18) is 123, in floats a little more.
    """
    rank = math.ceil(len(clean) * (1 - Fraction(str(fpr))))
    return clean.double().sort().values[rank - 1].item()
