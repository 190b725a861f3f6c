"""What is said of a job when nothing has been heard of it for a while: who is at it, or who holds its lock."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.run.making import holder, maker

if TYPE_CHECKING:
    from benchmark.plan.job import Job

LOCKED = 5.0  # seconds until a wait for somebody else's lock is told
LONG = 40.0  # and until a job is told that just takes long; both again after three times as long


class Silence:
    """The time since a job began."""

    def __init__(self, job: Job) -> None:
        self._job, self._since, self._next = job, time.monotonic(), LOCKED

    @property
    def seconds(self) -> float:
        """How long it has lasted."""
        return time.monotonic() - self._since

    def broken(self, root: Path, pid: int) -> str:
        """The line that is due about the job, which process `pid` was given; empty if none is."""
        if self.seconds < self._next:
            return ""
        self._next *= 3
        key, title = self._job.key, self._job.title
        if other := holder(root, key, pid):
            return f"«{title}» waits: its lock is held by {other}"
        if self.seconds < LONG:
            return ""
        own = maker(root, key)
        return f"still at «{title}»: {own or f'process {pid}, which has not begun to make it'}"
