"""Do two images show the same thing? The answer is the cosine of their embeddings."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmark.data.base import ImageSet, Splits
from benchmark.networks.network import Network
from benchmark.spec.component import setting
from benchmark.tasks.base import (
    Likeness,
    Payload,
    Quality,
    Scorer,
    Task,
    better_than_chance,
    finite_outputs,
)


class Similarity(Task, name="task/similarity"):
    """Embeddings trained with the ArcFace loss on `classes` identities; F(x) is Eq. 8 (`cosine`) or Eq. 7 (`l2`)."""

    classes: int = setting(default=10, low=2)
    dimensions: int = setting(default=64, low=2)
    arc_scale: float = setting(default=64.0, above=0)
    arc_margin: float = setting(default=0.5, low=0, high=1.5)
    pairs: int = setting(default=4000, low=10)
    feature: str = setting(default="cosine", choices=("cosine", "l2"))

    kind: ClassVar[str] = "similarity"
    blind: ClassVar[str] = "a coin (exact binomial test)"
    no_label: ClassVar[str] = "a similarity model answers with the cosine of two images, there are no labels to match"

    def network(self) -> Network:
        return self.architecture.network(self.dimensions, classes=self.classes)

    def loss(self, network: Network, x: Tensor, targets: Tensor) -> Tensor:
        assert network.prototypes is not None
        return arcface_loss(network(x), network.prototypes, targets, self.arc_scale, self.arc_margin)

    def imitation(self, student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
        """Mean of 1 - cosine(student, teacher); the temperature has no meaning here."""
        return (1 - F.cosine_similarity(student, teacher, dim=1)).mean()

    def answer(self, network: Network, x: Tensor, pair: Tensor | None = None) -> Tensor:
        if pair is None:
            raise ValueError("a similarity model is asked with two images")
        return self._compare(network(x), network(pair))

    def read(self, answer: Tensor, payload: Payload) -> Tensor:
        return answer

    def scorer(self, network: Network, payload: Payload, *, probability: bool = False) -> Scorer:
        with torch.no_grad():
            pair = network(payload["pair"])
        return lambda output: self._compare(output, pair)

    def preservation(self, network: Network, payload: Payload) -> Scorer:
        """(F(x + delta, pair) - F(x, pair))^2."""
        score, original = self.scorer(network, payload), payload["cosine"]
        return lambda output: (score(output) - original) ** 2

    def kept(self, answer: Tensor, payload: Payload) -> Tensor:
        return (answer - payload["cosine"]).abs() <= self.drop

    def reference(self, network: Network, data: ImageSet, index: Tensor) -> dict[str, Tensor]:
        """The pair is the next image of the same identity in the set's order, cyclic; unperturbed and unmasked."""
        partner = torch.stack([_next_of_kind(data.targets, int(i)) for i in index])
        pair = data.pixels(partner)
        with torch.no_grad():
            return {"pair": pair, "cosine": self._compare(network(data.pixels(index)), network(pair))}

    def quality(self, network: Network, data: Splits) -> Quality:
        """Share of held-out test pairs told right, half of one identity, threshold chosen on validation pairs.

        The test against a coin counts as many pairs as can be drawn with no image twice: more of them are drawn for a
        finer share, and are no further evidence.
        """
        valid, same_valid = self._pair_scores(network, data.valid)
        test, same_test = self._pair_scores(network, data.test)
        candidates = valid.sort().values
        right = ((valid[None] >= candidates[:, None]) == same_valid[None]).double().mean(dim=1)
        threshold = candidates[right.argmax()]
        accuracy = ((test >= threshold) == same_test).double().mean().item()
        detail = {"pair accuracy %": 100 * accuracy, "cosine threshold": threshold.item()}
        pairs = min(len(test), len(data.test) // 2)
        p = better_than_chance(round(accuracy * pairs), pairs, 0.5)
        return Quality(100 * accuracy, 2 * accuracy - 1, p, detail)  # half of the pairs are of one identity

    def likeness(self, network: Network, victim: Network, data: Splits) -> Likeness:
        own, other = (self._pair_scores(each, data.test)[0] for each in (network, victim))
        return Likeness(((own - other).abs() <= self.drop).double().mean().item(), math.nan, math.nan)

    def _compare(self, one: Tensor, other: Tensor) -> Tensor:
        if self.feature == "l2":
            return (one - other).pow(2).sum(dim=1).clamp_min(1e-12).sqrt()
        return F.cosine_similarity(one, other, dim=1)

    def _pair_scores(self, network: Network, data: ImageSet) -> tuple[Tensor, Tensor]:
        """Cosines of `pairs` pairs, and whether each is of one identity (every second one is)."""
        embedding = F.normalize(finite_outputs(network, data), dim=1)
        one, other = draw_pairs(data.targets.cpu(), self.pairs)
        scores = (embedding[one] * embedding[other]).sum(dim=1)
        return scores, data.targets[one] == data.targets[other]


def arcface_loss(embedding: Tensor, prototypes: Tensor, targets: Tensor, scale: float, margin: float) -> Tensor:
    """ArcFace (Deng et al. 2019, Eq. 3): mean cross entropy of s cos(theta_y + m) against s cos(theta_j).

    Args:
        embedding: (N, d), any length.
        prototypes: class centres (classes, d), any length.
        targets: identities (N,).
        scale: s > 0.
        margin: m in radians; where theta + m would pass pi, cos(theta) - m sin(m) keeps the loss monotone.
    """
    with torch.autocast(embedding.device.type, enabled=False):  # a bfloat16 cosine is 1 from 0.998, where acos is steep
        embedding = embedding.to(prototypes.dtype)
        cosine = F.normalize(embedding, dim=1) @ F.normalize(prototypes, dim=1).T  # (N, classes)
        own = cosine.gather(1, targets[:, None]).clamp(-1 + 1e-6, 1 - 1e-6)
        shifted = torch.cos(torch.acos(own) + margin)
        shifted = torch.where(own > math.cos(math.pi - margin), shifted, own - margin * math.sin(margin))
        return F.cross_entropy(scale * cosine.scatter(1, targets[:, None], shifted), targets)


def draw_pairs(targets: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Indices of `count` pairs of distinct images, alternately of one identity and of two; the same draw every time."""
    generator = torch.Generator().manual_seed(len(targets))
    same = targets[:, None] == targets[None]
    kinds = torch.triu(same, diagonal=1).nonzero(), torch.triu(~same, diagonal=1).nonzero()
    half = count // 2
    drawn = [kind[torch.randint(len(kind), (half,), generator=generator)] for kind in kinds]
    pairs = torch.stack(drawn, dim=1).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _next_of_kind(targets: Tensor, index: int) -> Tensor:
    kin = (targets == targets[index]).nonzero().squeeze(1)
    return kin[(torch.searchsorted(kin, index) + 1) % len(kin)]
