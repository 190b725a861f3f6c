"""Jobs on this machine. One failed job stops only what needs it; a rerun continues."""

from __future__ import annotations

import heapq
import multiprocessing
import os
import pickle
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

from benchmark.errors import StoreError
from benchmark.plan.job import Job
from benchmark.plan.plan import Plan
from benchmark.run import process
from benchmark.run.executor import Executor, Failure
from benchmark.run.process import Outcome
from benchmark.run.progress import Progress
from benchmark.spec.component import setting
from benchmark.store.artefacts import Store
from benchmark.training.trainer import Trainer

MOST_WORKERS = 4  # on processor cores, unless asked for more: each takes most of a GiB


class Local(Executor, name="executor/local"):
    """Jobs on this machine, in this process or in several.

    With one thread each the bits do not depend on the number of cores, and small networks gain nothing from a second.

    Attributes:
        workers: processes; None for `per_gpu` on each GPU, or without any one a core, four at most.
        threads: of torch, in each process; None divides the cores among them.
        per_gpu: processes that share a GPU: small networks leave it idle most of the time.
    """

    workers: int | None = setting(default=None, low=1, stage="runtime")
    threads: int | None = setting(default=1, low=1, stage="runtime")
    per_gpu: int = setting(default=1, low=1, stage="runtime")

    def run(self, jobs: Sequence[Job], plan: Plan, store: Store) -> list[Failure]:
        trainer = plan.experiment.trainer
        devices = [device for device in _gpus(trainer) for _ in range(self.per_gpu)]
        wanted = self.workers or len(devices) or min(_cores(), MOST_WORKERS)
        workers = min(wanted, len(jobs))
        threads = self.threads or max(_cores() // wanted, 1)
        with Progress(jobs) as progress, _pool(workers, store, trainer, threads, devices) as pool:
            return _drive(jobs, pool, 2 * workers, progress, store)


def _cores() -> int:
    """The cores that this process may use, fewer than the machine has under a scheduler or taskset."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _gpus(trainer: Trainer) -> list[str]:
    """What CUDA_VISIBLE_DEVICES would call each GPU that this process may use, none if the trainer wants none."""
    import torch

    if trainer.device == "cpu" or not torch.cuda.is_available():
        return []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return visible.split(",") if visible else [str(index) for index in range(torch.cuda.device_count())]


@contextmanager
def _pool(
    workers: int, store: Store, trainer: Trainer, threads: int, devices: Sequence[str]
) -> Iterator[futures.Executor]:
    """Who does the jobs: this process, or a pool whose processes leave with the run, however that ends."""
    if workers == 1:
        process.prepare(store.root, trainer, threads)
        yield _Here()
        return
    context = multiprocessing.get_context("spawn")  # a forked process would inherit torch's threads in an unknown state
    gpus, (ours, theirs) = context.Queue(), context.Pipe()
    for place in range(workers):
        gpus.put(devices[place % len(devices)] if devices else "")
    ready = (store.root, pickle.dumps(trainer), threads, gpus, theirs)
    pool = futures.ProcessPoolExecutor(workers, context, process.start, ready)
    try:
        yield pool
    except BaseException:
        ours.close()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        ours.close()


class _Here(futures.Executor):
    """An executor that does each job at once, in this process."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(function(*arguments, **named))
        return future


def _drive(jobs: Sequence[Job], pool: futures.Executor, width: int, progress: Progress, store: Store) -> list[Failure]:
    """Hands out jobs whose parents are done, in the plan's order, at most `width` at a time."""
    queue = _Queue(jobs)
    failures: dict[str, Failure] = {}
    running: dict[Future[Outcome], Job] = {}
    while queue.ready or running:
        while queue.ready and len(running) < width:
            job = queue.take()
            broken = next((failures[key] for key in job.parents.values() if key in failures), None)
            if broken is not None:
                failures[job.key] = Failure(job, f"needs «{broken.job.title}», which failed")
                progress.done(job, None)
                queue.done(job)
            else:
                running[pool.submit(process.do, job)] = job
        finished, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in finished:
            job = running.pop(future)
            outcome = _outcome(future)
            if outcome.fatal:
                raise StoreError(outcome.error)
            if outcome.error:
                failures[job.key] = Failure(job, outcome.error)
                place = process.failure_note(store.root, job.key)
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


def _outcome(future: Future[Outcome]) -> Outcome:
    try:
        return future.result()
    except BrokenProcessPool:
        line = "a worker process died (out of memory?); what was done is kept, run again to continue"
        return Outcome(0, line, fatal=True)
