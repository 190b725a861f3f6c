"""Which jobs share a Slurm task, and which tasks a task waits for. Pure data: nothing is asked of Slurm here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from graphlib import TopologicalSorter

from benchmark.plan.job import Job

LONG = ("model", "prints", "detector")  # kinds that take seconds to hours; the others are over in a moment


@dataclass(frozen=True)
class Pack:
    """The jobs of one task, in order, and the keys of theirs that are made elsewhere before."""

    jobs: tuple[Job, ...]

    @property
    def keys(self) -> frozenset[str]:
        """What the task makes."""
        return frozenset(job.key for job in self.jobs)

    @property
    def needs(self) -> frozenset[str]:
        """What it is made from, by others."""
        return frozenset(key for job in self.jobs for key in job.parents.values()) - self.keys

    def hangs_on(self, keys: AbstractSet[str]) -> bool:
        """Whether each of its jobs needs each of the keys: without one of them it has nothing to do."""
        return all(keys <= set(job.parents.values()) for job in self.jobs)


def packs(jobs: Sequence[Job], long: int, short: int) -> list[Pack]:
    """Packs of at most `long` models, prints or detectors, or at most `short` other jobs; parents first.

    Long jobs are packed only with those that wait for the same, so that none waits for more than it needs.
    """
    chosen = {job.key for job in jobs}
    groups: dict[tuple[object, ...], list[Job]] = defaultdict(list)
    for job in jobs:
        needs = frozenset(job.parents.values()) & chosen if job.kind in LONG else None
        groups[job.task_name, job.kind, getattr(job, "role", ""), needs].append(job)
    found = []
    for (_, kind, *_), members in groups.items():
        size = long if kind in LONG else short
        found += [Pack(tuple(members[i : i + size])) for i in range(0, len(members), size)]
    maker = {key: number for number, pack in enumerate(found) for key in pack.keys}
    graph = {number: {maker[key] for key in pack.needs if key in maker} for number, pack in enumerate(found)}
    return [found[number] for number in TopologicalSorter(graph).static_order()]


def waits(pack: Pack, tasks: Mapping[str, AbstractSet[str]]) -> tuple[frozenset[str], frozenset[str]]:
    """The tasks (id: keys that it makes) which a pack waits for: those that must succeed, and those that must be over.

    A task must succeed where every job of the pack needs all that it makes: Slurm cancels the pack if it fails. Where
    only some of them need it, the pack waits until it is over and leaves out what is missing then.
    """
    needed = {name: keys for name, keys in tasks.items() if keys & pack.needs}
    vital = frozenset(name for name, keys in needed.items() if pack.hangs_on(keys))
    return vital, frozenset(needed) - vital


def dependency(vital: AbstractSet[str], others: AbstractSet[str], arrays: Mapping[str, AbstractSet[str]]) -> str:
    """Slurm's words for that. All tasks of an array (its id: its tasks) are named by the array."""
    words = (("afterok", vital), ("afterany", others))
    return ",".join(":".join([word, *_named(names, arrays)]) for word, names in words if names)


def _named(names: AbstractSet[str], arrays: Mapping[str, AbstractSet[str]]) -> Iterator[str]:
    whole = sorted(array for array, members in arrays.items() if members <= names)
    yield from whole
    yield from sorted(frozenset(names).difference(*(arrays[array] for array in whole)))
