"""The networks that the bars are stated for, trained briefly, with the digits they are asked about."""

from __future__ import annotations

from functools import cache

import torch

from benchmark.contracts.owner import Owner
from benchmark.contracts.suspect import Ingredients
from benchmark.data.base import Splits
from benchmark.data.digits import Digits
from benchmark.networks.network import Architecture
from benchmark.networks.small import SmallResNet, SmallVGG
from benchmark.tasks.base import Training
from benchmark.tasks.classification import Classification
from benchmark.training.trainer import Trainer
from suspects.independent import Independent

ARCHITECTURES: dict[str, Architecture] = {
    "6k CNN": SmallResNet(widths=(8, 18), stem_stride=4),
    "24k CNN": SmallResNet(widths=(8, 16, 36)),
    "24k CNN, no stride": SmallVGG(widths=(16, 32, 32), convs=(1, 1, 1), hidden=16),  # much arithmetic, few calls
    "ResNet": SmallResNet(widths=(16, 32, 64)),  # the digits experiment's
}
TRAINING = Training(epochs=3, learning_rate=0.004, batch=64)


def digits_task(architecture: Architecture, training: Training = TRAINING) -> Classification:
    return Classification(data=Digits(), architecture=architecture, training=training)


@cache
def digits() -> Splits:
    return Digits().load()


@cache
def owner(name: str) -> Owner:
    """The owner of a victim of one of the architectures."""
    task = digits_task(ARCHITECTURES[name])
    victim = Independent().derive(Ingredients(task, digits(), None, 0, Trainer(device="cpu", channels_last=False).fit))
    return Owner(task, digits(), victim)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)
