"""Findings out of the store: scores from stored measurements, no model is run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import pandas as pd
from torch import Tensor

from benchmark.collect.ablations import ablations, stored_payload
from benchmark.collect.detections import detections, distances
from benchmark.contracts.fingerprint import Matcher, Verifier
from benchmark.plan.jobs import ExhibitJob, MeasureJob, ModelJob, PrintsJob
from benchmark.plan.plan import Plan
from benchmark.report.findings import COLUMNS, Exhibit, Findings
from benchmark.run.local import Failure
from benchmark.store.artefacts import Store
from benchmark.store.provenance import provenance

RECONSTRUCTION = "Reconstruction: the method's full text was not available; what is run is this project's reading."


def collect(
    plan: Plan, store: Store, failures: Sequence[Failure], config: Mapping[str, Any], overrides: Sequence[str] = ()
) -> Findings:
    """Everything that the store has of the plan, as the report wants it."""
    experiment = plan.experiment
    scores = _frame("scores", [*_scores(plan, store), *_inapplicable(plan, store), *_absent(plan)])
    seeds = {job.title: job.seed for job in plan.jobs if isinstance(job, (ModelJob, PrintsJob))}
    manifest = {
        "experiment": experiment.name,
        "config": config,
        "overrides": list(overrides),
        "jobs": len(plan.jobs),
        "seconds_of_all_jobs": sum(found.manifest["seconds"] for job in plan.jobs if (found := store.find(job.key))),
        "seeds": seeds,
        "provenance": provenance(),
        "failures": [{"job": failure.job.title, "error": failure.error} for failure in failures],
    }
    return Findings(
        experiment.name,
        scores,
        pd.DataFrame(_prints(plan, store), columns=[*COLUMNS["prints"], "key"]),
        _frame("models", _models(plan, store)),
        list(_exhibits(plan, store)),
        manifest,
        detections=_frame("detections", detections(plan, store)),
        distances=_frame("distances", distances(plan, store)),
        ablations=_frame("ablations", ablations(plan, store)),
        marks={name: RECONSTRUCTION for name, method in experiment.fingerprints.items() if method.reconstruction},
    )


def _frame(name: str, rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(COLUMNS[name]))


def _scores(plan: Plan, store: Store) -> Iterator[dict[str, Any]]:
    quality = _qualities(plan, store)
    payload = lru_cache(maxsize=4)(lambda key: stored_payload(store, key) or {})
    for job in plan.of_kind(MeasureJob):
        found = store.find(job.key)
        if found is None or job.prints.variant:
            continue
        measured, cost = found.tensors("measured.safetensors"), found.json("cost.json")
        prints = job.prints
        for name, verifier in prints.fingerprint.verifiers(job.task).items():
            yield _identity(plan, job.suspect, prints.parents["victim"], quality) | {
                "repeat": prints.repeat,
                "fingerprint": prints.method,
                "verifier": name,
                "access": verifier.access.name,
                "n": prints.count,
                "reason": "",
                **(_verdict(verifier, name, measured, payload(prints.key), prints.count) if name in measured else {}),
                **cost[name],
                "prints_key": prints.key,
                "key": job.key,
            }


def _verdict(
    verifier: Verifier, name: str, measured: Mapping[str, Tensor], payload: Mapping[str, Tensor], count: int
) -> dict[str, Any]:
    """What one verifier makes of its measurement. `matched` is filled where the score is a share of the prints."""
    score = verifier.score(measured[name], payload)
    return {
        "score": score,
        "score_8bit": verifier.score(measured[f"{name}.8bit"], payload),
        "statistic": verifier.statistic(measured[name], payload),
        "threshold": verifier.threshold(payload),
        "matched": round(score * count) if isinstance(verifier, Matcher) else None,
    }


def _inapplicable(plan: Plan, store: Store) -> Iterator[dict[str, Any]]:
    """A row with a reason for each suspect and method that does not apply to its task; never a silent zero."""
    quality = _qualities(plan, store)
    victims = {job.task_name: job.key for job in plan.of_kind(ModelJob) if job.role == "victim" and not job.zoo}
    for job in plan.of_kind(ModelJob):
        if job.role != "suspect" or job.zoo:
            continue
        for method, fingerprint in plan.experiment.fingerprints.items():
            reason = fingerprint.inapplicable(job.task)
            for name, verifier in fingerprint.verifiers(job.task).items() if reason else ():
                yield _identity(plan, job, victims[job.task_name], quality) | {
                    "repeat": 0,
                    "fingerprint": method,
                    "verifier": name,
                    "access": verifier.access.name,
                    "reason": reason,
                }


def _absent(plan: Plan) -> Iterator[dict[str, Any]]:
    """A row with a reason for each method and each suspect that a task does not have, since its recipe is senseless."""
    experiment = plan.experiment
    for name, task in experiment.tasks.items():
        for recipe in experiment.recipes:
            reason = experiment.absent(recipe.suspect, task)
            for method, fingerprint in experiment.fingerprints.items() if reason else ():
                for verifier, way in fingerprint.verifiers(task).items():
                    yield {
                        "task": name,
                        "kind": task.kind,
                        "suspect": recipe.label,
                        "family": recipe.family,
                        "stolen": recipe.suspect.stolen,
                        "shares_training_data": recipe.suspect.shares_training_data,
                        "degraded": False,
                        "repeat": 0,
                        "fingerprint": method,
                        "verifier": verifier,
                        "access": way.access.name,
                        "reason": fingerprint.inapplicable(task) or reason,
                    }


def _identity(plan: Plan, suspect: ModelJob, victim: str, quality: Mapping[str, float]) -> dict[str, Any]:
    """What a row of scores says of its suspect; a quality is missing where the model's job failed."""
    own, of_victim = quality.get(suspect.key), quality.get(victim)
    lost = of_victim - own if own is not None and of_victim is not None else 0.0
    return {
        "task": suspect.task_name,
        "kind": suspect.task.kind,
        "suspect": suspect.recipe.label,
        "family": suspect.recipe.family,
        "stolen": suspect.recipe.suspect.stolen,
        "shares_training_data": suspect.recipe.suspect.shares_training_data,
        "quality": own,
        "victim_quality": of_victim,
        "degraded": suspect.role == "suspect" and lost > plan.experiment.degraded,
        "victim_key": victim,
        "suspect_key": suspect.key,
    }


