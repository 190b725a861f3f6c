"""Findings out of the store: everything that the report wants to know of a plan. No model is run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
from torch import Tensor

from benchmark.collect.ablations import ablations
from benchmark.collect.detections import detections, distances
from benchmark.collect.judging import Judge, Scoring
from benchmark.collect.names import names
from benchmark.collect.scores import Qualities, references, scores
from benchmark.collect.worth import worth
from benchmark.plan.models import ModelJob
from benchmark.plan.plan import Plan
from benchmark.plan.prints import PrintsJob
from benchmark.plan.stealth import VisibilityJob
from benchmark.plan.verdicts import ExhibitJob
from benchmark.report.findings import COLUMNS, Exhibit, Findings
from benchmark.run.executor import Failure
from benchmark.store.artefacts import Store
from benchmark.store.provenance import provenance
from benchmark.store.reasons import reason_of

PLACES = ("store", "results", "compute")  # of this machine and call alone, so no manifest tells them
BLIND = (
    "no better than a blind answer, though the store has it: nothing here is told of a model that has learnt anything"
)
RECONSTRUCTION = "Reconstruction: the method's full text was not available; what is run is this project's reading."


def collect(
    plan: Plan, store: Store, failures: Sequence[Failure], config: Mapping[str, Any], overrides: Sequence[str] = ()
) -> Findings:
    """Everything that the store has of the plan, as the report wants it.

    A method whose score fails is named among the manifest's `failures`, and its own rows say so; so is a blind victim
    that the store has had since it was taken for one.
    """
    experiment, scoring = plan.experiment, Scoring()
    judge = Judge(plan, store, scoring)
    frames = {
        "scores": scores(plan, store, judge),
        "references": references(plan, judge),
        "worth": worth(plan, store),
        "prints": _prints(plan, store),
        "visibility": _visibility(plan, store),
        "models": _models(plan, store),
        "detections": detections(plan, store),
        "distances": distances(plan, store),
        "ablations": ablations(plan, judge),
    }
    filled = {name: _frame(name, rows) for name, rows in frames.items()}
    failed = {failure.job.title: failure.error for failure in failures} | scoring.failures | _blind_victims(plan, store)
    found = [artefact for job in plan.jobs if (artefact := store.find(job.key))]
    manifest = {
        "experiment": experiment.name,
        "config": {key: _named(value) for key, value in config.items() if key not in PLACES},
        "overrides": [
            "=".join(map(_named, each.split("=", 1))) for each in overrides if each.partition("=")[0] not in PLACES
        ],
        "victims": len(experiment.victims),
        "repeats": experiment.repeats,
        "accusation_rate": experiment.accusation.rate,
        "names": names(experiment),
        "jobs": len(plan.jobs),
        "seconds_of_all_jobs": sum(artefact.seconds for artefact in found),
        "seeds": {job.title: job.seed for job in plan.jobs if isinstance(job, (ModelJob, PrintsJob))},
        "provenance": provenance(),
        "failures": [{"job": title, "error": error} for title, error in failed.items()],
    }
    return Findings(
        experiment.name,
        question=experiment.question.name,
        channel=experiment.channel,
        exhibits=list(_exhibits(plan, store)),
        manifest=manifest,
        marks={name: RECONSTRUCTION for name, method in experiment.fingerprints.items() if method.reconstruction},
        **filled,
    )


def _named(value: Any) -> Any:
    """A setting without where something lies on this machine: of an absolute path its last part."""
    if isinstance(value, Mapping):
        return {key: _named(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_named(each) for each in value]
    return os.path.basename(value.rstrip("/")) if isinstance(value, str) and os.path.isabs(value) else value


def _blind_victims(plan: Plan, store: Store) -> dict[str, str]:
    """Stored victims, by title, that would be refused today."""
    qualities, blind = Qualities(store), plan.experiment.blind
    known = [job for job in plan.of_kind(ModelJob) if job.role == "victim" and not blind.victims]
    return {job.title: BLIND for job in known if qualities.blind(job, blind.level)}


def _frame(name: str, rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    columns = [*COLUMNS[name], "key"] if name == "prints" else list(COLUMNS[name])
    return pd.DataFrame(list(rows), columns=columns)


def _prints(plan: Plan, store: Store) -> Iterator[dict[str, Any]]:
    for job in plan.of_kind(PrintsJob):
        found = store.find(job.key)
        if found is None or job.variant or reason_of(found):
            continue
        record = found.json("notes.json")
        yield {
            "task": job.task_name,
            "fingerprint": job.method,
            "victim": job.victim.replicate,
            "repeat": job.repeat,
            "n": job.count,
            "works": record["notes"].get("works"),
            "seconds": record["seconds"],
            "accepted": record["notes"].get("accepted"),
            "notes": record["notes"],
            "key": job.key,
        }


def _visibility(plan: Plan, store: Store) -> Iterator[dict[str, Any]]:
    for job in plan.of_kind(VisibilityJob):
        found = store.find(job.key)
        if found is not None and not reason_of(found):
            yield {
                "task": job.task_name,
                "fingerprint": job.prints.method,
                "victim": job.prints.victim.replicate,
                "repeat": job.prints.repeat,
                "channel": job.channel_name,
                **found.json("visibility.json"),
            }


def _models(plan: Plan, store: Store) -> Iterator[dict[str, Any]]:
    qualities = Qualities(store)
    for job in plan.of_kind(ModelJob):
        record, found = qualities.record(job), store.find(job.key)
        if record is None or found is None:
            continue
        helper = job.role not in ("victim", "suspect")
        shared = job.victim is None and job.role != "victim"
        yield {
            "task": job.task_name,
            "victim": -1 if shared else job.replicate,
            "name": job.recipe.label if not helper else f"{job.role} {job.recipe.label}",
            "role": "auxiliary" if helper else job.role,
            "family": job.recipe.family if not helper else job.role,
            "relation": job.recipe.suspect.relation.value if job.role != "victim" else "",
            "shares_training_data": job.recipe.suspect.shares_training_data,
            "queries": record.get("queries", 0),
            "quality": record["value"],
            "skill": record["skill"],
            "measure": next(iter(record["detail"])),
            "detail": record["detail"],
            "seconds": found.seconds,
            "parameters": record["parameters"],
            "key": job.key,
        }


def _exhibits(plan: Plan, store: Store) -> Iterator[Exhibit]:
    for job in plan.of_kind(ExhibitJob):
        found, prints = store.find(job.key), store.find(job.prints.key)
        if found is None or prints is None or reason_of(found):
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
