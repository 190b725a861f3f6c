"""Jacobian-based data augmentation: extraction from a few images (Papernot et al., AsiaCCS 2017)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from benchmark.access.target import CHUNK
from benchmark.contracts.suspect import Ingredients
from benchmark.data.base import draw
from benchmark.networks.network import Network
from benchmark.spec.component import setting
from benchmark.tasks.base import Task
from suspects.extract import Extraction, Oracle, draw_seed, to_bytes


class JBDA(Extraction, name="suspect/jbda"):
    """x_new = clip(x + lambda sign(d S_y(x) / dx)) for every x so far; S is the substitute, y the victim's label for x.

    `rounds` times the substitute is trained on what was asked, and between two rounds every picture gets a successor,
    so that seeds * 2^(rounds - 1) queries are made. With values in place of labels, S_y is the value. Released code of
    DeepJudge takes the gradient of the sum of all probabilities, which is constant.

    Attributes:
        seeds: images of the task that the thief has: of those that the owner has not got, if there are any, else of
            the validation split; all of these where there are fewer.
        step: lambda, in pixels.
        period: after so many rounds the step changes its sign.
    """

    display: ClassVar[str] = "JBDA"

    epochs: int = setting(default=4, low=1)
    seeds: int = setting(default=150, low=2)
    rounds: int = setting(default=6, low=1)
    step: float = setting(default=0.1, above=0, high=1)
    period: int = setting(default=2, low=1)

    def derive(self, given: Ingredients) -> Network:
        generator = torch.Generator().manual_seed(given.seed)
        known = given.data.rest or given.data.valid
        images = draw(known.images, self.seeds, generator)
        oracle, network = Oracle(given, self.answers), self.substitute(given)
        targets = oracle(images)
        for turn in range(self.rounds):
            if turn:
                step = self.step * (-1) ** ((turn - 1) // self.period)
                made = to_bytes(images.float() / 255 + step * directions(given.task, network, images, targets))
                images, targets = torch.cat([images, made]), torch.cat([targets, oracle(made)])
            network = self.learn(given, network, images, targets, draw_seed(generator))
        return network


def directions(task: Task, network: Network, images: Tensor, targets: Tensor) -> Tensor:
    """sign(d S_y(x) / dx) (N, 3, H, W) for uint8 images, y from the victim's labels (N,) or probabilities (N, C).

    ln S_y has the gradient's sign and does not vanish where the substitute is certain.
    """
    parts = []
    for part in torch.arange(len(images), device=images.device).split(CHUNK):
        x = (images[part].float() / 255).requires_grad_(True)
        output, answer = network(x), targets[part]
        if task.kind == "classification":
            label = answer.argmax(dim=1) if answer.ndim == 2 else answer
            output = output.log_softmax(dim=1).gather(1, label[:, None])
        (gradient,) = torch.autograd.grad(output.sum(), x)
        parts.append(gradient.sign())
    return torch.cat(parts)
