"""How much memory the next task of a job gets: twice as much as the one that was killed for want of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmark.plan.job import Job
from benchmark.run.crew import WANT_OF_MEMORY
from benchmark.run.process import told_failure
from benchmark.run.slurm.queue import Queue, starved


def more_memory(jobs: Sequence[Job], root: Path, queue: Queue, most: float) -> dict[str, float]:
    """GiB for each of the jobs whose last task, or process in it, was killed for want of memory and had less than that.

    The jobs are not done and no task of theirs is alive.

    Args:
        root: the store.
        most: GiB that nothing is given more than.
    """
    newest, seen, found = queue.newest(), dict[str, bool](), dict[str, float]()
    for job in jobs:
        task, memory = newest.get(job.key, ("", 0.0))
        if not task or memory >= most:
            continue
        if task not in seen:
            seen[task] = starved(queue.log(task))
        line = told_failure(root, job.key)
        if WANT_OF_MEMORY in line or (seen[task] and not line):
            found[job.key] = min(2 * memory, most)
    return found
