"""Packs: each job once, parents before children, and a wait that cancels no more than what hangs on a failure.

The oracles are the definitions, worked out by looking at everything for each pack.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from benchmark.run.slurm.packs import Pack, Tasks, dependency, packs

SIZES = [(1, 1), (1, 50), (4, 7), (100, 1000)]


@dataclass(frozen=True, eq=False)
class Work:
    """What packing needs to know of a job."""

    key: str
    parents: dict[str, str] = field(default_factory=dict)
    kind: str = "model"
    task_name: str = "digits"
    pack: str = ""
    long: bool = True
    title: str = ""


def graph(seed: int) -> list[Work]:
    """Jobs in tiers, parents first. A tier is one kind, long or short; some parents are in the store already."""
    chooser = random.Random(seed)
    made = ["old 0", "old 1"]
    jobs: list[Work] = []
    for tier in range(chooser.randint(2, 5)):
        known, long = list(made), chooser.random() < 0.6
        for _ in range(chooser.randint(1, 25)):
            parents = chooser.sample(known, min(len(known), chooser.choice([0, 1, 1, 2, 3, 8])))
            if jobs and chooser.random() < 0.4:
                parents = list(jobs[-1].parents.values())  # so that some wait for the same
            task, pack = chooser.choice(["digits", "faces"]), chooser.choice(["one", "other"])
            named = {str(number): key for number, key in enumerate(parents)}
            jobs.append(Work(f"job {len(jobs)}", named, f"kind {tier}", task, pack, long))
            made.append(jobs[-1].key)
    return jobs


GRAPHS = [graph(seed) for seed in range(15)]


@pytest.fixture(params=range(len(GRAPHS)))
def jobs(request) -> list[Work]:
    return GRAPHS[request.param]


def flat(jobs: Sequence[Work], long: int, short: int) -> list[Pack]:
    return [pack for wave in packs(jobs, long, short) for pack in wave]


def waves_by_definition(found: Sequence[Pack]) -> Iterator[set[frozenset[str]]]:
    """Again and again what needs nothing that is unmade."""
    waiting = list(found)
    while waiting:
        unmade = frozenset().union(*(pack.keys for pack in waiting))
        yield {pack.keys for pack in waiting if not pack.needs & unmade}
        waiting = [pack for pack in waiting if pack.needs & unmade]


def packs_by_definition(jobs: Sequence[Work], long: int, short: int) -> set[tuple[str, ...]]:
    """The members of each group in their order, cut into pieces."""
    chosen = {job.key for job in jobs}
    groups: dict[object, list[str]] = {}
    for job in jobs:
        same = (job.task_name, job.kind, job.pack, job.long and frozenset(job.parents.values()) & chosen)
        groups.setdefault((same, long if job.long else short), []).append(job.key)
    return {tuple(keys[i : i + size]) for (_, size), keys in groups.items() for i in range(0, len(keys), size)}


def before_by_definition(pack: Pack, tasks: Mapping[str, frozenset[str]]) -> tuple[frozenset[str], frozenset[str]]:
    """A look at every task."""
    needed = {name: keys for name, keys in tasks.items() if keys & pack.needs}
    every = [set(job.parents.values()) for job in pack.jobs]
    vital = frozenset(name for name, keys in needed.items() if all(keys <= parents for parents in every))
    return vital, frozenset(needed) - vital


def words_by_definition(vital: frozenset[str], others: frozenset[str], arrays: Mapping[str, frozenset[str]]) -> str:
    """A look at every array."""
    words = []
    for word, names in (("afterok", vital), ("afterany", others)):
        whole = sorted(array for array, members in arrays.items() if members <= names)
        rest = sorted(names.difference(*(arrays[array] for array in whole)))
        words += [":".join([word, *whole, *rest])] if names else []
    return ",".join(words)


@pytest.mark.parametrize(("long", "short"), SIZES)
def test_packs_and_waves_are_as_defined(jobs, long, short):
    found = packs(jobs, long, short)
    members = [tuple(job.key for job in pack.jobs) for wave in found for pack in wave]
    assert len(members) == len(set(members)) and set(members) == packs_by_definition(jobs, long, short)
    together = [pack for wave in found for pack in wave]
    random.Random(0).shuffle(together)
    assert [{pack.keys for pack in wave} for wave in found] == list(waves_by_definition(together))


@pytest.mark.parametrize(("long", "short"), SIZES)
def test_each_job_once_in_packs_no_larger_than_asked_and_parents_first(jobs, long, short):
    found, chosen = flat(jobs, long, short), {job.key for job in jobs}
    assert sorted(job.key for pack in found for job in pack.jobs) == sorted(chosen)
    seen: set[str] = set()
    for pack in found:
        assert len(pack.jobs) <= (long if pack.jobs[0].long else short)
        assert len({(job.kind, job.task_name, job.pack) for job in pack.jobs}) == 1
        assert pack.needs & chosen <= seen
        seen |= pack.keys


@pytest.mark.parametrize(("long", "short"), SIZES)
def test_waits_are_as_defined_whoever_queued_the_tasks(jobs, long, short):
    found = flat(jobs, long, short)
    tasks = {str(number): pack.keys for number, pack in enumerate(found)}
    tasks |= {"under way": frozenset({"old 0", "job 1"}), "again": frozenset({"old 0"})}
    known = Tasks({"under way": tasks["under way"]})
    known.add({name: keys for name, keys in tasks.items() if name != "under way"})
    assert [known.before(pack) for pack in found] == [before_by_definition(pack, tasks) for pack in found]


def test_models_that_need_nothing_wait_for_nothing(jobs):
    first = packs(jobs, 4, 50)[0]
    free = {job.key for pack in first for job in pack.jobs}
    assert {job.key for job in jobs if job.long and not job.parents} <= free
    assert all(Tasks({}).before(pack) == (frozenset(), frozenset()) for pack in first)


def test_jobs_that_are_not_to_be_done_are_not_waited_for():
    for jobs in GRAPHS:
        last = [job for job in jobs if job.kind == jobs[-1].kind]
        found = flat(last, 1, 50)
        tasks = Tasks({f"1_{i}": pack.keys for i, pack in enumerate(found)})
        assert all(tasks.before(pack) == (frozenset(), frozenset()) for pack in found)


@pytest.mark.parametrize(("long", "short"), SIZES)
def test_a_failure_cancels_only_packs_that_have_nothing_left_to_do(jobs, long, short):
    """Plays Slurm through for each pack failing whole: what afterok cancels against what could still be done."""
    found = flat(jobs, long, short)
    tasks = Tasks({str(i): pack.keys for i, pack in enumerate(found)})
    for broken, failed in enumerate(found):
        cancelled, absent = set(), set(failed.keys)
        for i, pack in enumerate(found):
            if i == broken:
                continue
            vital, _ = tasks.before(pack)
            doable = [job for job in pack.jobs if not absent & set(job.parents.values())]
            if vital & (cancelled | {str(broken)}):
                cancelled.add(str(i))
                assert not doable
            absent |= pack.keys - {job.key for job in doable}


@pytest.mark.parametrize("seed", range(20))
def test_words_are_as_defined(seed):
    chooser = random.Random(seed)
    arrays = {str(a): frozenset(f"{a}_{i}" for i in range(chooser.randint(2, 5))) for a in range(5, 12)}
    names = sorted(name for array, members in arrays.items() if chooser.random() < 0.7 for name in members)
    names = [name for name in names if chooser.random() < 0.9] + ["3", "4_0", "4_17"]
    vital = frozenset(name for name in names if chooser.random() < 0.5)
    counts = {array: len(members) for array, members in arrays.items()}
    for both in ((vital, frozenset(names) - vital), (frozenset(names), frozenset())):
        assert dependency(*both, counts) == words_by_definition(*both, arrays)


def test_the_words_of_a_dependency():
    arrays = {"7": 2, "8": 2}
    assert dependency(frozenset(), frozenset(), arrays) == ""
    assert dependency(frozenset({"3"}), frozenset(), arrays) == "afterok:3"
    words = dependency(frozenset({"3", "8_1"}), frozenset({"7_0", "7_1", "8_0"}), arrays)
    assert words == "afterok:3:8_1,afterany:7:8_0"
