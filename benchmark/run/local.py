"""Jobs on this machine. One failed job stops only what needs it; a rerun continues."""

from __future__ import annotations

import heapq
import os
from collections import defaultdict
from collections.abc import Callable, Sequence

from benchmark.errors import InputError, StoreError
from benchmark.plan.job import Job
from benchmark.plan.plan import Plan
from benchmark.run.crew import Crew
from benchmark.run.executor import Executor, Failure
from benchmark.run.here import Here
from benchmark.run.making import abandoned
from benchmark.run.process import Gear, failure_note
from benchmark.run.progress import Progress
from benchmark.spec.component import setting
from benchmark.store.artefacts import Store
from benchmark.training.trainer import Trainer

MOST_WORKERS = 4  # on processor cores, unless asked for more: each takes most of a GiB


class Local(Executor, name="executor/local"):
    """Jobs on this machine, in this process or in several.

    Attributes:
        workers: processes; None for `per_gpu` on each GPU, or without any for as many as the cores have room for with
            the trainer's threads, four at most.
        per_gpu: processes that share a GPU: small networks leave it idle most of the time.
    """

    workers: int | None = setting(default=None, low=1, stage="runtime")
    per_gpu: int = setting(default=1, low=1, stage="runtime")

    def check_here(self, trainer: Trainer) -> None:
        if trainer.device == "cuda":
            import torch

            if not torch.cuda.is_available():
                raise InputError("trainer.device: there is no CUDA here; set trainer.device=auto, or cpu")

    def run(self, jobs: Sequence[Job], plan: Plan, store: Store) -> list[Failure]:
        trainer = plan.experiment.trainer
        gpus = [gpu for gpu in _gpus(trainer) for _ in range(self.per_gpu)]
        room = max(_cores() // trainer.threads, 1)
        workers = min(self.workers or len(gpus) or min(room, MOST_WORKERS), len(jobs))
        gear = self.gear(plan, store)
        places = [gpus[place % len(gpus)] if gpus else "" for place in range(workers)]
        with Progress(jobs, workers) as progress, self._doers(jobs, gear, places, progress.say) as doers:
            return drive(jobs, doers, progress, store)

    def _doers(self, jobs: Sequence[Job], gear: Gear, gpus: Sequence[str], say: Callable[[str], None]) -> Crew | Here:
        """This process, where one is enough, none of the jobs may be stuck, and none was left by a killed process."""
        if len(gpus) == 1 and self.job_timeout is None and not abandoned(gear.root) & {job.key for job in jobs}:
            return Here(gear, say)
        return Crew(gear, gpus, say, self.patience())


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


def drive(jobs: Sequence[Job], doers: Crew | Here, progress: Progress, store: Store) -> list[Failure]:
    """Hands out jobs whose parents are done, in the plan's order, and returns those that failed.

    Raises:
        StoreError: the store cannot be written any more.
    """
    queue = _Queue(jobs)
    failures: dict[str, Failure] = {}
    running = 0
    while queue.ready or running:
        while queue.ready and doers.room:
            job = queue.take()
            broken = next((failures[key] for key in job.parents.values() if key in failures), None)
            if broken is not None:
                failures[job.key] = Failure(job, f"needs «{broken.job.title}», which failed")
                progress.done(job, None)
                queue.done(job)
            else:
                doers.hand(job)
                running += 1
        for job, outcome in doers.wait() if running else ():
            running -= 1
            if outcome.fatal:
                raise StoreError(outcome.error)
            if outcome.error:
                failures[job.key] = Failure(job, outcome.error)
                place = failure_note(store.root, job.key)
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
