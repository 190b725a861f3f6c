"""Scores from stored measurements: one row for each suspect, method, verifier, victim, repeat and channel."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from benchmark.collect.judging import Judge
from benchmark.plan.experiment import Experiment
from benchmark.plan.models import ModelJob
from benchmark.plan.plan import Plan
from benchmark.plan.recipes import Recipe
from benchmark.plan.verdicts import MeasureJob
from benchmark.store.artefacts import Store
from benchmark.store.reasons import reason_of
from benchmark.tasks.base import Task


class Qualities:
    """What the store has of models' qualities; each record is read once."""

    def __init__(self, store: Store) -> None:
        self.record = lru_cache(maxsize=None)(lambda job: self._read(store, job))

    @staticmethod
    def _read(store: Store, job: ModelJob) -> dict[str, Any] | None:
        found = store.find(job.key)
        return None if found is None or reason_of(found) else found.json("quality.json")

    def of(self, job: ModelJob, measure: str) -> float | None:
        """The quality (`value`, in percent) or `skill`; None where the model is not there."""
        record = self.record(job)
        return None if record is None else record[measure]

    def blind(self, job: ModelJob, level: float) -> bool:
        """Whether no test at this level finds the model better than a blind answer.

        Records of an earlier version have no p: then a model is called blind where no test could find it better.
        """
        record = self.record(job) or {"p": 0.0}
        return record["p"] > level if "p" in record else record["skill"] <= 0


def scores(plan: Plan, store: Store, judge: Judge) -> Iterator[dict[str, Any]]:
    """A row with a score, or with the reason why there is none; never a silent zero."""
    yield from _measured(plan, store, judge)
    yield from _of_other_tasks(plan, store)
    yield from _absent(plan)


def references(plan: Plan, judge: Judge) -> Iterator[dict[str, Any]]:
    """Scores of the owner's own independent models, by which he sets his threshold."""
    for job in plan.of_kind(MeasureJob):
        if job.suspect.role == "bystander":
            for row in _judged(job, judge):
                yield row | {"reference": job.suspect.recipe.label}


def _measured(plan: Plan, store: Store, judge: Judge) -> Iterator[dict[str, Any]]:
    qualities = Qualities(store)
    for job in plan.of_kind(MeasureJob):
        if job.suspect.role != "bystander":
            known = _of_model(plan.experiment, job.suspect, job.prints.victim, qualities)
            for row in _judged(job, judge):
                yield known | row


def _judged(job: MeasureJob, judge: Judge) -> Iterator[dict[str, Any]]:
    """A row for each verifier, if the measurement is there and no point of an ablation alone."""
    prints, found = job.prints, judge.evidence(job.key)
    if found is None or prints.variant:
        return
    for name, verifier in prints.fingerprint.verifiers(job.task).items():
        row = {
            "task": job.task_name,
            "victim": prints.victim.replicate,
            "repeat": prints.repeat,
            "fingerprint": prints.method,
            "verifier": name,
            "access": verifier.access,
            "channel": job.channel_name,
            "n": prints.count,
            "made": prints.count,
            "reason": found.reason,
            **found.cost.get(name, {}),
            "prints_key": prints.key,
        }
        if name in found.measured:
            case = judge.case(prints, name, verifier, judge.proofs(prints.key))
            row |= judge.verdict(case, found.measured[name])
        yield row


def _of_other_tasks(plan: Plan, store: Store) -> Iterator[dict[str, Any]]:
    """A row with a reason for each suspect and method that does not apply to its task."""
    experiment, qualities = plan.experiment, Qualities(store)
    first = {job.task_name: job for job in reversed(plan.of_kind(ModelJob)) if job.role == "victim"}
    for job in plan.of_kind(ModelJob):
        victim = first[job.task_name]
        if job.role != "suspect" or job.replicate != victim.replicate:
            continue
        for method, fingerprint in experiment.fingerprints.items():
            if reason := fingerprint.inapplicable(job.task):
                row = _of_model(experiment, job, victim, qualities)
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
                "victim": experiment.victims[0],
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
        "blind": False,
    }


def _of_model(experiment: Experiment, suspect: ModelJob, victim: ModelJob, qualities: Qualities) -> dict[str, Any]:
    """What a row of scores says of its suspect; a quality is missing where the model's job failed."""
    own, of_victim = qualities.of(suspect, "value"), qualities.of(victim, "value")
    skill, victims = qualities.of(suspect, "skill"), qualities.of(victim, "skill")
    lost = of_victim - own if own is not None and of_victim is not None else 0.0
    unskilled = skill is not None and victims is not None and skill < (1 - experiment.degraded.skill) * victims
    blind = qualities.blind(suspect, experiment.blind.level)
    truth = {} if suspect.role == "suspect" else {"relation": "", "positive": False}  # the victim is on no side
    return _of_recipe(experiment, suspect.task_name, suspect.task, suspect.recipe) | {
        **truth,
        "quality": own,
        "victim_quality": of_victim,
        "skill": skill,
        "victim_skill": victims,
        "degraded": suspect.role == "suspect" and (lost > experiment.degraded.points or unskilled or blind),
        "blind": blind,
        "victim_key": victim.key,
        "suspect_key": suspect.key,
    }
