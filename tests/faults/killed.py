"""SIGKILL at every write point of the store, of a job of the executor, of a worker process and of its starter."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

from benchmark.plan.job import Job
from benchmark.plan.verdicts import MeasureJob
from benchmark.store.artefacts import Store
from tests.faults import experiment
from tests.faults.artefacts import ended, expected, key, make, started
from tests.faults.points import Points, kill
from tests.faults.tally import Tally, audit, drafts_in, keys_in, stamps, total

KEPT, MADE, DAMAGED = key(0), key(1), key(2)


def store(folder: Path, full: bool) -> Tally:
    """A first artefact in a new store, one beside another, one in the place of a damaged one."""
    every = 1 if full else 3
    return total(
        (
            at_every_point(folder / "new", lambda root: None, new, [MADE], every),
            at_every_point(folder / "beside", beside, new, [MADE], every),
            at_every_point(folder / "replace", damaged, replace, [DAMAGED], every),
        )
    )


def new(root: Path) -> None:
    """A store and an artefact."""
    make(Store(root), MADE)


def beside(root: Path) -> None:
    """A neighbour."""
    make(Store(root), KEPT)


def damaged(root: Path) -> None:
    """A neighbour and an artefact that is no longer what it was."""
    beside(root)
    (make(Store(root), DAMAGED).folder / "first.bin").write_bytes(b"rubbish")


def replace(root: Path) -> None:
    """The damaged one again."""
    make(Store(root), DAMAGED)


def at_every_point(
    folder: Path, prepare: Callable[[Path], None], act: Callable[[Path], None], keys: list[str], every: int
) -> Tally:
    """Kills the act at its 1st, (1 + every)-th, ... write point, each time in a newly prepared store; repeats it."""
    tally, sums = Tally(), expected([KEPT, MADE, DAMAGED])
    for at in itertools.count(1, every):
        root = folder / str(at) / "store"
        root.parent.mkdir(parents=True)
        prepare(root)
        before = stamps(root)
        hurt = keys_in(root) - before.keys()

        def work(root: Path = root, at: int = at) -> None:
            with Points(root, at, kill).armed():
                act(root)

        code = ended(started(work))
        if code == 0:
            return tally
        after = Tally(1, wrong=int(code != -signal.SIGKILL)) + audit(root, sums, before, but=hurt)
        before = stamps(root)
        act(root)
        tally += after + audit(root, sums, before, must=keys) + Tally(wrong=len(drafts_in(root)))
    raise AssertionError


def job(folder: Path, full: bool) -> Tally:
    """The executor's own process, at every write point of a job: each job, or the last measurement alone."""
    planned = experiment.planned(folder)
    tally, template = Tally(), folder / "template"
    for number, each in enumerate(planned.jobs):
        if full or each is planned.of_kind(MeasureJob)[-1]:
            tally += _in_job(folder / str(number), template, each, every=1 if full else 4)
        experiment.do(template, [each])
    return tally


def _in_job(folder: Path, template: Path, job: Job, every: int) -> Tally:
    """The job's parents are in the template's store."""
    tally, sums = Tally(), experiment.expected()
    for at in itertools.count(1, every):
        place = folder / str(at)
        root = place / "store"
        Store(template / "store")
        shutil.copytree(template, place)
        before = stamps(root)

        def work(place: Path = place, root: Path = root, at: int = at) -> None:
            with Points(root, at, kill).armed():
                experiment.do(place, [job])

        code = ended(started(work))
        if code == 0:
            return tally
        tally += Tally(1, wrong=int(code != -signal.SIGKILL)) + audit(root, sums, before)
        before = stamps(root)
        assert ended(started(lambda place=place: experiment.do(place, [job]))) == 0  # type: ignore[misc]
        tally += audit(root, sums, before, must=[job.key]) + Tally(wrong=len(drafts_in(root)))
        shutil.rmtree(place)
    raise AssertionError


def worker(folder: Path, full: bool) -> Tally:
    """Each of two worker processes and of those in their place, at the n-th write point: the run names the jobs."""
    tally, sums = Tally(), experiment.expected()
    for at in (1, 5, 9, 14, 19, 30) if full else (9,):
        place = folder / str(at)
        said = experiment.do(place, fatal=at, workers=2)
        root = place / "store"
        tally += Tally(1, wrong=int("(signal 9, SIGKILL)" not in said)) + audit(root, sums, {})
        before = stamps(root)
        experiment.do(place)
        tally += audit(root, sums, before, must=sums) + Tally(wrong=len(drafts_in(root)))
    return tally


def starter(folder: Path, full: bool) -> Tally:
    """The process that the user started, once so many artefacts are there; its workers, if any, leave by themselves."""
    tally, sums, workers = Tally(), experiment.expected(), 2 if full else 1
    for count in (1, 2, 3, 4, 5) if full else (2,):
        place = folder / str(count)
        root = place / "store"
        child = started(lambda place=place: experiment.do(place, workers=workers))  # type: ignore[misc]
        while len(keys_in(root)) < count:
            time.sleep(0.005)
        os.kill(child, signal.SIGKILL)
        ended(child)
        before = stamps(root)
        experiment.do(place)  # at once, while a worker may still be writing
        tally += Tally(1) + audit(root, sums, before, must=sums) + Tally(wrong=len(drafts_in(root)))
    return tally
