"""An experiment as jobs: what each makes, out of what. Pure data, parents before children, nothing is run here."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from benchmark.contracts.fingerprint import Fingerprint
from benchmark.contracts.suspect import Suspect
from benchmark.plan.experiment import Experiment
from benchmark.plan.jobs import DetectionJob, DetectorJob, ExhibitJob, Job, MeasureJob, ModelJob, PrintsJob, Variant
from benchmark.plan.recipes import Recipe
from benchmark.spec.component import spec_of
from benchmark.spec.identity import key_of, seed_for
from benchmark.stealth.base import Detector
from benchmark.tasks.base import Task
from suspects.independent import Independent

VICTIM = Recipe("victim", "victim", Independent())


J = TypeVar("J", bound=Job)


@dataclass(frozen=True)
class Plan:
    """All jobs of an experiment, parents first, each key once, and the points of its ablations, made of these jobs."""

    experiment: Experiment
    jobs: tuple[Job, ...]
    variants: tuple[Variant, ...] = ()

    def of_kind(self, kind: type[J]) -> list[J]:
        """The jobs of one kind, in order."""
        return [job for job in self.jobs if isinstance(job, kind)]


def plan(experiment: Experiment) -> Plan:
    """The jobs of an experiment."""
    jobs: dict[str, Job] = {}
    variants: list[Variant] = []
    for name, task in experiment.tasks.items():
        for repeat in range(experiment.repeats):
            for job in _of_repeat(experiment, name, task, repeat):
                jobs.setdefault(job.key, job)
        for variant in _variants(experiment, name, task, jobs):
            variants.append(variant)
            for job in (variant.prints, *variant.measured):
                jobs.setdefault(job.key, job)
    return Plan(experiment, tuple(jobs.values()), tuple(variants))


def _of_repeat(experiment: Experiment, name: str, task: Task, repeat: int) -> Iterator[Job]:
    zoo, victim, suspects = _zoo(experiment, name, task, repeat)
    yield victim
    for suspect in suspects:
        if suspect.recipe.suspect.leaks:
            yield from _leak(experiment, name, task, zoo, victim, suspect.recipe)
        yield suspect
    detectors = [
        _detector(experiment, name, task, label, detector, victim)
        for label, detector in experiment.detectors.items()
        if not detector.inapplicable(task)
    ]
    yield from detectors
    for method, fingerprint in experiment.fingerprints.items():
        if fingerprint.inapplicable(task):
            continue
        helpers = _auxiliaries(experiment, name, task, zoo, victim, fingerprint)
        yield from helpers
        prints = _prints(experiment, name, task, method, fingerprint, repeat, victim, helpers)
        yield prints
        yield from _measurements(prints, (victim, *suspects))
        yield from (_detection(prints, fitted) for fitted in detectors)
        if repeat == 0 and experiment.gallery and not task.data.private:
            yield from _exhibit(experiment, prints, victim, suspects)


def _variants(experiment: Experiment, name: str, task: Task, known: dict[str, Job]) -> Iterator[Variant]:
    """The points of the ablations. Those that only score anew, or that are the experiment's own, share its jobs."""
    zoos = cache(lambda repeat: _zoo(experiment, name, task, repeat))
    for ablation in experiment.ablations:
        fingerprint = experiment.fingerprints.get(ablation.method)
        if fingerprint is None or fingerprint.inapplicable(task):
            continue
        for value in ablation.values:
            changed = dataclasses.replace(fingerprint, **{ablation.setting: value})
            note = f"{ablation.setting}={value:g}"
            for repeat in range(experiment.repeats):
                zoo, victim, suspects = zoos(repeat if experiment.repeat_zoo else 0)
                helpers = _auxiliaries(experiment, name, task, zoo, victim, changed)
                prints = _prints(experiment, name, task, ablation.method, changed, repeat, victim, helpers, note)
                if prints.key in known or repeat < experiment.ablation_repeats:
                    yield Variant(ablation.setting, value, prints, _measurements(prints, suspects))


def _zoo(experiment: Experiment, name: str, task: Task, repeat: int) -> tuple[int, ModelJob, list[ModelJob]]:
    """The number of the zoo that a repeat judges, its victim and its suspects."""
    zoo = repeat if experiment.repeat_zoo else 0
    victim = _model(experiment, name, task, "victim", VICTIM, zoo)
    suspects = []
    for recipe in experiment.recipes:
        if experiment.absent(recipe.suspect, task):
            continue
        leaked = _leak(experiment, name, task, zoo, victim, recipe)[-1].key if recipe.suspect.leaks else ""
        suspects.append(_model(experiment, name, task, "suspect", recipe, zoo, victim, leaked))
    return zoo, victim, suspects


def _leak(experiment: Experiment, name: str, task: Task, zoo: int, victim: ModelJob, recipe: Recipe) -> list[Job]:
    """The first prints that a method makes for a zoo's victim, which the thief has got hold of, and what they need.

    A zoo of its own per repeat leaks that repeat's prints; one zoo for all leaks repeat 0's, the other repeats stay
    secret.
    """
    method = recipe.suspect.leaks
    fingerprint = experiment.fingerprints[method]
    helpers = _auxiliaries(experiment, name, task, zoo, victim, fingerprint)
    return [*helpers, _prints(experiment, name, task, method, fingerprint, zoo, victim, helpers)]


