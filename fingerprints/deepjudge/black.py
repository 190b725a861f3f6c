"""DeepJudge's black box: adversarial examples of the owner's model as test cases, distances RobD and JSD on them.

Rob(f, T) = mean 1[f(x') = y]        RobD = |Rob(S, T) - Rob(O, T)|                          in [0, 1]
JSD = mean KL(O(x') || Q) / 2 + KL(S(x') || Q) / 2,  Q = (O(x') + S(x')) / 2, natural log    in [0, ln 2]
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import torch
from torch import Tensor

from benchmark.access.access import LABEL, PROBABILITY, AnswerAPI, LabelAPI
from benchmark.access.target import Target
from benchmark.contracts.fingerprint import Verifier
from benchmark.contracts.owner import Owner
from benchmark.contracts.prints import Prints
from benchmark.crafting.attacks import carlini_wagner, fgsm, pgd
from benchmark.errors import InputError, Reason
from benchmark.networks.network import Network
from benchmark.spec.component import setting
from benchmark.tasks.base import Payload, Task, labels
from fingerprints.deepjudge.distances import DeepJudge, DistanceVerifier


class DeepJudgeBlack(DeepJudge, name="fingerprint/deepjudge_black"):
    """Test cases are those seeds of which the attack succeeds: O(x') != y.

    Attributes:
        attack: `fgsm`, `pgd`, or `cw` (Carlini and Wagner, L2).
        eps: of FGSM and PGD, the bound of |x' - x| in every pixel.
        step: of PGD.
        iterations: of PGD.
        project: FGSM and PGD keep to the bound; without it eps bounds the random start alone.
        kappa: of CW, by how much another logit exceeds the label's.
        c: of CW, the first weight of the misclassification.
        searches: of CW, how many c are tried.
        learning_rate: of CW's Adam.
        steps: of CW's Adam, for each c.
    """

    display: ClassVar[str] = "DeepJudge black box"
    displays: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"robd": "DeepJudge RobD", "jsd": "DeepJudge JSD", "black": "DeepJudge black box"}
    )

    attack: str = setting(default="pgd", choices=("fgsm", "pgd", "cw"))
    eps: float = setting(default=0.05, above=0, high=1)
    step: float = setting(default=0.0125, above=0)
    iterations: int = setting(default=10, low=1)
    project: bool = True
    kappa: float = setting(default=5.0, low=0)
    c: float = setting(default=0.01, above=0)
    searches: int = setting(default=3, low=1)
    learning_rate: float = setting(default=0.001, above=0)
    steps: int = setting(default=1000, low=1)
    chunk: int = setting(default=256, low=1, stage="runtime")

    distances: ClassVar[tuple[str, ...]] = ("robd", "jsd")
    whole: ClassVar[str] = PROBABILITY

    def inapplicable(self, task: Task) -> Reason:
        return "adversarial test cases leave a class, and the task has none" if task.no_label else ""

    def verifiers(self, task: Task) -> Mapping[str, Verifier]:
        return {"robd": RobD(self), "jsd": AnswerDistance(self, "jsd"), "black": AnswerDistance(self, *self.distances)}

    def generate(self, owner: Owner, count: int, generator: torch.Generator) -> Prints:
        test, index = owner.data.test, self.seeds(owner, generator)
        kept, tried, found = [], 0, 0
        while found < count and tried < len(index):
            part = index[tried : tried + count]
            x, y = test.pixels(part), test.targets[part]
            samples = self._attack(owner.victim, x, y, generator)
            astray = labels(owner.victim, samples) != y
            kept.append((samples[astray], x[astray], y[astray]))
            tried, found = tried + len(part), found + int(astray.sum())
        if found < count:
            raise InputError(
                f"count: {self.attack} led {found} of {tried} test images astray, {count} wanted; "
                "a smaller count, a larger eps or more steps would do"
            )
        samples, x, y = (torch.cat(items)[:count] for items in zip(*kept, strict=True))
        answer = Target.of(owner.task, owner.victim).answers(samples)
        notes = {"tried": tried, "accepted": found / tried}
        return self.calibrated(owner, Prints(samples, x, {"label": y, "answer": answer}, notes))

    def _attack(self, victim: Network, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """x' (N, 3, H, W) in [0, 1]."""
        if self.attack == "fgsm":
            return fgsm(victim, x, y, self.eps, generator, project=self.project, chunk=self.chunk)
        if self.attack == "pgd":
            steps = self.step, self.iterations
            return pgd(victim, x, y, self.eps, *steps, generator, project=self.project, chunk=self.chunk)
        search = self.learning_rate, self.steps, self.searches, self.c
        return carlini_wagner(victim, x, y, self.kappa, *search, chunk=self.chunk)

    def terms(self, suspect: AnswerAPI, samples: Tensor, payload: Payload) -> Tensor:
        answer, own, label = suspect.answers(samples), payload["answer"], payload["label"]
        robustness = rightness(answer.argmax(dim=1), label) - rightness(own.argmax(dim=1), label)
        return torch.stack([robustness, divergence(own, answer)], dim=1)


class AnswerDistance(DistanceVerifier):
    """Distances between two vectors of probabilities; one query a print."""

    access = PROBABILITY


class RobD(DistanceVerifier):
    """The distance in robustness, for which labels are enough; one query a print."""

    access = LABEL

    def __init__(self, method: DeepJudgeBlack) -> None:
        super().__init__(method, "robd")

    def measure(self, prints: Prints, suspect: LabelAPI) -> Tensor:
        label = prints.payload["label"]
        own = rightness(prints.payload["answer"].argmax(dim=1), label)
        return rightness(suspect.labels(prints.samples), label) - own


def rightness(found: Tensor, label: Tensor) -> Tensor:
    """1[f(x') = y] (N,) as numbers."""
    return (found == label).float()


def divergence(one: Tensor, other: Tensor) -> Tensor:
    """The Jensen-Shannon divergence of two probability vectors (N, classes) per row (N,), in [0, ln 2]."""
    p, q = one.double(), other.double()
    middle = (p + q) / 2
    both = [torch.xlogy(each, each) - torch.xlogy(each, middle) for each in (p, q)]
    return torch.stack(both).sum(dim=(0, 2)).div(2).clamp_min(0).to(one.dtype)
