"""What runs inside a Slurm task: jobs one after another, once more from where it was after a requeue."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.errors import StoreError
from benchmark.run import process
from benchmark.store.artefacts import Store

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

    from benchmark.plan.job import Job
    from benchmark.training.trainer import Trainer


class Work:
    """A task's jobs. submitit calls it, and `checkpoint` when the time is nearly up or the node is wanted back.

    Args:
        root: the store.
        requeues: how often the task may queue itself again.
    """

    def __init__(self, root: Path, trainer: Trainer, threads: int, jobs: Sequence[Job], requeues: int) -> None:
        self.root, self.trainer, self.threads, self.jobs, self.requeues = root, trainer, threads, tuple(jobs), requeues

    def __call__(self) -> None:
        """Does what is not done yet. One failed job stops only what needs it.

        Raises:
            RuntimeError: a job failed; so the task counts as failed, and what hangs on it is cancelled.
            StoreError: the store cannot be written.
        """
        process.prepare(self.root, self.trainer, self.threads)
        store, failed = Store(self.root), 0
        for job in self.jobs:
            absent = [name for name, key in job.parents.items() if store.find(key) is None]
            if absent:
                print(f"left out: {job.title}: there is no {', '.join(absent)}", flush=True)
                failed += 1
                continue
            outcome = process.do(job)
            if outcome.fatal:
                raise StoreError(outcome.error)
            print(f"failed: {job.title}: {outcome.error}" if outcome.error else f"done: {job.title}", flush=True)
            failed += bool(outcome.error)
        if failed:
            raise RuntimeError(f"{failed} of {len(self.jobs)} jobs are not done")

    def checkpoint(self) -> DelayedSubmission:
        """The same again: what is done is in the store, and a long training's epochs beside it.

        Raises:
            SystemExit: it was queued again often enough.
        """
        from submitit.helpers import DelayedSubmission

        self.requeues -= 1
        if self.requeues < 0:
            raise SystemExit("out of time, and requeued as often as executor.requeues allows: run again to continue")
        return DelayedSubmission(self)
