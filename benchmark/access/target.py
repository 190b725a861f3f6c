"""What is judged: something that answers, and its network where there is one to look into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.errors import Inapplicable
from benchmark.networks.network import Network
from benchmark.store.content import not_finite
from benchmark.tasks.base import Task

CHUNK = 512


@dataclass(frozen=True)
class Target:
    """A model to be judged, by what it answers.

    Attributes:
        task: the victim's, which says what an answer means.
        respond: answers (N, ...) to images (N, 3, H, W) in [0, 1] and, where the task wants them, their pairs.
        network: None where nobody has it, such as behind an API.
    """

    task: Task
    respond: Callable[[Tensor, Tensor | None], Tensor]
    network: Network | None = None

    @classmethod
    def of(cls, task: Task, network: Network) -> Target:
        """The target that a network at hand is."""

        @torch.no_grad()
        def respond(x: Tensor, pair: Tensor | None) -> Tensor:
            answer = task.answer(network, x, pair)
            if reason := task.mismatch(answer.shape[1] if answer.ndim > 1 else 1):
                raise Inapplicable(reason)
            return answer

        return cls(task, respond, network)

    def answers(self, x: Tensor, pair: Tensor | None = None) -> Tensor:
        """The answers to images x (N, 3, H, W) in [0, 1], as `Task.answer` shapes them, asked in chunks.

        Raises:
            ValueError: a pixel lies outside [0, 1], which no API would take, or an answer is not finite.
            Inapplicable: the answers are of another kind than the task's, such as other classes.
        """
        if x.numel() and not (x.min() >= 0 and x.max() <= 1):
            raise ValueError("queries must lie in [0, 1]")
        parts = [
            self.respond(x[i : i + CHUNK], None if pair is None else pair[i : i + CHUNK])
            for i in range(0, len(x), CHUNK)
        ]
        answers = torch.cat(parts)
        if lost := not_finite(answers):
            raise ValueError(f"{lost} of {answers.numel()} answers of the model are not finite")
        return answers
