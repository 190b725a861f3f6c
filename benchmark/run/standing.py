"""How each job of an experiment stands: done, running, queued, failed, lost or missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.plan.job import Job
from benchmark.run.process import failure_note, told_failure
from benchmark.run.slurm.queue import Queue, starved, states
from benchmark.store.artefacts import Store

DONE, RUNNING, QUEUED, FAILED, LOST, MISSING = "done", "running", "queued", "failed", "lost", "missing"
STATES = (DONE, RUNNING, QUEUED, FAILED, LOST, MISSING)


@dataclass(frozen=True)
class Standing:
    """How a job stands; `note` says why it failed or was lost, and where to read more.

    `lost` means that its Slurm task is over without it: killed, cancelled or out of time.
    """

    job: Job
    state: str
    note: str = ""


def standings(jobs: Sequence[Job], store: Store, queue: Queue) -> list[Standing]:
    """How each job stands, in the given order, parents before children.

    Raises:
        InputError: something was queued on Slurm, and Slurm does not answer.
    """
    task_of = {key: task for task, keys in queue.queued().items() for key in keys}  # the newest one wins
    alive = states() if task_of else {}
    found: dict[str, Standing] = {}
    for job in jobs:
        task = task_of.get(job.key, "")
        found[job.key] = _standing(job, store, found, queue.log(task) if task else None, alive.get(task, ""))
    return list(found.values())


def causes(found: Iterable[Standing]) -> list[str]:
    """A line for each job that failed or was lost by itself, with its reason; those that needed it have none."""
    by_themselves = (each for each in found if each.note and not each.note.startswith("needs «"))
    return [f"{each.state}: {each.job.title}: {each.note}" for each in by_themselves]


def _standing(job: Job, store: Store, known: dict[str, Standing], log: Path | None, state: str) -> Standing:
    if store.find(job.key) is not None:
        return Standing(job, DONE)
    if state == "RUNNING" or (not state and store.building(job.key)):
        return Standing(job, RUNNING)
    if state:
        return Standing(job, QUEUED)
    if line := told_failure(store.root, job.key):
        return Standing(job, FAILED, f"{line} (traceback: {failure_note(store.root, job.key)})")
    for key in job.parents.values():
        if key in known and known[key].state in (FAILED, LOST):
            root = known[key]
            return Standing(job, root.state, f"needs «{root.job.title}», which {_became(root.state)}")
    if log is not None and starved(log):
        return Standing(job, LOST, f"its Slurm task was killed for want of memory (log: {log})")
    if log is not None:
        return Standing(job, LOST, f"its Slurm task is over without it: killed, cancelled or out of time (log: {log})")
    return Standing(job, MISSING)


def _became(state: str) -> str:
    return "failed" if state == FAILED else "was lost"
