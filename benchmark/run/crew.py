"""Worker processes that do jobs. One that dies, or is at a job too long, is replaced, and its job is named."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from benchmark.errors import InputError
from benchmark.run.making import holder
from benchmark.run.process import GRACE, Gear, Outcome, note_failure, start
from benchmark.run.silence import Silence

if TYPE_CHECKING:
    from benchmark.plan.job import Job

AHEAD = 2  # jobs that a worker is given at a time, so that it need not wait for the next one
LOOK = 1.0  # seconds between looks at workers that say nothing
WANT_OF_MEMORY = "the kernel killed it for want of memory"


@dataclass(frozen=True)
class Patience:
    """What is put up with.

    Attributes:
        seconds: of a job until it counts as stuck, waiting for somebody else's lock included; None for any number.
        attempts: at a job whose process ends in it.
    """

    seconds: float | None = None
    attempts: int = 2


@dataclass(eq=False)
class _Worker:
    """A process, the GPU that it has, and the jobs that it was given: the first of them is the one that it is at."""

    gpu: str
    process: SpawnProcess
    line: Connection
    jobs: deque[Job] = field(default_factory=deque)
    ready: bool = False
    killed: str = ""  # why its process was ended, if it was by us
    silence: Silence | None = None


class Crew:
    """One worker for each of `gpus`, which says what its CUDA_VISIBLE_DEVICES are ("": as they are here).

    Args:
        say: is told in a line what a waiting person wants to know.
    """

    def __init__(
        self, gear: Gear, gpus: Sequence[str], say: Callable[[str], None], patience: Patience = Patience()
    ) -> None:
        self._gear, self._say, self._patience = gear, say, patience
        if multiprocessing.get_start_method(allow_none=True) not in (None, *multiprocessing.get_all_start_methods()):
            multiprocessing.set_start_method("spawn", force=True)  # a fresh process knows nothing of joblib's own
        self._context = multiprocessing.get_context("spawn")  # a forked process would inherit torch's threads
        self._ended, self._oom = Counter[str](), _oom_kills()
        self._workers = [self._worker(gpu) for gpu in gpus]

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for worker in self._workers:
            worker.line.close()
        end = time.monotonic() + 2 * GRACE
        for worker in self._workers:
            worker.process.join(max(end - time.monotonic(), 0))
            worker.process.kill()
            worker.process.join()

    @property
    def room(self) -> bool:
        """Whether a worker can be given another job."""
        return any(len(worker.jobs) < AHEAD for worker in self._workers)

    def hand(self, job: Job) -> None:
        """Gives a job to the worker that has the fewest."""
        self._give(min(self._workers, key=lambda worker: len(worker.jobs)), job)

    def wait(self) -> list[tuple[Job, Outcome]]:
        """Waits until at least one job is over, and returns all that are.

        Raises:
            InputError: a worker process ended before it was ready for any.
        """
        found: list[tuple[Job, Outcome]] = []
        while not found:
            for line in wait([worker.line for worker in self._workers], LOOK):
                worker = next(worker for worker in self._workers if worker.line is line)
                found += self._hear(worker)
            for worker in list(self._workers):
                self._look(worker)
                if worker.process.exitcode is not None:
                    found += self._hear(worker)  # what it said before its end
                    found += self._replace(worker)
        return found

    def _worker(self, gpu: str) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=start, args=(self._gear, gpu, theirs))
        process.start()
        theirs.close()
        return _Worker(gpu, process, ours)

    def _give(self, worker: _Worker, job: Job) -> None:
        if not worker.jobs:
            worker.silence = Silence(job)
        worker.jobs.append(job)
        with suppress(OSError):  # it has just died, as the next look will find
            worker.line.send_bytes(pickle.dumps(job))

    def _hear(self, worker: _Worker) -> list[tuple[Job, Outcome]]:
        found = []
        try:
            while worker.line.poll():
                outcome = worker.line.recv()
                if outcome is None:
                    worker.ready = True
                else:
                    found.append((worker.jobs.popleft(), outcome))
                worker.silence = Silence(worker.jobs[0]) if worker.jobs else None
        except (EOFError, OSError):
            worker.process.join(GRACE)
            worker.process.kill()  # without its line it is of no use, should it live
            worker.process.join()
        return found

    def _look(self, worker: _Worker) -> None:
        """Says what a silent worker is at, and ends it when its job has taken too long."""
        if worker.silence is None or not worker.ready:
            return
        root, pid = self._gear.root, worker.process.pid or 0
        if line := worker.silence.broken(root, pid):
            self._say(line)
        limit = self._patience.seconds
        if limit is not None and worker.silence.seconds > limit:
            other = holder(root, worker.jobs[0].key, pid)
            waited = f", its lock is held by {other}" if other else f", process {pid} was ended"
            worker.killed = f"not done within {limit:g} s, which is executor.job_timeout{waited}"
            worker.process.terminate()
            worker.process.join(GRACE)
            worker.process.kill()
            worker.process.join()

    def _replace(self, worker: _Worker) -> list[tuple[Job, Outcome]]:
        """Puts another worker in the place of a dead one; returns what is to be said of the job that it died in."""
        how = self._ending(worker.process.exitcode or 0)
        if not worker.ready:
            raise InputError(f"executor: a worker process ended while it started ({how}): free memory or lower workers")
        worker.line.close()
        fresh = self._worker(worker.gpu)
        self._workers[self._workers.index(worker)] = fresh
        found, jobs = [], list(worker.jobs)
        if jobs and (worker.killed or not self._again(jobs[0], how)):
            job, times = jobs.pop(0), self._ended[worker.jobs[0].key]
            line = worker.killed or f"its process ended in {times} of {times} attempts ({how})"
            note_failure(self._gear.root, job, line)
            found.append((job, Outcome(0, line)))
        for job in jobs:
            self._give(fresh, job)
        return found

    def _again(self, job: Job, how: str) -> bool:
        self._ended[job.key] += 1
        tried, allowed = self._ended[job.key], self._patience.attempts
        if how == WANT_OF_MEMORY and len(self._workers) == 1:
            return False  # there is no more of it the next time
        if tried < allowed:
            self._say(f"the process of «{job.title}» ended in attempt {tried} of {allowed} ({how}); trying it again")
        return tried < allowed

    def _ending(self, code: int) -> str:
        """How a process ended, in words."""
        before, self._oom = self._oom, _oom_kills()
        if code == -signal.SIGKILL and self._oom > before:
            return WANT_OF_MEMORY
        if code >= 0:
            return f"exit code {code}"
        with suppress(ValueError):
            return f"signal {-code}, {signal.Signals(-code).name}"
        return f"signal {-code}"


def _oom_kills() -> int:
    """How many processes this machine's kernel has killed for want of memory so far."""
    with suppress(OSError, ValueError, IndexError):
        lines = Path("/proc/vmstat").read_text().splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
    return 0
