"""Many minimisations as one batch, out of which each sample leaves as soon as it has arrived."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from benchmark.crafting.descent import Descent

Objective = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


class Minimised(NamedTuple):
    """Where each sample came to rest.

    Attributes:
        points: (N, ...), as each was seen to have arrived, or after the last step.
        arrived: (N,) booleans.
        taken: how many steps each took (N,).
    """

    points: Tensor
    arrived: Tensor
    taken: Tensor


def minimise(objective: Objective, start: Tensor, descent: Descent, steps: int, *, clip: bool = True) -> Minimised:
    """Moves each sample against the gradient of its own loss until it has arrived, `steps` times at most.

    A sample is looked at before each step and stays as it is once it has arrived. Where the last step has brought it
    nobody looks.

    Args:
        objective: of points (M, ...) and of their numbers (M,) in `start`: their losses (M,), and which have arrived
            (M,). A sample's loss must depend on no other's point.
        start: (N, ...); it is not changed.
        descent: the step rule, in its first state.
        clip: bring every step back to pictures, values in [0, 1].
    """
    found, point = start.clone(), start.clone()
    active = torch.arange(len(start), device=start.device)
    arrived = torch.zeros_like(active, dtype=torch.bool)
    taken = torch.full_like(active, steps)
    for step in range(steps):
        point.requires_grad_(True)
        loss, there = objective(point, active)
        (gradient,) = torch.autograd.grad(loss.sum(), point)
        point = point.detach()
        if there.any():
            resting = active[there]
            found[resting], arrived[resting], taken[resting] = point[there], True, step
            active, point, gradient = active[~there], point[~there], gradient[~there]
            descent.keep(~there)
            if not len(active):
                break
        point = point + descent.move(gradient)
        if clip:
            point = point.clamp(0, 1)
    found[active] = point
    return Minimised(found, arrived, taken)
