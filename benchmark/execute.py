"""Runs what the store does not have yet. One failed job stops only what needs it; a rerun continues."""

from __future__ import annotations

import heapq
import multiprocessing
import os
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.component import Component, setting
from benchmark.errors import StoreError
from benchmark.jobs import Job
from benchmark.plan import Plan
from benchmark.progress import Progress
from benchmark.store import Store

if TYPE_CHECKING:
    from benchmark.train import Trainer
    from benchmark.work import Workshop


MOST_WORKERS = 4  # unless asked for more: each takes most of a GiB


@dataclass(frozen=True)
class Failure:
    """A job that could not be done, and why in one line."""

    job: Job
    error: str


class Local(Component):
    """Jobs on this machine: `workers` processes (None: one a core, four at most) with `threads` threads of torch each.

    Small networks gain nothing from a second thread, and with one the bits do not depend on the number of cores.
    """

    workers: int | None = setting(default=None, low=1, stage="runtime")
    threads: int = setting(default=1, low=1, stage="runtime")

    def run(self, jobs: Sequence[Job], plan: Plan, store: Store) -> list[Failure]:
        """Does the jobs, parents before children, and returns those that failed.

        Raises:
            StoreError: the store cannot be written any more; jobs that are done stay done.
        """
        workers = min(self.workers or min(_cores(), MOST_WORKERS), len(jobs))
        with Progress(jobs) as progress, self._hands(workers, store, plan.experiment.trainer) as hands:
            return _drive(jobs, hands, 2 * workers, progress, store.root / "failures")

    @contextmanager
    def _hands(self, workers: int, store: Store, trainer: Trainer) -> Iterator[Executor]:
        if workers == 1:
            _prepare(store.root, trainer, self.threads)
            yield _Here()
            return
        # spawn: a forked process would inherit torch's threads in an unknown state
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(workers, context, _prepare, (store.root, trainer, self.threads))
        try:
            yield pool
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _cores() -> int:
    """The cores that this process may use, fewer than the machine has under a scheduler or taskset."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class _Outcome:
    """What became of a job: seconds, and the error with its traceback if it failed; `fatal` ends the whole run."""

    seconds: float
    error: str = ""
    trace: str = ""
    fatal: bool = False


class _Here(Executor):
    """An executor that does each job at once, in this process."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(function(*arguments, **named))
        return future


_workshop: Workshop | None = None  # one a process: it keeps the models that were loaded last


def _prepare(root: Path, trainer: Trainer, threads: int) -> None:
    """Makes this process ready for jobs; a worker process leaves when the one that started it is gone."""
    global _workshop
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    import torch

    from benchmark.work import Workshop

    torch.set_num_threads(threads)
    _workshop = Workshop(Store(root), trainer)


def _leave_with(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _do(job: Job) -> _Outcome:
    start = time.monotonic()
    assert _workshop is not None
    try:
        _workshop.do(job)
    except StoreError as error:
        return _Outcome(0, str(error), fatal=True)
    except Exception as error:
        text = " ".join(str(error).split()) or "no message"
        return _Outcome(0, f"{type(error).__name__}: {text}", traceback.format_exc())
    return _Outcome(time.monotonic() - start)


def _drive(jobs: Sequence[Job], hands: Executor, width: int, progress: Progress, traces: Path) -> list[Failure]:
    """Hands out jobs whose parents are done, in the plan's order, at most `width` at a time."""
    queue = _Queue(jobs)
    failures: dict[str, Failure] = {}
    running: dict[Future[_Outcome], Job] = {}
    while queue.ready or running:
        while queue.ready and len(running) < width:
            job = queue.take()
            broken = next((failures[key] for key in job.parents.values() if key in failures), None)
            if broken is not None:
                failures[job.key] = Failure(job, f"needs «{broken.job.title}», which failed")
                progress.done(job, None)
                queue.done(job)
            else:
                running[hands.submit(_do, job)] = job
        finished, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in finished:
            job = running.pop(future)
            outcome = _outcome(future)
            if outcome.fatal:
                raise StoreError(outcome.error)
            if outcome.error:
                failures[job.key] = Failure(job, outcome.error)
                place = _keep_trace(traces / f"{job.key}.txt", job, outcome.trace)
                progress.say(f"failed: {job.title}: {outcome.error} (traceback: {place})")
            progress.done(job, None if outcome.error else outcome.seconds)
            queue.done(job)
    return list(failures.values())


class _Queue:
    """Jobs that wait for others among them, and those that are ready, in the plan's order."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        keys = {job.key for job in jobs}
        self._open = [len(set(job.parents.values()) & keys) for job in jobs]
        self._children: dict[str, list[int]] = defaultdict(list)
        for number, job in enumerate(jobs):
            for key in set(job.parents.values()) & keys:
                self._children[key].append(number)
        self.ready = [number for number, count in enumerate(self._open) if not count]  # sorted, so a heap

    def take(self) -> Job:
        return self._jobs[heapq.heappop(self.ready)]

    def done(self, job: Job) -> None:
        for child in self._children[job.key]:
            self._open[child] -= 1
            if not self._open[child]:
                heapq.heappush(self.ready, child)


def _outcome(future: Future[_Outcome]) -> _Outcome:
    try:
        return future.result()
    except BrokenProcessPool:
        line = "a worker process died (out of memory?); what was done is kept, run again to continue"
        return _Outcome(0, line, fatal=True)


def _keep_trace(path: Path, job: Job, trace: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{job.title}\n{trace}", encoding="utf-8")
    return path


def missing(plan: Plan, store: Store) -> list[Job]:
    """The plan's jobs whose artefact is not in the store; a damaged one is moved aside and counts as missing."""
    return [job for job in plan.jobs if store.find(job.key) is None]
