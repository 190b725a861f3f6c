"""A task's network: drawn from a seed, or built again from stored tensors, and whether it comes out as it went in."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from benchmark.errors import InputError
from benchmark.networks.network import Network, load
from benchmark.store.content import not_finite
from benchmark.tasks.base import Task


def rebuilt(task: Task, state: Mapping[str, Tensor]) -> Network:
    """A network of the task with these tensors, on the CPU; torch's global generators stay as they were."""
    with torch.random.fork_rng():
        network = task.network()
    return load(network, state)


def untrained(task: Task, seed: int) -> Network:
    """A network of the task's architecture, on the CPU, its weights drawn from the seed or out of the user's file."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = task.network()
    return task.architecture.start(network)


def check_finite(network: Network) -> None:
    """Makes sure that a derived network has no weight, or other tensor that is stored with them, beyond numbers.

    Raises:
        InputError: it has.
    """
    weights = list(network.state_dict().values())
    if lost := sum(map(not_finite, weights)):
        total = sum(weight.numel() for weight in weights)
        raise InputError(f"{lost} of {total} weights are not finite; milder settings of the recipe would do")


def check_rebuilds(task: Task, network: Network, x: Tensor) -> None:
    """Makes sure, before a derived network is stored, that it can be built again from its tensors.

    Args:
        x: pixels (N, 3, H, W) on which both must answer alike.

    Raises:
        ValueError: it cannot, or answers otherwise then.
    """
    try:
        again = rebuilt(task, network.state_dict()).to(x.device).eval()
        with torch.no_grad():
            own, other = network(x), again(x)
    except (RuntimeError, KeyError, ValueError) as error:
        raise ValueError(f"the network cannot be built again from its tensors: {error}") from error
    if own.shape != other.shape or not torch.allclose(own, other, rtol=1e-3, atol=1e-3):
        raise ValueError("the network answers otherwise when it is built again from its tensors")
