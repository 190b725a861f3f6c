"""What a verifier may touch: labels, answers, or the network itself; every query is counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor

from benchmark.errors import Inapplicable
from benchmark.networks.network import Network
from benchmark.tasks.base import Task

CHUNK = 512


class Access:
    """Counts the images that a suspect was asked about (`queries`)."""

    name: ClassVar[str]

    def __init__(self, task: Task, network: Network) -> None:
        self.queries = 0


class Answers(Access):
    """A prediction API: probabilities, a value, or the cosine of two images. The network stays behind a closure."""

    name: ClassVar[str] = "probability"

    def __init__(self, task: Task, network: Network) -> None:
        super().__init__(task, network)

        @torch.no_grad()
        def respond(x: Tensor, pair: Tensor | None) -> Tensor:
            answer = task.answer(network, x, pair)
            if reason := task.mismatch(answer.shape[1] if answer.ndim > 1 else 1):
                raise Inapplicable(reason)
            return answer

        self._respond: Callable[[Tensor, Tensor | None], Tensor] = respond

    def answers(self, x: Tensor, pair: Tensor | None = None) -> Tensor:
        """The answers to images x (N, 3, H, W) in [0, 1], one query each, as `Task.answer` shapes them.

        Raises:
            ValueError: a pixel lies outside [0, 1], which no API would take.
            Inapplicable: the suspect's answers are of another kind than the task's, such as other classes.
        """
        if x.numel() and not (x.min() >= 0 and x.max() <= 1):
            raise ValueError("queries must lie in [0, 1]")
        parts = [
            self._respond(x[i : i + CHUNK], None if pair is None else pair[i : i + CHUNK])
            for i in range(0, len(x), CHUNK)
        ]
        self.queries += len(x)
        return torch.cat(parts)


class Labels(Access):
    """A prediction API that returns the most likely class and nothing else."""

    name: ClassVar[str] = "label"

    def __init__(self, task: Task, network: Network) -> None:
        super().__init__(task, network)
        hidden = Answers(task, network)
        self._labels: Callable[[Tensor], Tensor] = lambda x: hidden.answers(x).argmax(dim=1)

    def labels(self, x: Tensor) -> Tensor:
        """The labels (N,) of images x (N, 3, H, W) in [0, 1], one query each; raises what `answers` does."""
        found = self._labels(x)
        self.queries += len(x)
        return found


class WhiteBox(Access):
    """The suspect itself; a verifier says with `inspect` how many images it runs through it."""

    name: ClassVar[str] = "white box"

    def __init__(self, task: Task, network: Network) -> None:
        super().__init__(task, network)
        self.task, self._network = task, network

    def inspect(self, count: int, *, inner_only: bool = False) -> Network:
        """The network, to run `count` images through.

        Args:
            count: of images.
            inner_only: the caller looks at inner layers alone, so that the network may answer whatever it likes.

        Raises:
            Inapplicable: its outputs are others than the task's, such as other classes.
        """
        if not inner_only and (reason := self.task.mismatch(self._network.last.out_features)):
            raise Inapplicable(reason)
        self.queries += count
        return self._network
