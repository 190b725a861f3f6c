"""Which of several classes does an image show? The answer is the vector of class probabilities."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmark.data.base import ImageSet, Splits
from benchmark.errors import Reason
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
    outputs,
)


class Classification(Task, name="task/classification"):
    """Cross entropy over `classes`; F(x) is the print's class's probability (black box) or logit (white box)."""

    classes: int = setting(default=10, low=2)

    kind: ClassVar[str] = "classification"
    blind: ClassVar[str] = "the most frequent class of training (exact binomial test)"

    def network(self) -> Network:
        return self.architecture.network(self.classes)

    def loss(self, network: Network, x: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(network(x), targets)

    def imitation(self, student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
        """T^2 KL(softmax(teacher/T) || softmax(student/T)), mean over the batch (Hinton et al. 2015)."""
        log_student = F.log_softmax(student / temperature, dim=1)
        log_teacher = F.log_softmax(teacher / temperature, dim=1)
        return temperature**2 * F.kl_div(log_student, log_teacher, reduction="batchmean", log_target=True)

    def answer(self, network: Network, x: Tensor, pair: Tensor | None = None) -> Tensor:
        return network(x).softmax(dim=1)

    def read(self, answer: Tensor, payload: Payload) -> Tensor:
        return _pick(answer, payload["label"])

    def scorer(self, network: Network, payload: Payload, *, probability: bool = False) -> Scorer:
        label = payload["label"]
        return lambda output: _pick(output.softmax(dim=1) if probability else output, label)

    def preservation(self, network: Network, payload: Payload) -> Scorer:
        label = payload["label"]
        return lambda output: F.cross_entropy(output, label, reduction="none")

    def kept(self, answer: Tensor, payload: Payload) -> Tensor:
        return answer.argmax(dim=1) == payload["label"]

    def reference(self, network: Network, data: ImageSet, index: Tensor) -> dict[str, Tensor]:
        return {"label": data.targets[index]}

    def quality(self, network: Network, data: Splits) -> Quality:
        """The blind answer is the class that is most frequent in training; if it is always right, nobody has skill."""
        right = finite_outputs(network, data.test).argmax(dim=1) == data.test.targets
        accuracy = right.double().mean().item()
        blind = (data.test.targets == data.train.targets.mode().values).double().mean().item()
        skill = (accuracy - blind) / (1 - blind) if blind < 1 else 0.0
        p = better_than_chance(int(right.sum()), len(right), blind)
        return Quality(100 * accuracy, skill, p, {"accuracy %": 100 * accuracy})

    def likeness(self, network: Network, victim: Network, data: Splits) -> Likeness:
        own, other = (outputs(each, data.test).double() for each in (network, victim))
        right = own.argmax(dim=1) == data.test.targets
        recalls = [right[data.test.targets == label].double().mean() for label in data.test.targets.unique()]
        kl = F.kl_div(own.log_softmax(dim=1), other.log_softmax(dim=1), reduction="batchmean", log_target=True)
        agreement = (own.argmax(dim=1) == other.argmax(dim=1)).double().mean()
        return Likeness(agreement.item(), kl.item(), 100 * torch.stack(recalls).mean().item())

    def mismatch(self, outputs: int) -> Reason:
        same = outputs == self.classes
        return "" if same else f"label space differs: {outputs} classes instead of {self.classes}"

    def eligible(self, network: Network, data: ImageSet) -> Tensor:
        """Images that the network classifies correctly."""
        return torch.nonzero(outputs(network, data).argmax(dim=1) == data.targets).squeeze(1)


def _pick(values: Tensor, label: Tensor) -> Tensor:
    return values.gather(1, label[:, None]).squeeze(1)
