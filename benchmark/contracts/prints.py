"""Prints: the queries that a method made for one victim, with what verification needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from benchmark.tasks.base import Payload


@dataclass(frozen=True)
class Prints:
    """The queries that a method made for one victim.

    Attributes:
        samples: (N, 3, H, W) in [0, 1].
        origin: the images they were made from, same shape, or None where there is none.
        payload: what verification needs, per print (N, ...) or as one number (): classes, answers, thresholds.
        notes: what the method reports of its own work (share accepted, steps, chosen k), as JSON values.
    """

    samples: Tensor
    origin: Tensor | None
    payload: Payload
    notes: Mapping[str, Any] = field(default_factory=dict)

    def part(self, index: Tensor | slice) -> Prints:
        """Some of the prints, by numbers (M,) or by a mask (N,), without the notes."""
        origin = None if self.origin is None else self.origin[index]
        return Prints(self.samples[index], origin, part(self.payload, index))


def part(payload: Payload, index: Tensor | slice) -> dict[str, Tensor]:
    """The payload of some prints; single numbers are of all."""
    return {name: value[index] if value.ndim else value for name, value in payload.items()}


def first(groups: Sequence[Prints], count: int) -> Prints:
    """The first `count` prints of several groups in order, whose single numbers agree."""
    payload = {
        name: torch.cat([group.payload[name] for group in groups])[:count] if value.ndim else value
        for name, value in groups[0].payload.items()
    }
    origins = [group.origin for group in groups if group.origin is not None]
    origin = torch.cat(origins)[:count] if len(origins) == len(groups) else None
    return Prints(torch.cat([group.samples for group in groups])[:count], origin, payload)


def flat(prints: Prints, count: int) -> dict[str, Tensor]:
    """The prints as named tensors, for a file.

    Raises:
        ValueError: there are not `count` of them, or pixels that no API takes: such a method must not get a score.
    """
    if len(prints.samples) != count:
        raise ValueError(f"the method made {len(prints.samples)} prints instead of {count}")
    if not (prints.samples.min() >= 0 and prints.samples.max() <= 1):
        raise ValueError("the method made prints outside [0, 1]")
    tensors = {"samples": prints.samples} | {f"payload.{name}": value for name, value in prints.payload.items()}
    return tensors if prints.origin is None else tensors | {"origin": prints.origin}


def unflat(tensors: Mapping[str, Tensor]) -> Prints:
    """The prints that `flat` laid out, without their notes."""
    payload = {n.removeprefix("payload."): t for n, t in tensors.items() if n.startswith("payload.")}
    return Prints(tensors["samples"], tensors.get("origin"), payload)
