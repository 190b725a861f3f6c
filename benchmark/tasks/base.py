"""What a task is: data, architecture, training, and what a model's answer means.

Everything that differs between classification, regression and feature similarity is here, so that suspects and
fingerprints are written once. Per-print tensors that a reading needs (class, value, pair image) travel as `payload`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from benchmark.data.augment import Augment
from benchmark.data.base import DataSource, ImageSet, Splits
from benchmark.errors import InputError, Reason
from benchmark.networks.network import Architecture, Network
from benchmark.spec.component import Component, setting

Payload = Mapping[str, Tensor]
Loss = Callable[[Network, Tensor, Tensor], Tensor]  # (network, pixels, targets) -> the mean loss, a scalar
Scorer = Callable[[Tensor], Tensor]  # a network's output (N, ...) -> the score F(x) (N,) that Grad-CAM explains


class Training(Component, name="training/one_cycle"):
    """AdamW on a one-cycle schedule (Smith and Topin 2018) that peaks at `learning_rate`."""

    epochs: int = setting(default=10, low=1)
    learning_rate: float = setting(default=0.004, above=0)
    batch: int = setting(default=64, low=2)
    weight_decay: float = setting(default=1e-4, low=0)
    augment: Augment | None = setting(default=None, later=True)


@dataclass(frozen=True)
class Quality:
    """How good a model is.

    Attributes:
        value: in percent, 100 is perfect.
        skill: how far the model is above a blind answer (the majority class, the median, a coin): 0 is no better, 1 is
            perfect. A loss of skill means the same everywhere, points of accuracy do not.
        p: of a one-sided test that the model is no better than the blind answer, in [0, 1].
    """

    value: float
    skill: float
    p: float
    detail: dict[str, float]


@dataclass(frozen=True)
class Likeness:
    """How far a model answers as the victim does, on test images.

    Attributes:
        agreement: share of answers in [0, 1] that are the victim's: the same label, or within the task's `drop` of it.
        divergence: mean KL(victim || model) of their probabilities in nats; NaN where answers are no probabilities.
        balanced: the model's accuracy in percent, mean over classes; NaN where there are none.
    """

    agreement: float
    divergence: float
    balanced: float


class Task(Component, ABC):
    """A task; `drop` is the fall of the answer F(x), in its own unit, that counts as one in Eq. 6 (t_bb)."""

    data: DataSource
    architecture: Architecture
    training: Training = Training()
    drop: float = setting(default=0.05, above=0, stage="measure")

    kind: ClassVar[str]
    blind: ClassVar[str]  # the answer that takes no look at the image, and the test that `Quality.p` is of
    no_label: ClassVar[Reason] = ""  # why label matching does not apply

    @abstractmethod
    def network(self) -> Network:
        """An untrained network for this task, its weights drawn from torch's global generator."""

    @abstractmethod
    def loss(self, network: Network, x: Tensor, targets: Tensor) -> Tensor:
        """The mean training loss of pixels x (N, 3, H, W) and their targets (N,)."""

    @abstractmethod
    def imitation(self, student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
        """The mean distillation loss between two networks' outputs."""

    @abstractmethod
    def answer(self, network: Network, x: Tensor, pair: Tensor | None = None) -> Tensor:
        """What the deployed model returns: probabilities (N, classes), values (N,) or cosines with `pair` (N,)."""

    @abstractmethod
    def read(self, answer: Tensor, payload: Payload) -> Tensor:
        """F(x) (N,) out of a black-box answer: probability of the print's class, value, or cosine."""

    @abstractmethod
    def scorer(self, network: Network, payload: Payload, *, probability: bool = False) -> Scorer:
        """F(x) as a differentiable function of the output: the class's logit (or probability), value, cosine."""

    @abstractmethod
    def preservation(self, network: Network, payload: Payload) -> Scorer:
        """L_prd of Eq. 4 per print, a function of the output: the task's loss against the original answer."""

    @abstractmethod
    def kept(self, answer: Tensor, payload: Payload) -> Tensor:
        """Whether an answer still means the original answer (N,): the same class, or a value within `drop` of it."""

    @abstractmethod
    def reference(self, network: Network, data: ImageSet, index: Tensor) -> dict[str, Tensor]:
        """The payload that `read`, `scorer` and `preservation` need for the images of `data` at `index`."""

    @abstractmethod
    def quality(self, network: Network, data: Splits) -> Quality:
        """The network's quality on the test split, thresholds (if any) chosen on the validation split.

        Raises:
            InputError: answers of it are not finite.
        """

    @abstractmethod
    def likeness(self, network: Network, victim: Network, data: Splits) -> Likeness:
        """How far the network, which solves this very task, answers the test split as the victim does."""

    def mismatch(self, outputs: int) -> Reason:
        """Why answers of a suspect with so many outputs cannot be compared with the victim's."""
        return ""

    def eligible(self, network: Network, data: ImageSet) -> Tensor:
        """Indices of the images that may become prints: by default all."""
        return torch.arange(len(data), device=data.images.device)


@torch.no_grad()
def outputs(network: Network, data: ImageSet, chunk: int = 512) -> Tensor:
    """The network's outputs for a whole set, evaluated in chunks in the mode (train or eval) that it is in."""
    return torch.cat([network(data.pixels(slice(i, i + chunk))) for i in range(0, len(data), chunk)])


def finite_outputs(network: Network, data: ImageSet) -> Tensor:
    """The network's outputs for a whole set.

    Raises:
        InputError: some are not finite.
    """
    found = outputs(network, data)
    if lost := int((~found.isfinite()).reshape(len(found), -1).any(dim=1).sum()):
        raise InputError(
            f"its answers to {lost} of {len(found)} images are not finite; a lower learning_rate, or milder settings "
            "of the recipe, would do"
        )
    return found


def better_than_chance(right: int, count: int, chance: float) -> float:
    """p of the exact one-sided binomial test: how likely `right` or more of `count` are, each right by `chance`."""
    from scipy.stats import binomtest

    return float(binomtest(right, count, chance, alternative="greater").pvalue)


@torch.no_grad()
def labels(network: Network, x: Tensor) -> Tensor:
    """The network's labels (N,) for images x (N, 3, H, W), in one batch."""
    return network(x).argmax(dim=1)
