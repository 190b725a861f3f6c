"""What runs inside a Slurm task: jobs one after another, once more from where it was after a requeue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmark.errors import StoreError
from benchmark.run.crew import Crew, Patience
from benchmark.run.process import Gear
from benchmark.store.artefacts import Store

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

    from benchmark.plan.job import Job


class Work:
    """A task's jobs. submitit calls it, and `checkpoint` when the time is nearly up or the node is wanted back.

    Args:
        requeues: how often the task may queue itself again.
    """

    def __init__(self, gear: Gear, jobs: Sequence[Job], patience: Patience, requeues: int) -> None:
        self.gear, self.jobs, self.patience, self.requeues = gear, tuple(jobs), patience, requeues

    def __call__(self) -> None:
        """Does what is not done yet, in a process beside this one. A failed job stops only what needs it.

        Raises:
            RuntimeError: a job failed; so the task counts as failed, and what hangs on it is cancelled.
            StoreError: the store cannot be written.
        """
        store, failed = Store(self.gear.root), 0
        with Crew(self.gear, [""], _say, self.patience) as crew:
            for job in self.jobs:
                absent = [name for name, key in job.parents.items() if store.find(key) is None]
                if absent:
                    _say(f"left out: {job.title}: there is no {', '.join(absent)}")
                    failed += 1
                    continue
                crew.hand(job)
                ((_, outcome),) = crew.wait()
                if outcome.fatal:
                    raise StoreError(outcome.error)
                _say(f"failed: {job.title}: {outcome.error}" if outcome.error else f"done: {job.title}")
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


def _say(line: str) -> None:
    print(line, flush=True)
