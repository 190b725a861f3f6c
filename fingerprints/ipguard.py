"""IPGuard: data points near the victim's decision boundary (Cao, Jia, Gong, AsiaCCS 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmark.contracts.owner import Needs, Owner
from benchmark.contracts.prints import Prints
from benchmark.crafting.active import Minimised, minimise
from benchmark.crafting.descent import AdamDescent
from benchmark.data.base import draw
from benchmark.errors import InputError
from benchmark.networks.network import Network
from benchmark.spec.component import setting
from benchmark.tasks.base import labels
from fingerprints.labels import LabelFingerprint


class IPGuard(LabelFingerprint, name="fingerprint/ipguard"):
    """min_x ReLU(Z_i(x) - Z_j(x) + k) + ReLU(max_{t != i,j} Z_t(x) - Z_i(x))  (Eq. 5), Z logits, i the start's label.

    Four public versions differ in k, rate, target, stop and clipping, and with them in what they find; all five are
    settings. With `k_grid`, k is the one that separates the owner's surrogates from references best (mean label match
    of surrogates minus that of references, the smaller k on a tie), on `sweep` prints each; no judged suspect is asked.
    """

    display: ClassVar[str] = "IPGuard"

    k: float = setting(default=10.0, low=0)
    k_grid: tuple[float, ...] = setting(default=(0.1, 1.0, 5.0, 10.0, 20.0), low=0)
    sweep: int = setting(default=20, low=4)
    start: str = setting(default="train", choices=("train", "noise"))
    target: str = setting(default="least_likely", choices=("least_likely", "random"))
    stop: str = setting(default="loss", choices=("loss", "flip"))
    learning_rate: float = setting(default=0.01, above=0)
    steps: int = setting(default=1000, low=1)
    clip: bool = True
    surrogates: int = setting(default=3, low=0)
    references: int = setting(default=2, low=0)
    chunk: int = setting(default=1024, low=1, stage="runtime")

    def generate(self, owner: Owner, count: int, generator: torch.Generator) -> Prints:
        k, notes = self._choose_k(owner, generator)
        x, label = self._starts(owner, count, generator)
        found = self._optimise(owner.victim, x, torch.full((count,), k, device=x.device), generator)
        samples = found.samples.clamp(0, 1)  # an API takes no other; without `clip` this moves the print, and is noted
        answer = labels(owner.victim, samples)
        with torch.no_grad():
            gap = boundary_gap(owner.victim(samples), found.source, found.goal)
        notes |= {
            "k": k,
            "converged": found.converged.double().mean().item(),
            "gap": gap.mean().item(),
            "outside [0,1]": (found.samples != samples).flatten(1).any(dim=1).double().mean().item(),
        }
        payload = {"answer": answer, "target": found.goal} | ({} if label is None else {"label": label})
        return Prints(samples, x, payload, notes)

    def _starts(self, owner: Owner, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
        """Start images (N, 3, H, W) and their true labels, if they have any."""
        train = owner.data.train
        if self.start == "noise":
            shape = (count, *train.images.shape[1:])
            return torch.rand(shape, generator=generator).to(train.images.device), None
        index = draw(torch.arange(len(train), device=train.images.device), count, generator)
        return train.pixels(index), train.targets[index]

    def _choose_k(self, owner: Owner, generator: torch.Generator) -> tuple[float, dict[str, object]]:
        """The k to use, and the separation that each candidate reached on auxiliary models."""
        if not self.k_grid:
            return self.k, {}
        x, _ = self._starts(owner, self.sweep, generator)
        grid = sorted(self.k_grid)
        k = torch.tensor(grid, device=x.device).repeat_interleave(len(x))
        samples = self._optimise(owner.victim, x.repeat(len(grid), 1, 1, 1), k, generator).samples.clamp(0, 1)
        answer = labels(owner.victim, samples)

        def agreement(models: tuple[Network, ...]) -> Tensor:
            same = torch.stack([labels(model, samples) == answer for model in models])
            return same.double().mean(dim=0).reshape(len(grid), -1).mean(dim=1)

        separation = agreement(owner.surrogates) - agreement(owner.references)
        chosen = grid[int(separation.argmax())]
        return chosen, {f"separation at k={k:g}": value for k, value in zip(grid, separation.tolist(), strict=True)}

    def needs(self) -> Needs:
        return Needs(self.surrogates, self.references) if self.k_grid else Needs()

    def check(self) -> None:
        if self.k_grid and not (self.surrogates and self.references):
            raise InputError("k_grid: choosing k takes auxiliary models, set surrogates and references to 1 or more")

    def _optimise(self, victim: Network, x: Tensor, k: Tensor, generator: torch.Generator) -> _Found:
        """Adam on all points at once; a point that has arrived is frozen and leaves the batch."""
        with torch.no_grad():
            logits = victim(x)
        source = logits.argmax(dim=1)
        goal = self._goals(logits, source, generator)
        parts = [
            self._descend(victim, x[part], k[part], source[part], goal[part])
            for part in torch.arange(len(x), device=x.device).split(self.chunk)
        ]
        samples, converged, _ = (torch.cat(items) for items in zip(*parts, strict=True))
        return _Found(samples, source, goal, converged)

    def _goals(self, logits: Tensor, source: Tensor, generator: torch.Generator) -> Tensor:
        """The target class j != i of each point."""
        if self.target == "least_likely":
            return logits.scatter(1, source[:, None], torch.inf).argmin(dim=1)
        offset = torch.randint(1, logits.shape[1], (len(logits),), generator=generator).to(logits.device)
        return (source + offset) % logits.shape[1]

    def _descend(self, victim: Network, x: Tensor, k: Tensor, source: Tensor, goal: Tensor) -> Minimised:
        def objective(point: Tensor, active: Tensor) -> tuple[Tensor, Tensor]:
            logits = victim(point)
            loss = boundary_loss(logits, source[active], goal[active], k[active])
            return loss, loss == 0 if self.stop == "loss" else logits.argmax(dim=1) == goal[active]

        return minimise(objective, x, AdamDescent(self.learning_rate), self.steps, clip=self.clip)


@dataclass(frozen=True)
class _Found:
    samples: Tensor
    source: Tensor
    goal: Tensor
    converged: Tensor


def boundary_loss(logits: Tensor, source: Tensor, goal: Tensor, k: Tensor) -> Tensor:
    """Eq. 5 per point (N,): logits (N, classes), source i, goal j, k (N,). With two classes the second term is 0."""
    own, other = logits.gather(1, source[:, None]).squeeze(1), logits.gather(1, goal[:, None]).squeeze(1)
    rest = logits.scatter(1, torch.stack([source, goal], dim=1), -torch.inf).amax(dim=1)
    return F.relu(own - other + k) + F.relu(rest - own)


def boundary_gap(logits: Tensor, source: Tensor, goal: Tensor) -> Tensor:
    """Z_j - Z_i per point (N,): how far past the boundary between i and j a point lies."""
    return (logits.gather(1, goal[:, None]) - logits.gather(1, source[:, None])).squeeze(1)
