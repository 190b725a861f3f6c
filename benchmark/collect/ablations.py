"""Ablations from stored measurements: thresholds and numbers of prints cost no query, other settings remade prints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmark import metrics
from benchmark.collect.judging import Judge
from benchmark.plan.plan import Plan
from benchmark.plan.prints import PrintsJob
from benchmark.plan.verdicts import MeasureJob
from benchmark.spec.identity import seed_for


def ablations(plan: Plan, judge: Judge) -> Iterator[dict[str, Any]]:
    """One row per method, verifier, setting, value, victim and repeat whose measurements are all in the store."""
    yield from _of_counts(plan, judge)
    yield from _of_settings(plan, judge)


def _of_counts(plan: Plan, judge: Judge) -> Iterator[dict[str, Any]]:
    """Smaller N: a random part of the prints, the same for every suspect."""
    measured: dict[str, list[MeasureJob]] = defaultdict(list)
    for job in plan.of_kind(MeasureJob):
        known = job.channel_name == plan.experiment.channel and not job.prints.variant
        if known and job.suspect.role == "suspect":
            measured[job.prints.key].append(job)
    for jobs in measured.values():
        prints = jobs[0].prints
        seed = seed_for(prints.task_name, "ablation", prints.method, prints.victim.replicate, prints.repeat)
        order = torch.randperm(prints.count, generator=torch.Generator().manual_seed(seed))
        for count in plan.experiment.ablation_counts:
            for row in _rows(plan, judge, Point(prints, judge.proofs(prints.key), jobs), order[:count]):
                yield row | {"setting": "count", "value": float(count)}


def _of_settings(plan: Plan, judge: Judge) -> Iterator[dict[str, Any]]:
    """Only the verifiers are listed whose score the setting changes."""
    found: dict[tuple[str, str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for variant in plan.variants:
        for row in _rows(plan, judge, Point(variant.prints, variant.proofs, variant.measured), slice(None)):
            place = (row["task"], row["fingerprint"], row["verifier"], variant.setting)
            found[place].append(row | {"setting": variant.setting, "value": variant.value})
    for rows in found.values():
        scores = defaultdict(set)
        for row in rows:
            scores[row["victim"], row["repeat"]].add(row.pop("scores"))
        if any(len(different) > 1 for different in scores.values()):
            yield from rows


class Point(NamedTuple):
    """One method's prints, with the measurements of the victim itself and of all suspects on them."""

    prints: PrintsJob
    proofs: Sequence[MeasureJob]
    jobs: Sequence[MeasureJob]


def _rows(plan: Plan, judge: Judge, point: Point, chosen: Tensor | slice) -> Iterator[dict[str, Any]]:
    """The areas of each verifier over the suspects, on the chosen prints; nothing while a measurement is missing."""
    prints = point.prints
    found = [judge.evidence(job.key) for job in point.jobs]
    known = [each for each in found if each is not None]
    if judge.payload(prints.key) is None or len(known) < len(found):
        return
    positive = np.array([plan.experiment.is_positive(job.suspect.recipe.suspect) for job in point.jobs])
    for name, verifier in prints.fingerprint.verifiers(prints.task).items():
        case = judge.case(prints, name, verifier, point.proofs, chosen)
        verdicts = [judge.verdict(case, each.measured[name]) if name in each.measured else {} for each in known]
        scores = np.array([verdict.get("score", np.nan) for verdict in verdicts], dtype=float)
        scored = ~np.isnan(scores)
        if len(set(positive[scored])) < 2:  # it applies to no suspect of one side
            continue
        yield {
            "task": prints.task_name,
            "fingerprint": prints.method,
            "verifier": name,
            "victim": prints.victim.replicate,
            "repeat": prints.repeat,
            "aruc": metrics.aruc(scores, positive),
            "auc": metrics.roc_auc(scores, positive),
            "positives": int(positive[scored].sum()),
            "negatives": int((~positive)[scored].sum()),
            "n": next(verdict["n"] for verdict in verdicts if verdict),
            "scores": scores.tobytes(),
        }
