"""Channels: what stands between a query and a black-box suspect."""

from __future__ import annotations

from abc import ABC
from typing import ClassVar

from torch import Tensor

from benchmark.spec.component import Component


class Channel(Component, ABC):
    """What becomes of a query on its way to the suspect, and of the answer on its way back; by default nothing.

    A channel concerns who is asked. A white box is not asked: to its verifiers a channel does not apply, unless it is
    one of the prints themselves (`of_prints`), such as the format in which they are kept.
    """

    of_prints: ClassVar[bool] = False

    def query(self, x: Tensor) -> Tensor:
        """What the suspect sees of images x (N, 3, H, W) in [0, 1]: the same shape and range."""
        return x

    def answer(self, y: Tensor) -> Tensor:
        """What is let out of the suspect's answers y, probabilities (N, classes), values (N,) or cosines (N,)."""
        return y


class AsMade(Channel, name="channel/as_made"):
    """Nothing in between: prints arrive as they were made."""

    of_prints: ClassVar[bool] = True


class EightBit(Channel, name="channel/eight_bit"):
    """Pictures of 8 bits a channel, which is how prints are kept and what a deployed API receives."""

    of_prints: ClassVar[bool] = True

    def query(self, x: Tensor) -> Tensor:
        return (x * 255).round() / 255
