"""How conspicuous prints are: distance from the images they came from, and whether the victim reads them right."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.contracts.prints import Prints
from benchmark.networks.network import Network
from benchmark.tasks.base import Task

IDENTICAL = 100.0  # dB reported for an unchanged image, whose PSNR is infinite


def psnr(samples: Tensor, origin: Tensor | None) -> float | None:
    """Mean over prints of 10 log10(1 / MSE) in dB, MSE over channels and pixels (N, 3, H, W) in [0, 1].

    An unchanged image counts 100 dB; None where prints have no origin.
    """
    if origin is None:
        return None
    error = (samples - origin).double().pow(2).flatten(1).mean(dim=1)
    return (-10 * error.clamp_min(1e-300).log10()).clamp_max(IDENTICAL).mean().item()


@torch.no_grad()
def label_accuracy(task: Task, victim: Network, prints: Prints) -> float | None:
    """Share of prints that the victim gives the true label of their source; None where there are no labels."""
    if task.no_label or "label" not in prints.payload:
        return None
    return (victim(prints.samples).argmax(dim=1) == prints.payload["label"]).double().mean().item()
