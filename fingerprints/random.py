"""Random: the cheapest baseline. Any fingerprint must beat label agreement on plain test images."""

from __future__ import annotations

from typing import ClassVar

import torch

from benchmark.contracts.owner import Owner
from benchmark.contracts.prints import Prints
from benchmark.data.base import draw
from benchmark.tasks.base import labels
from fingerprints.labels import LabelFingerprint


class Random(LabelFingerprint, name="fingerprint/random"):
    """Random test images, unchanged."""

    display: ClassVar[str] = "Random images"

    pool: ClassVar[str] = "test"

    def generate(self, owner: Owner, count: int, generator: torch.Generator) -> Prints:
        test = owner.data.test
        index = draw(torch.arange(len(test), device=test.images.device), count, generator)
        samples = test.pixels(index)
        payload = {"answer": labels(owner.victim, samples), "label": test.targets[index]}
        return Prints(samples, samples, payload)
