"""Which jobs share a Slurm task, and which tasks a task waits for. Pure data: nothing is asked of Slurm here.

All of it takes time in proportion to the jobs and what they are made from: it happens while the queue is locked.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter

from benchmark.plan.job import Job


@dataclass(frozen=True, eq=False)
class Pack:
    """The jobs of one task, in order, and the keys of theirs that are made elsewhere before."""

    jobs: tuple[Job, ...]

    @cached_property
    def keys(self) -> frozenset[str]:
        """What the task makes."""
        return frozenset(job.key for job in self.jobs)

    @cached_property
    def needs(self) -> frozenset[str]:
        """What it is made from, by others."""
        return frozenset(key for job in self.jobs for key in job.parents.values()) - self.keys

    @cached_property
    def vital(self) -> frozenset[str]:
        """What each of its jobs is made from: without one of these it has nothing to do."""
        return frozenset.intersection(*(frozenset(job.parents.values()) for job in self.jobs))


def packs(jobs: Sequence[Job], long: int, short: int) -> list[list[Pack]]:
    """Packs of at most `long` long jobs or at most `short` others, in waves: each needs only what earlier ones make.

    Long jobs are packed only with those that wait for the same, so that none waits for more than it needs.
    """
    chosen = {job.key for job in jobs}
    groups: dict[tuple[object, ...], list[Job]] = defaultdict(list)
    for job in jobs:
        needs = frozenset(job.parents.values()) & chosen if job.long else None
        groups[job.task_name, job.kind, job.pack, needs].append(job)
    found = []
    for members in groups.values():
        size = long if members[0].long else short
        found += [Pack(tuple(members[i : i + size])) for i in range(0, len(members), size)]
    return list(_waves(found))


def _waves(found: Sequence[Pack]) -> Iterator[list[Pack]]:
    maker = {key: number for number, pack in enumerate(found) for key in pack.keys}
    graph = {number: {maker[key] for key in pack.needs if key in maker} for number, pack in enumerate(found)}
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    while sorter.is_active():
        wave = sorted(sorter.get_ready())
        yield [found[number] for number in wave]
        sorter.done(*wave)


class Tasks:
    """The tasks that are queued, and which of them make a key."""

    def __init__(self, tasks: Mapping[str, AbstractSet[str]]) -> None:
        self._keys: dict[str, AbstractSet[str]] = {}
        self._making: dict[str, list[str]] = defaultdict(list)
        self.add(tasks)

    def add(self, tasks: Mapping[str, AbstractSet[str]]) -> None:
        """Takes note of tasks, by id, and of the keys that each makes."""
        self._keys |= tasks
        for name, keys in tasks.items():
            for key in keys:
                self._making[key].append(name)

    def before(self, pack: Pack) -> tuple[frozenset[str], frozenset[str]]:
        """The tasks which a pack waits for: those that must succeed, and those that must be over.

        A task must succeed where every job of the pack needs all that it makes: Slurm cancels the pack if it fails.
        Where only some of them need it, the pack waits until it is over and leaves out what is missing then.
        """
        needed = frozenset(name for key in pack.needs for name in self._making.get(key, ()))
        vital = frozenset(name for name in needed if self._keys[name] <= pack.vital)
        return vital, needed - vital


def dependency(vital: Collection[str], others: Collection[str], arrays: Mapping[str, int]) -> str:
    """Slurm's words for that. All tasks of an array are named by the array; `arrays` says how many each has."""
    words = (("afterok", vital), ("afterany", others))
    return ",".join(":".join([word, *_named(names, arrays)]) for word, names in words if names)


def _named(names: Collection[str], arrays: Mapping[str, int]) -> Iterator[str]:
    met = Counter(_array_of(name) for name in names)
    whole = {array for array, count in met.items() if arrays.get(array) == count}
    yield from sorted(whole)
    yield from sorted(name for name in names if _array_of(name) not in whole)


def _array_of(task: str) -> str:
    """7_0 is the first task of array 7."""
    return task.partition("_")[0]
