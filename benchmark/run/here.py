"""Jobs in this very process, with what a crew offers: quick to begin, but a job that ends its process ends the run."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from benchmark.run import process
from benchmark.run.process import Gear, Outcome
from benchmark.run.silence import Silence

if TYPE_CHECKING:
    from benchmark.plan.job import Job

LOOK = 1.0  # seconds between looks of the thread that breaks a silence


class Here:
    """Does each job when it is asked what became of it."""

    def __init__(self, gear: Gear, say: Callable[[str], None]) -> None:
        process.prepare(gear)
        self._gear, self._say = gear, say
        self._job: Job | None = None
        self._silence: Silence | None = None
        self._over = threading.Event()

    def __enter__(self) -> Here:
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._over.set()

    @property
    def room(self) -> bool:
        """Whether it can be given a job."""
        return self._job is None

    def hand(self, job: Job) -> None:
        """Takes a job on."""
        self._job = job

    def wait(self) -> list[tuple[Job, Outcome]]:
        """Does the job and returns what became of it."""
        job, self._job = self._job, None
        assert job is not None
        self._silence = Silence(job)
        try:
            return [(job, process.do(job))]
        finally:
            self._silence = None

    def _watch(self) -> None:
        while not self._over.wait(LOOK):
            silence = self._silence
            if silence and (line := silence.broken(self._gear.root, os.getpid())):
                self._say(line)
