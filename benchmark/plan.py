"""An experiment as jobs: what each makes, out of what. Pure data, parents before children, nothing is run here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from benchmark.component import spec_of
from benchmark.experiment import Experiment, Recipe
from benchmark.identity import key_of, seed_for
from benchmark.tasks.base import Task
from benchmark.train import Trainer
from fingerprints.base import Fingerprint
from suspects.base import Suspect
from suspects.independent import Independent

VICTIM = Recipe("victim", "victim", Independent())


@dataclass(frozen=True)
class Job:
    """One artefact to make. `parents` are keys by name, `spec` is its whole identity, `key` the hash of that."""

    task_name: str
    task: Task = field(repr=False)
    title: str
    parents: dict[str, str] = field(repr=False)
    spec: dict[str, Any] = field(repr=False)
    key: str

    kind: ClassVar[str] = ""


@dataclass(frozen=True)
class ModelJob(Job):
    """Trains or derives a model. Its role is `victim`, `suspect`, `surrogate` or `reference`."""

    role: str
    recipe: Recipe
    zoo: int
    seed: int
    trainer: Trainer = field(repr=False)

    kind: ClassVar[str] = "model"


@dataclass(frozen=True)
class PrintsJob(Job):
    """Makes the prints of one method for one victim."""

    method: str
    fingerprint: Fingerprint = field(repr=False)
    repeat: int
    count: int
    seed: int
    trainer: Trainer = field(repr=False)

    kind: ClassVar[str] = "prints"


@dataclass(frozen=True)
class MeasureJob(Job):
    """Measures one suspect on one set of prints, by every verifier of the method."""

    prints: PrintsJob = field(repr=False)
    suspect: ModelJob = field(repr=False)

    kind: ClassVar[str] = "measurement"


@dataclass(frozen=True)
class ExhibitJob(Job):
    """Saliency maps of a few prints on the victim, a copy and an independent model, for the gallery."""

    prints: PrintsJob = field(repr=False)
    shown: dict[str, str] = field(repr=False)  # the suspect's label -> its key
    count: int

    kind: ClassVar[str] = "exhibit"


J = TypeVar("J", bound=Job)


@dataclass(frozen=True)
class Plan:
    """All jobs of an experiment, parents first, each key once."""

    experiment: Experiment
    jobs: tuple[Job, ...]

    def of_kind(self, kind: type[J]) -> list[J]:
        """The jobs of one kind, in order."""
        return [job for job in self.jobs if isinstance(job, kind)]


def plan(experiment: Experiment) -> Plan:
    """The jobs of an experiment."""
    jobs = {job.key: job for name, task in experiment.tasks.items() for job in _of_task(experiment, name, task)}
    return Plan(experiment, tuple(jobs.values()))


def _of_task(experiment: Experiment, name: str, task: Task) -> Iterator[Job]:
    applicable = {k: f for k, f in experiment.fingerprints.items() if not f.inapplicable(task)}
    for repeat in range(experiment.repeats):
        zoo = repeat if experiment.repeat_zoo else 0
        victim = _model(experiment, name, task, "victim", VICTIM, zoo)
        suspects = [_model(experiment, name, task, "suspect", r, zoo, victim) for r in experiment.recipes]
        yield from (victim, *suspects)
        for method, fingerprint in applicable.items():
            helpers = _auxiliaries(experiment, name, task, zoo, victim, fingerprint)
            yield from helpers
            prints = _prints(experiment, name, task, method, fingerprint, repeat, victim, helpers)
            yield prints
            yield from (_measure(prints, suspect) for suspect in (victim, *suspects))
            if repeat == 0 and experiment.gallery:
                yield _exhibit(experiment, prints, victim, suspects)


def _model(
    experiment: Experiment, name: str, task: Task, role: str, recipe: Recipe, zoo: int, victim: ModelJob | None = None
) -> ModelJob:
    suspect = recipe.suspect
    seed = seed_for(name, role, recipe.family, suspect.copy, zoo)
    parents = {"victim": victim.key} if suspect.stolen and victim else {}
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
    recipes: dict[str, tuple[Suspect, ...]] = {"surrogate": experiment.surrogate, "reference": experiment.reference}
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
    title = f"{name}: {method} prints, repeat {repeat}"
    key = key_of(spec)
    trainer = experiment.trainer
    return PrintsJob(
        name, task, title, parents, spec, key, method, fingerprint, repeat, experiment.count, seed, trainer
    )


def _measure(prints: PrintsJob, suspect: ModelJob) -> MeasureJob:
    parents = {"prints": prints.key, "suspect": suspect.key}
    spec = {
        "kind": "measurement",
        "task": spec_of(prints.task, "measure"),
        "method": spec_of(prints.fingerprint, "measure"),
        "parents": parents,
    }
    title = f"{prints.title}, {suspect.recipe.label}"
    return MeasureJob(prints.task_name, prints.task, title, parents, spec, key_of(spec), prints, suspect)


def _exhibit(experiment: Experiment, prints: PrintsJob, victim: ModelJob, suspects: list[ModelJob]) -> ExhibitJob:
    """The victim, the last stolen model that kept training (or the first stolen one), the first independent one."""
    stolen = [job for job in suspects if job.recipe.suspect.stolen]
    tuned = [job for job in stolen if job.recipe.family == "finetune"] or stolen
    other = next(job for job in suspects if not job.recipe.suspect.stolen)
    shown = {job.recipe.label: job.key for job in (victim, tuned[-1], other)}
    parents = {"prints": prints.key, **shown}
    count = min(experiment.gallery, experiment.count)
    spec = {"kind": "exhibit", "task": spec_of(prints.task), "count": count, "parents": parents}
    title = f"{prints.title}, gallery"
    return ExhibitJob(prints.task_name, prints.task, title, parents, spec, key_of(spec), prints, shown, count)
