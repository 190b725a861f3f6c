"""Scores of stored measurements, on those prints that work on the victim itself."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmark.contracts.fingerprint import Matcher, Verifier
from benchmark.contracts.prints import part
from benchmark.plan.plan import Plan
from benchmark.plan.prints import PrintsJob
from benchmark.plan.verdicts import MeasureJob
from benchmark.store.artefacts import Store
from benchmark.store.reasons import reason_of

NONE_WORKS = "none of its prints works on the victim itself"


class Scoring:
    """Keeps what went wrong: a method whose score fails loses its own rows and nothing else.

    Attributes:
        failures: the error of each set of prints and verifier that could not be scored, by their title.
    """

    def __init__(self) -> None:
        self.failures: dict[str, str] = {}

    def failed(self, title: str, error: Exception) -> str:
        """Notes an error, and returns the reason that stands in the place of a score."""
        line = f"{type(error).__name__}: {' '.join(str(error).split()) or 'no message'}"
        self.failures[f"score of {title}"] = line
        return f"its score could not be computed ({line})"


class Evidence(NamedTuple):
    """What was measured of one model: by verifier, with what it cost; a reason where it could not be judged at all."""

    measured: Mapping[str, Tensor]
    cost: Mapping[str, Mapping[str, Any]]
    reason: str


class Case(NamedTuple):
    """A verifier before one set of prints.

    Attributes:
        title: of whatever goes wrong.
        payload: of the chosen prints.
        works: which of these (N,) count, those that work on the victim itself; None for all.
        reason: why nothing can be scored; empty where it can.
    """

    title: str
    verifier: Verifier
    payload: Mapping[str, Tensor]
    chosen: Tensor | slice
    works: Tensor | None
    reason: str


class Judge:
    """Reads measurements and payloads out of the store, each once, and scores them."""

    def __init__(self, plan: Plan, store: Store, scoring: Scoring) -> None:
        self.drop, self._store, self._scoring = plan.experiment.proof.drop, store, scoring
        self.evidence = lru_cache(maxsize=4096)(self._evidence)
        self.payload = lru_cache(maxsize=64)(lambda key: stored_payload(store, key))
        self._proofs: dict[str, list[MeasureJob]] = defaultdict(list)
        for job in plan.of_kind(MeasureJob):
            if job.suspect.role == "victim" and not job.prints.variant:
                self._proofs[job.prints.key].append(job)

    def proofs(self, prints_key: str) -> Sequence[MeasureJob]:
        """The measurements of the victim itself on prints of the experiment, through each of its channels."""
        return self._proofs[prints_key]

    def case(
        self,
        prints: PrintsJob,
        name: str,
        verifier: Verifier,
        proofs: Sequence[MeasureJob],
        chosen: Tensor | slice = slice(None),
    ) -> Case:
        """What all measurements by one verifier on the same prints have in common.

        Args:
            name: the verifier's.
            proofs: the measurements of the victim itself on these prints.
            chosen: which of the prints are looked at.
        """
        title, payload = f"{prints.method} {name}", self.payload(prints.key)
        try:
            works = None if payload is None else self._working(name, verifier, proofs, payload)
        except Exception as error:
            return Case(title, verifier, {}, chosen, None, self._scoring.failed(title, error))
        kept = None if works is None else works[chosen]
        return Case(title, verifier, part(payload or {}, chosen), chosen, kept, "")

    def verdict(self, case: Case, measured: Tensor) -> dict[str, Any]:
        """What a verifier makes of one measurement (N, ...). `matched` is filled where a score is a share of prints."""
        measured, payload = measured[case.chosen], case.payload
        made = len(measured)
        if case.reason:
            return {"n": made, "made": made, "reason": case.reason}
        if case.works is not None:
            if not case.works.any():
                return {"n": 0, "made": made, "reason": NONE_WORKS}
            measured, payload = measured[case.works], part(payload, case.works)
        counts = {"n": len(measured), "made": made}
        try:
            return counts | _scored(case.verifier, measured, payload)
        except Exception as error:
            return counts | {"reason": self._scoring.failed(case.title, error)}

    def _working(
        self, name: str, verifier: Verifier, proofs: Sequence[MeasureJob], payload: Mapping[str, Tensor]
    ) -> Tensor | None:
        """Which prints (N,) the victim matches through every channel that is one of the prints themselves.

        None where all count: the verifier judges prints together, or nothing is to be dropped.
        """
        if not (self.drop and isinstance(verifier, Matcher)):
            return None
        of_prints = [self.evidence(job.key) for job in proofs if job.channel.of_prints]
        found = [each.measured[name] for each in of_prints if each and name in each.measured]
        return torch.stack([verifier.matches(each, payload) for each in found]).all(dim=0) if found else None

    def _evidence(self, key: str) -> Evidence | None:
        """None where the job is not done."""
        found = self._store.find(key)
        if found is None:
            return None
        if reason := reason_of(found):
            return Evidence({}, {}, reason)
        return Evidence(found.tensors("measured.safetensors"), found.json("cost.json"), "")


def _scored(verifier: Verifier, measured: Tensor, payload: Mapping[str, Tensor]) -> dict[str, Any]:
    """Score, statistic and threshold.

    Raises:
        ValueError: one of them is no number, or the score none of [0, 1].
    """
    score = verifier.score(measured, payload)
    beside = {"statistic": verifier.statistic(measured, payload), "threshold": verifier.threshold(payload)}
    if not 0 <= score <= 1:
        raise ValueError(f"the score is {score:g}, which is none of [0, 1]")
    for name, value in beside.items():
        if value is not None and not math.isfinite(value):
            raise ValueError(f"the {name} is {value:g}")
    matched = round(score * len(measured)) if isinstance(verifier, Matcher) else None
    return {"score": score, **beside, "matched": matched}


def stored_payload(store: Store, key: str) -> dict[str, Tensor] | None:
    """What verification needs of stored prints; None where there are none."""
    found = store.find(key)
    if found is None or reason_of(found):
        return None
    stored = found.tensors("prints.safetensors")
    return {name.removeprefix("payload."): value for name, value in stored.items() if name.startswith("payload.")}