def _model(
    experiment: Experiment,
    name: str,
    task: Task,
    role: str,
    recipe: Recipe,
    zoo: int,
    victim: ModelJob | None = None,
    leaked: str = "",
) -> ModelJob:
    suspect = recipe.suspect
    seed = seed_for(name, role, recipe.family, suspect.replicate, zoo)
    parents = {"victim": victim.key} if suspect.stolen and victim else {}
    parents |= {"prints": leaked} if leaked else {}
    spec = {
        "kind": "model",
        "task": spec_of(task),
        "recipe": spec_of(suspect),
        "trainer": spec_of(experiment.trainer),
        "seed": seed,
        "parents": parents,
    }
    title = f"{name}: {role} {recipe.label}" if role != "victim" else f"{name}: victim"
    return ModelJob(name, task, title, parents, spec, key_of(spec), role, recipe, zoo, seed, experiment.trainer)


def _auxiliaries(
    experiment: Experiment, name: str, task: Task, zoo: int, victim: ModelJob, fingerprint: Fingerprint
) -> list[ModelJob]:
    wanted = zip(("surrogate", "reference"), fingerprint.auxiliaries(), strict=True)
    known = {"surrogate": experiment.surrogate, "reference": experiment.reference}
    recipes = {role: tuple(s for s in suspects if not s.inapplicable(task)) for role, suspects in known.items()}
    return [
        _model(experiment, name, task, role, _numbered(role, i, recipes[role]), zoo, victim)
        for role, number in wanted
        for i in range(number)
    ]


def _numbered(role: str, i: int, recipes: tuple[Suspect, ...]) -> Recipe:
    """The i-th auxiliary model's recipe: its family carries the number, so that its seed is its own."""
    suspect = recipes[i % len(recipes)]
    return Recipe(f"{role} {i}", f"{i} ({type(suspect).__name__})", suspect)


def _prints(
    experiment: Experiment,
    name: str,
    task: Task,
    method: str,
    fingerprint: Fingerprint,
    repeat: int,
    victim: ModelJob,
    auxiliary: list[ModelJob],
    variant: str = "",
) -> PrintsJob:
    seed = seed_for(name, "prints", method, repeat)
    parents = {"victim": victim.key} | {job.recipe.family: job.key for job in auxiliary}
    spec = {
        "kind": "prints",
        "task": spec_of(task, "measure"),
        "method": spec_of(fingerprint),
        "count": experiment.count,
        "seed": seed,
        "parents": parents,
    }
    title = f"{name}: {method}{' ' + variant if variant else ''} prints, repeat {repeat}"
    key, count, trainer = key_of(spec), experiment.count, experiment.trainer
    return PrintsJob(name, task, title, parents, spec, key, method, fingerprint, repeat, count, seed, trainer, variant)


def _measurements(prints: PrintsJob, suspects: Sequence[ModelJob]) -> tuple[MeasureJob, ...]:
    task, method = spec_of(prints.task, "measure"), spec_of(prints.fingerprint, "measure")
    jobs = []
    for suspect in suspects:
        parents = {"prints": prints.key, "suspect": suspect.key}
        spec = {"kind": "measurement", "task": task, "method": method, "parents": parents}
        title = f"{prints.title}, {suspect.recipe.label}"
        jobs.append(MeasureJob(prints.task_name, prints.task, title, parents, spec, key_of(spec), prints, suspect))
    return tuple(jobs)


def _exhibit(
    experiment: Experiment, prints: PrintsJob, victim: ModelJob, suspects: list[ModelJob]
) -> Iterator[ExhibitJob]:
    """The victim, the last stolen model that kept training (or the first stolen one), the first independent one.

    Models with other labels or another architecture are shown only where there are no others, other labels never.
    """
    alike = [job for job in suspects if job.recipe.suspect.solves(job.task) == job.task]
    labelled = [job for job in suspects if job.recipe.suspect.solves(job.task).data == job.task.data]
    stolen, independent = (
        [job for job in alike if job.recipe.suspect.stolen == side]
        or [job for job in labelled if job.recipe.suspect.stolen == side]
        for side in (True, False)
    )
    if not (stolen and independent):
        return
    tuned = [job for job in stolen if job.recipe.family == "finetune"] or stolen
    shown = {job.recipe.label: job.key for job in (victim, tuned[-1], independent[0])}
    parents = {"prints": prints.key, **shown}
    count = min(experiment.gallery, experiment.count)
    spec = {"kind": "exhibit", "task": spec_of(prints.task), "count": count, "parents": parents}
    title = f"{prints.title}, gallery"
    yield ExhibitJob(prints.task_name, prints.task, title, parents, spec, key_of(spec), prints, shown, count)


def _detector(
    experiment: Experiment, name: str, task: Task, label: str, detector: Detector, victim: ModelJob
) -> DetectorJob:
    """A detector sees the task's data, and the victim only if its distances depend on it."""
    seed = seed_for(name, "detector", label, victim.zoo)
    parents = {"victim": victim.key} if detector.asks_victim else {}
    spec = {
        "kind": "detector",
        "data": spec_of(task.data),
        "detector": spec_of(detector),
        "seed": seed,
        "parents": parents,
    }
    title = f"{name}: detector {label}"
    return DetectorJob(name, task, title, parents, spec, key_of(spec), label, detector, victim.key, seed)


def _detection(prints: PrintsJob, fitted: DetectorJob) -> DetectionJob:
    parents = {"prints": prints.key, "detector": fitted.key} | fitted.parents
    spec = {"kind": "detection", "detector": spec_of(fitted.detector), "parents": parents}
    title = f"{prints.title}, {fitted.name}"
    return DetectionJob(prints.task_name, prints.task, title, parents, spec, key_of(spec), prints, fitted)
