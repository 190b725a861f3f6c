"""An experiment as jobs: what each makes, out of what. Pure data, parents before children, nothing is run here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from benchmark.plan.ablations import Variant, variants
from benchmark.plan.experiment import Experiment
from benchmark.plan.job import Job
from benchmark.plan.stealth import detector_jobs, stealth_jobs
from benchmark.plan.verdicts import exhibit
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
        for repeat in range(experiment.repeats):
            for job in _of_repeat(experiment, zoos.of(name, experiment.replicate(repeat)), repeat):
                jobs.setdefault(job.key, job)
        for variant in variants(experiment, zoos, name, set(jobs)):
            points.append(variant)
            for job in (*variant.prints.with_helpers(), *variant.measured):
                jobs.setdefault(job.key, job)
    return Plan(experiment, tuple(jobs.values()), tuple(points))


def _of_repeat(experiment: Experiment, zoo: Zoo, repeat: int) -> Iterator[Job]:
    yield zoo.victim
    for suspect in zoo.suspects:
        yield from suspect.leaked.with_helpers() if suspect.leaked else ()
        yield suspect
    detectors = detector_jobs(experiment, zoo)
    yield from detectors
    for method, fingerprint in experiment.fingerprints.items():
        if fingerprint.inapplicable(zoo.task):
            continue
        prints = zoo.prints(method, fingerprint, repeat)
        yield from prints.with_helpers()
        for channel in experiment.channels:
            yield from zoo.measurements(prints, channel)
        yield from stealth_jobs(experiment, prints, detectors)
        if repeat == 0 and experiment.gallery and not zoo.task.data.private:
            shown = exhibit(experiment, prints, zoo.suspects)
            yield from [shown] if shown else ()
