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
from benchmark.plan.jobs import MeasureJob, PrintsJob
from benchmark.plan.plan import Plan
from benchmark.spec.identity import seed_for
from benchmark.store.artefacts import Store


def ablations(plan: Plan, store: Store) -> Iterator[dict[str, Any]]:
    """One row per method, verifier, setting, value and repeat whose measurements are all in the store."""
    read = lru_cache(maxsize=4096)(lambda key: _tensors(store, key, "measured.safetensors"))
    payload = lru_cache(maxsize=64)(lambda key: stored_payload(store, key))
    yield from _of_counts(plan, read, payload)
    yield from _of_settings(plan, read, payload)


def _of_counts(plan: Plan, read: Any, payload: Any) -> Iterator[dict[str, Any]]:
    """Smaller N: a random part of the prints, the same for every suspect."""
    measured: dict[str, list[MeasureJob]] = defaultdict(list)
    for job in plan.of_kind(MeasureJob):
        if not job.prints.variant and job.suspect.role == "suspect":
            measured[job.prints.key].append(job)
    for jobs in measured.values():
        prints = jobs[0].prints
        seed = seed_for(prints.task_name, "ablation", prints.method, prints.repeat)
        order = torch.randperm(prints.count, generator=torch.Generator().manual_seed(seed))
        for count in plan.experiment.ablation_counts:
            for row in _rows(prints, jobs, read, payload, order[:count]):
                yield row | {"setting": "count", "value": count}


def _of_settings(plan: Plan, read: Any, payload: Any) -> Iterator[dict[str, Any]]:
    """Only the verifiers are listed whose score the setting changes."""
    found: dict[tuple[str, str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for variant in plan.variants:
        for row in _rows(variant.prints, variant.measured, read, payload, slice(None)):
            place = (row["task"], row["fingerprint"], row["verifier"], variant.setting)
            found[place].append(row | {"setting": variant.setting, "value": variant.value})
    for rows in found.values():
        scores = defaultdict(set)
        for row in rows:
            scores[row["repeat"]].add(row.pop("scores"))
        if any(len(different) > 1 for different in scores.values()):
            yield from rows


def _rows(
    prints: PrintsJob, jobs: Sequence[MeasureJob], read: Any, payload: Any, chosen: Tensor | slice
) -> Iterator[dict[str, Any]]:
    """The areas of each verifier over the suspects, on the chosen prints; nothing while a measurement is missing."""
    measured = [read(job.key) for job in jobs]
    given = payload(prints.key)
    if given is None or any(each is None for each in measured):
        return
    part = {name: value[chosen] if value.ndim else value for name, value in given.items()}
    stolen = np.array([job.suspect.recipe.suspect.stolen for job in jobs])
    for name, verifier in prints.fingerprint.verifiers(prints.task).items():
        scores = np.array([verifier.score(each[name][chosen], part) if name in each else np.nan for each in measured])
        known = ~np.isnan(scores)
        if len(set(stolen[known])) < 2:  # it applies to no suspect of one side
            continue
        yield {
            "task": prints.task_name,
            "fingerprint": prints.method,
            "verifier": name,
            "repeat": prints.repeat,
            "aruc": metrics.aruc(scores, stolen),
            "auc": metrics.roc_auc(scores, stolen),
            "positives": int(stolen[known].sum()),
            "negatives": int((~stolen)[known].sum()),
            "n": next(len(each[name][chosen]) for each in measured if name in each),
            "scores": scores.tobytes(),
        }


def _tensors(store: Store, key: str, name: str) -> Mapping[str, Tensor] | None:
    found = store.find(key)
    return None if found is None else found.tensors(name)


def stored_payload(store: Store, key: str) -> dict[str, Tensor] | None:
    """What verification needs of stored prints; None where there are none."""
    stored = _tensors(store, key, "prints.safetensors")
    if stored is None:
        return None
    return {name.removeprefix("payload."): value for name, value in stored.items() if name.startswith("payload.")}
