"""Ablations from stored measurements: thresholds and numbers of prints cost no query, other settings remade prints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark import metrics
from benchmark.collect.scores import Scoring, stored_payload
from benchmark.contracts.fingerprint import Verifier
from benchmark.plan.plan import Plan
from benchmark.plan.prints import PrintsJob
from benchmark.plan.verdicts import MeasureJob
from benchmark.spec.identity import seed_for
from benchmark.store.artefacts import Store
from benchmark.store.reasons import reason_of


def ablations(plan: Plan, store: Store, scoring: Scoring) -> Iterator[dict[str, Any]]:
    """One row per method, verifier, setting, value and repeat whose measurements are all in the store."""
    stored = _Stored(plan, store, scoring)
    yield from _of_counts(plan, stored)
    yield from _of_settings(plan, stored)


class _Stored:
    """Measurements and payloads out of the store, each read once, and the verifiers' scores of them."""

    def __init__(self, plan: Plan, store: Store, scoring: Scoring) -> None:
        self.experiment, self._scoring = plan.experiment, scoring
        self.measured = lru_cache(maxsize=4096)(lambda key: _measured(store, key))
        self.payload = lru_cache(maxsize=64)(lambda key: stored_payload(store, key))

    def score(self, title: str, verifier: Verifier, measured: Tensor | None, payload: Mapping[str, Tensor]) -> float:
        """The score; NaN where there is no measurement, or where it fails, which is noted."""
        if measured is None:
            return np.nan
        try:
            return verifier.score(measured, payload)
        except Exception as error:
            self._scoring.failed(title, error)
            return np.nan


def _of_counts(plan: Plan, stored: _Stored) -> Iterator[dict[str, Any]]:
    """Smaller N: a random part of the prints, the same for every suspect."""
    measured: dict[str, list[MeasureJob]] = defaultdict(list)
    for job in plan.of_kind(MeasureJob):
        known = job.channel_name == plan.experiment.channel and not job.prints.variant
        if known and job.suspect.role == "suspect":
            measured[job.prints.key].append(job)
    for jobs in measured.values():
        prints = jobs[0].prints
        seed = seed_for(prints.task_name, "ablation", prints.method, prints.repeat)
        order = torch.randperm(prints.count, generator=torch.Generator().manual_seed(seed))
        for count in plan.experiment.ablation_counts:
            for row in _rows(prints, jobs, stored, order[:count]):
                yield row | {"setting": "count", "value": count}


def _of_settings(plan: Plan, stored: _Stored) -> Iterator[dict[str, Any]]:
    """Only the verifiers are listed whose score the setting changes."""
    found: dict[tuple[str, str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for variant in plan.variants:
        for row in _rows(variant.prints, variant.measured, stored, slice(None)):
            place = (row["task"], row["fingerprint"], row["verifier"], variant.setting)
            found[place].append(row | {"setting": variant.setting, "value": variant.value})
    for rows in found.values():
        scores = defaultdict(set)
        for row in rows:
            scores[row["repeat"]].add(row.pop("scores"))
        if any(len(different) > 1 for different in scores.values()):
            yield from rows


def _rows(
    prints: PrintsJob, jobs: Sequence[MeasureJob], stored: _Stored, chosen: Tensor | slice
) -> Iterator[dict[str, Any]]:
    """The areas of each verifier over the suspects, on the chosen prints; nothing while a measurement is missing."""
    found, given = [stored.measured(job.key) for job in jobs], stored.payload(prints.key)
    measured = [each for each in found if each is not None]
    if given is None or len(measured) < len(found):
        return
    part = {name: value[chosen] if value.ndim else value for name, value in given.items()}
    positive = np.array([stored.experiment.is_positive(job.suspect.recipe.suspect) for job in jobs])
    for name, verifier in prints.fingerprint.verifiers(prints.task).items():
        parts = [each[name][chosen] if name in each else None for each in measured]
        title = f"{prints.method} {name}"
        scores = np.array([stored.score(title, verifier, of_suspect, part) for of_suspect in parts])
        known = ~np.isnan(scores)
        if len(set(positive[known])) < 2:  # it applies to no suspect of one side
            continue
        yield {
            "task": prints.task_name,
            "fingerprint": prints.method,
            "verifier": name,
            "repeat": prints.repeat,
            "aruc": metrics.aruc(scores, positive),
            "auc": metrics.roc_auc(scores, positive),
            "positives": int(positive[known].sum()),
            "negatives": int((~positive)[known].sum()),
            "n": next(len(of_suspect) for of_suspect in parts if of_suspect is not None),
            "scores": scores.tobytes(),
        }


def _measured(store: Store, key: str) -> Mapping[str, Tensor] | None:
    """A suspect's measurements by verifier, none where it could not be judged; None where the job is not done."""
    found = store.find(key)
    if found is None or reason_of(found):
        return None if found is None else {}
    return found.tensors("measured.safetensors")
