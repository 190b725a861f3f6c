"""Steps for a batch of independent optimisations: each sample has its own state and may leave when it is done."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor


class Descent(ABC):
    """A step rule. `move` gives what to add to the points; `keep` drops the state of samples that have left."""

    @abstractmethod
    def move(self, gradient: Tensor) -> Tensor:
        """The change of the points for per-sample gradients (N, ...)."""

    @abstractmethod
    def keep(self, mask: Tensor) -> None:
        """Keeps the state of the samples where `mask` (N,) is true."""


class SignDescent(Descent):
    """-rate * sign(gradient)."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def move(self, gradient: Tensor) -> Tensor:
        return -self.rate * gradient.sign()

    def keep(self, mask: Tensor) -> None:
        """There is no state."""


class AdamDescent(Descent):
    """Adam (Kingma and Ba 2015) with its defaults, as torch.optim.Adam would step each sample alone."""

    def __init__(self, rate: float) -> None:
        self.rate, self.time = rate, 0
        self.mean = self.square = torch.zeros(())

    def move(self, gradient: Tensor) -> Tensor:
        self.time += 1
        self.mean = 0.9 * self.mean + 0.1 * gradient
        self.square = 0.999 * self.square + 0.001 * gradient**2
        mean, square = self.mean / (1 - 0.9**self.time), self.square / (1 - 0.999**self.time)
        return -self.rate * mean / (square.sqrt() + 1e-8)

    def keep(self, mask: Tensor) -> None:
        if self.time:
            self.mean, self.square = self.mean[mask], self.square[mask]
