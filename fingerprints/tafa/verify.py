"""When an answer that is no label matches the victim's: one rule for values and for cosines, step 5 of TAFA-R."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.access.access import PROBABILITY, AnswerAPI
from benchmark.access.target import Target
from benchmark.contracts.fingerprint import Matcher
from benchmark.contracts.owner import Owner
from benchmark.contracts.prints import Prints
from benchmark.tasks.base import Payload


class AnswerMatch(Matcher):
    """Share of prints that the suspect answers within tau of the victim; one query a print.

    tau = near + tolerance (apart - near), of `calibrate`; with a tolerance of 0.5 it lies midway. A model of
    similarity answers with the cosine of two images, so each print is asked together with its `pair`.
    """

    access = PROBABILITY

    def __init__(self, tolerance: float) -> None:
        self.tolerance = tolerance

    def measure(self, prints: Prints, suspect: AnswerAPI) -> Tensor:
        return suspect.answers(prints.samples, prints.payload.get("pair"))

    def matches(self, measured: Tensor, payload: Payload) -> Tensor:
        tau = payload["near"] + self.tolerance * (payload["apart"] - payload["near"])
        return (measured - payload["answer"]).abs() <= tau


def calibrate(owner: Owner, samples: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
    """What verification of values or cosines needs; both numbers are in the answer's own unit.

    Returns:
        answer: the victim's (N,).
        pair: for similarity, the next print in cyclic order (N, 3, H, W), in 8-bit pixels as an API would receive it.
        near: median |change| of the victim's answers when every pixel moves by up to 1/255; a number.
        apart: median |difference| between the references' answers and the victim's, over all of both; a number.
    """
    noise = (2 * torch.rand(samples.shape, generator=generator) - 1).to(samples.device) / 255
    similar = owner.task.kind == "similarity"
    pair = (samples.roll(-1, dims=0) * 255).round() / 255 if similar else None
    answer = Target.of(owner.task, owner.victim).answers(samples, pair)
    moved = Target.of(owner.task, owner.victim).answers((samples + noise).clamp(0, 1), pair)
    others = torch.cat([Target.of(owner.task, model).answers(samples, pair) - answer for model in owner.references])
    payload = {"answer": answer, "near": (moved - answer).abs().median(), "apart": others.abs().median()}
    return payload if pair is None else payload | {"pair": pair}