def _qualities(plan: Plan, store: Store) -> dict[str, float]:
    """The quality of every model that the store has, by key."""
    found = {job.key: store.find(job.key) for job in plan.of_kind(ModelJob)}
    return {key: model.json("quality.json")["value"] for key, model in found.items() if model is not None}


def _prints(plan: Plan, store: Store) -> Iterator[dict[str, Any]]:
    for job in plan.of_kind(PrintsJob):
        found = store.find(job.key)
        if found is None or job.variant:
            continue
        record = found.json("notes.json")
        yield {
            "task": job.task_name,
            "fingerprint": job.method,
            "repeat": job.repeat,
            "n": job.count,
            "seconds": record["seconds"],
            "accepted": record["notes"].get("accepted"),
            "psnr": record["psnr"],
            "psnr_8bit": record["psnr_8bit"],
            "label_accuracy": record["label_accuracy"],
            "label_accuracy_8bit": record["label_accuracy_8bit"],
            "notes": record["notes"],
            "key": job.key,
        }


def _models(plan: Plan, store: Store) -> Iterator[dict[str, Any]]:
    for job in plan.of_kind(ModelJob):
        found = store.find(job.key)
        if found is None:
            continue
        record = found.json("quality.json")
        auxiliary = job.role in ("surrogate", "reference")
        yield {
            "task": job.task_name,
            "name": job.recipe.label if not auxiliary else f"{job.role} {job.recipe.label}",
            "role": "auxiliary" if auxiliary else job.role,
            "family": job.recipe.family if not auxiliary else job.role,
            "stolen": job.recipe.suspect.stolen and job.role != "victim",
            "shares_training_data": job.recipe.suspect.shares_training_data,
            "queries": record.get("queries", 0),
            "quality": record["value"],
            "measure": next(iter(record["detail"])),
            "detail": record["detail"],
            "seconds": found.manifest["seconds"],
            "parameters": record["parameters"],
            "key": job.key,
        }


def _exhibits(plan: Plan, store: Store) -> Iterator[Exhibit]:
    for job in plan.of_kind(ExhibitJob):
        found, prints = store.find(job.key), store.find(job.prints.key)
        if found is None or prints is None:
            continue
        stored = prints.tensors("prints.safetensors")
        maps = found.tensors("maps.safetensors")
        origin = stored.get("origin")
        yield Exhibit(
            job.task_name,
            job.prints.method,
            None if origin is None else origin[: job.count].numpy(),
            stored["samples"][: job.count].numpy(),
            {label: maps[f"map {place}"].numpy() for place, label in enumerate(job.shown)},
            _captions(stored, job.count),
        )


def _captions(stored: Mapping[str, Tensor], count: int) -> list[str]:
    for name, word in (("label", "label {:.0f}"), ("value", "answer {:.1f}"), ("cosine", "cosine {:.2f}")):
        if f"payload.{name}" in stored:
            return [word.format(float(value)) for value in stored[f"payload.{name}"][:count]]
    return [""] * count
