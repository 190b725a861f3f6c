"""Scores of stored measurements, on those prints that work on the victim itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmark.contracts.fingerprint import Matcher, Verifier
from benchmark.contracts.prints import part
from benchmark.plan.plan import Plan
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

    def working(self, name: str, verifier: Verifier, proofs: Sequence[MeasureJob]) -> Tensor | None:
        """Which prints (N,) the victim matches through every channel that is one of the prints themselves.

        None where all count: the verifier judges prints together, or nothing is to be dropped.
        """
        if not (self.drop and isinstance(verifier, Matcher) and proofs):
            return None
        payload = self.payload(proofs[0].prints.key)
        of_prints = [self.evidence(job.key) for job in proofs if job.channel.of_prints]
        found = [each.measured[name] for each in of_prints if each and name in each.measured]
        if payload is None or not found:
            return None
        return torch.stack([verifier.matches(each, payload) for each in found]).all(dim=0)

    def verdict(
        self, title: str, verifier: Verifier, measured: Tensor, payload: Mapping[str, Tensor], works: Tensor | None
    ) -> dict[str, Any]:
        """What a verifier makes of one measurement. `matched` is filled where the score is a share of the prints.

        Args:
            measured: (N, ...), with the payload of the same N prints.
            works: which of them count; None for all.
        """
        made = len(measured)
        if works is not None:
            if not works.any():
                return {"n": 0, "made": made, "reason": NONE_WORKS}
            measured, payload = measured[works], part(payload, works)
        counts = {"n": len(measured), "made": made}
        try:
            score = verifier.score(measured, payload)
            return counts | {
                "score": score,
                "statistic": verifier.statistic(measured, payload),
                "threshold": verifier.threshold(payload),
                "matched": round(score * len(measured)) if isinstance(verifier, Matcher) else None,
            }
        except Exception as error:
            return counts | {"reason": self._scoring.failed(title, error)}

    def _evidence(self, key: str) -> Evidence | None:
        """None where the job is not done."""
        found = self._store.find(key)
        if found is None:
            return None
        if reason := reason_of(found):
            return Evidence({}, {}, reason)
        return Evidence(found.tensors("measured.safetensors"), found.json("cost.json"), "")


def stored_payload(store: Store, key: str) -> dict[str, Tensor] | None:
    """What verification needs of stored prints; None where there are none."""
    found = store.find(key)
    if found is None or reason_of(found):
        return None
    stored = found.tensors("prints.safetensors")
    return {name.removeprefix("payload."): value for name, value in stored.items() if name.startswith("payload.")}
