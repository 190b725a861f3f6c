"""An experiment as jobs: what each makes, out of what. Pure data, parents before children, nothing is run here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from benchmark.plan.ablations import Variant, variants
from benchmark.plan.experiment import Experiment
from benchmark.plan.job import Job
from benchmark.plan.prints import PrintsJob
from benchmark.plan.stealth import DetectorJob, detector_jobs, stealth_jobs
from benchmark.plan.verdicts import exhibit
from benchmark.plan.worth import WorthJob
from benchmark.plan.zoo import Zoo, Zoos

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
    zoos, jobs, points = Zoos(experiment), dict[str, Job](), list[Variant]()
    for name in experiment.tasks:
        for victim in experiment.victims:
            for job in _of_victim(experiment, zoos.of(name, victim)):
                jobs.setdefault(job.key, job)
        for variant in variants(experiment, zoos, name, set(jobs)):
            points.append(variant)
            for job in (*variant.prints.with_helpers(), *variant.proofs, *variant.measured):
                jobs.setdefault(job.key, job)
    return Plan(experiment, tuple(jobs.values()), tuple(points))


def _of_victim(experiment: Experiment, zoo: Zoo) -> Iterator[Job]:
    yield zoo.victim
    for suspect in zoo.suspects:
        yield from suspect.leaked.with_helpers() if suspect.leaked else ()
        yield suspect
        yield WorthJob(zoo.task_name, zoo.task, suspect, zoo.victim)
    yield from zoo.bystanders
    detectors = detector_jobs(experiment, zoo)
    yield from detectors
    for repeat in range(experiment.repeats):
        for method, fingerprint in experiment.fingerprints.items():
            if not fingerprint.inapplicable(zoo.task):
                yield from _of_prints(experiment, zoo, zoo.prints(method, fingerprint, repeat), detectors)


def _of_prints(experiment: Experiment, zoo: Zoo, prints: PrintsJob, detectors: list[DetectorJob]) -> Iterator[Job]:
    yield from prints.with_helpers()
    yield from zoo.proofs(prints)
    for channel in experiment.channels:
        yield from zoo.measurements(prints, channel)
    yield from zoo.alarms(prints)
    yield from stealth_jobs(experiment, prints, detectors)
    first = prints.repeat == 0 and zoo.replicate == experiment.victims[0]
    if first and experiment.gallery and not zoo.task.data.private:
        shown = exhibit(experiment, prints, zoo.suspects)
        yield from [shown] if shown else ()
