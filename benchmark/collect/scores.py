"""Scores from stored measurements: one row for each suspect, method, verifier, repeat and channel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from torch import Tensor

from benchmark.contracts.fingerprint import Matcher, Verifier
from benchmark.plan.experiment import Experiment
from benchmark.plan.models import ModelJob
from benchmark.plan.plan import Plan
from benchmark.plan.recipes import Recipe
from benchmark.plan.verdicts import MeasureJob
from benchmark.store.artefacts import Store
from benchmark.store.reasons import reason_of
from benchmark.tasks.base import Task


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


class Qualities:
    """What the store has of models' qualities; each record is read once."""

    def __init__(self, store: Store) -> None:
        self.record = lru_cache(maxsize=None)(lambda job: self._read(store, job))

    @staticmethod
    def _read(store: Store, job: ModelJob) -> dict[str, Any] | None:
        found = store.find(job.key)
        return None if found is None or reason_of(found) else found.json("quality.json")

    def of(self, job: ModelJob | None) -> float | None:
        """The quality in percent; None where the model is not there."""
        record = self.record(job) if job is not None else None
        return None if record is None else record["value"]


def scores(plan: Plan, store: Store, scoring: Scoring) -> Iterator[dict[str, Any]]:
    """A row with a score, or with the reason why there is none; never a silent zero."""
    yield from _measured(plan, store, scoring)
    yield from _of_other_tasks(plan, store)
    yield from _absent(plan)


def _measured(plan: Plan, store: Store, scoring: Scoring) -> Iterator[dict[str, Any]]:
    experiment, qualities = plan.experiment, Qualities(store)
    payload = lru_cache(maxsize=4)(lambda key: stored_payload(store, key) or {})
    for job in plan.of_kind(MeasureJob):
        prints, found = job.prints, store.find(job.key)
        if found is None or prints.variant:
            continue
        reason = reason_of(found)
        measured = {} if reason else found.tensors("measured.safetensors")
        cost = {} if reason else found.json("cost.json")
        for name, verifier in prints.fingerprint.verifiers(job.task).items():
            row = _of_model(experiment, job.suspect, prints.victim, qualities) | {
                "repeat": prints.repeat,
                "fingerprint": prints.method,
                "verifier": name,
                "access": verifier.access,
                "channel": job.channel_name,
                "n": prints.count,
                "reason": reason,
                **cost.get(name, {}),
                "prints_key": prints.key,
                "key": job.key,
            }
            if name in measured:
                try:
                    row |= _verdict(verifier, measured[name], payload(prints.key), prints.count)
                except Exception as error:
                    row["reason"] = scoring.failed(f"{prints.method} {name}", error)
            yield row


def _verdict(verifier: Verifier, measured: Tensor, payload: Mapping[str, Tensor], count: int) -> dict[str, Any]:
    """What one verifier makes of its measurement. `matched` is filled where the score is a share of the prints."""
    score = verifier.score(measured, payload)
    return {
        "score": score,
        "statistic": verifier.statistic(measured, payload),
        "threshold": verifier.threshold(payload),
        "matched": round(score * count) if isinstance(verifier, Matcher) else None,
    }


def _of_other_tasks(plan: Plan, store: Store) -> Iterator[dict[str, Any]]:
    """A row with a reason for each suspect and method that does not apply to its task."""
    experiment, qualities = plan.experiment, Qualities(store)
    victims = {job.task_name: job for job in plan.of_kind(ModelJob) if job.role == "victim" and not job.replicate}
    for job in plan.of_kind(ModelJob):
        if job.role != "suspect" or job.replicate:
            continue
        for method, fingerprint in experiment.fingerprints.items():
            if reason := fingerprint.inapplicable(job.task):
                row = _of_model(experiment, job, victims[job.task_name], qualities)
                yield from _without(experiment, job.task, method, row, reason)


def _absent(plan: Plan) -> Iterator[dict[str, Any]]:
    """A row with a reason for each method and each suspect that a task does not have, since its recipe is senseless."""
    experiment = plan.experiment
    for name, task in experiment.tasks.items():
        for recipe in experiment.recipes:
            if reason := experiment.inapplicable(recipe.suspect, task):
                row = _of_recipe(experiment, name, task, recipe)
                for method, fingerprint in experiment.fingerprints.items():
                    yield from _without(experiment, task, method, row, fingerprint.inapplicable(task) or reason)


def _without(
    experiment: Experiment, task: Task, method: str, row: dict[str, Any], reason: str
) -> Iterator[dict[str, Any]]:
    """The row of a suspect for each of a method's verifiers and each channel, with a reason in the place of a score."""
    for name, verifier in experiment.fingerprints[method].verifiers(task).items():
        for channel in experiment.channels:
            yield row | {
                "repeat": 0,
                "fingerprint": method,
                "verifier": name,
                "access": verifier.access,
                "channel": channel,
                "reason": reason,
            }


def _of_recipe(experiment: Experiment, task_name: str, task: Task, recipe: Recipe) -> dict[str, Any]:
    """What a row of scores says of a suspect whether or not there is one."""
    return {
        "task": task_name,
        "kind": task.kind,
        "suspect": recipe.label,
        "family": recipe.family,
        "relation": recipe.suspect.relation.value,
        "positive": experiment.is_positive(recipe.suspect),
        "shares_training_data": recipe.suspect.shares_training_data,
        "degraded": False,
    }


def _of_model(experiment: Experiment, suspect: ModelJob, victim: ModelJob, qualities: Qualities) -> dict[str, Any]:
    """What a row of scores says of its suspect; a quality is missing where the model's job failed."""
    own, of_victim = qualities.of(suspect), qualities.of(victim)
    lost = of_victim - own if own is not None and of_victim is not None else 0.0
    truth = {} if suspect.role == "suspect" else {"relation": "", "positive": False}  # the victim is on no side
    return _of_recipe(experiment, suspect.task_name, suspect.task, suspect.recipe) | {
        **truth,
        "quality": own,
        "victim_quality": of_victim,
        "degraded": suspect.role == "suspect" and lost > experiment.degraded,
        "victim_key": victim.key,
        "suspect_key": suspect.key,
    }


def stored_payload(store: Store, key: str) -> dict[str, Tensor] | None:
    """What verification needs of stored prints; None where there are none."""
    found = store.find(key)
    if found is None or reason_of(found):
        return None
    stored = found.tensors("prints.safetensors")
    return {name.removeprefix("payload."): value for name, value in stored.items() if name.startswith("payload.")}
