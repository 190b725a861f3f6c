"""ES attack: extraction without any data (Yuan et al. 2020, estimation and synthesis)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from benchmark.access.target import CHUNK
from benchmark.contracts.suspect import Ingredients
from benchmark.crafting.descent import AdamDescent
from benchmark.errors import Reason
from benchmark.networks.network import Network
from benchmark.spec.component import setting
from benchmark.tasks.base import Task
from suspects.extract import Extraction, Oracle, draw_seed, to_bytes


class Synthesis(Extraction, name="suspect/synthesis"):
    """Asks about pictures of noise, trains on the answers (E), and makes the next pictures with the substitute (S).

    S draws noise anew and moves it with `steps` steps of Adam until the substitute answers a random distribution of
    classes. `rounds` * `images` queries are made.
    """

    epochs: int = setting(default=5, low=1)
    images: int = setting(default=256, low=2)
    rounds: int = setting(default=8, low=1)
    steps: int = setting(default=20, low=1)
    step: float = setting(default=0.01, above=0)

    def inapplicable(self, task: Task) -> Reason:
        if task.kind != "classification":
            return "pictures are synthesised for class distributions, and the task has no classes"
        return super().inapplicable(task)

    def derive(self, given: Ingredients) -> Network:
        generator = torch.Generator().manual_seed(given.seed)
        train = given.data.train.images
        oracle, network = Oracle(given, self.answers), self.substitute(given)
        for turn in range(self.rounds):
            noise = torch.rand((self.images, *train.shape[1:]), generator=generator).to(train.device)
            images = to_bytes(noise if turn == 0 else self._synthesise(network, noise, generator))
            network = self.learn(given, network, images, oracle(images), draw_seed(generator))
        return network

    def _synthesise(self, network: Network, x: Tensor, generator: torch.Generator) -> Tensor:
        """Pictures that the substitute answers with distributions drawn here, from the noise x (N, 3, H, W)."""
        classes = network.last.out_features
        wanted = distributions(len(x), classes, draw_seed(generator)).to(x.device)
        descent = AdamDescent(self.step)
        for _ in range(self.steps):
            parts = zip(x.split(CHUNK), wanted.split(CHUNK), strict=True)
            x = (x + descent.move(torch.cat([_gradient(network, *part) for part in parts]))).clamp(0, 1)
        return x


def _gradient(network: Network, x: Tensor, wanted: Tensor) -> Tensor:
    """The gradient (N, 3, H, W) at the pictures x of the cross entropy of each with the distribution it is to get."""
    x = x.detach().requires_grad_(True)
    return torch.autograd.grad(F.cross_entropy(network(x), wanted, reduction="sum"), x)[0]


def distributions(count: int, classes: int, seed: int) -> Tensor:
    """Class distributions (count, classes) from Dirichlet(alpha), each alpha_c uniform on 1 to 999, drawn per row."""
    random = np.random.default_rng(seed)
    gamma = random.standard_gamma(random.integers(1, 1000, size=(count, classes)))
    return torch.from_numpy(gamma / gamma.sum(axis=1, keepdims=True)).float()
