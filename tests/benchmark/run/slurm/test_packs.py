"""Packs: each job once, parents before children, and a wait that cancels no more than what hangs on a failure."""

from __future__ import annotations

import pytest

from benchmark.plan.experiment import read
from benchmark.plan.plan import plan
from benchmark.run.slurm.packs import LONG, dependency, packs, waits
from tests.benchmark.run.test_local import TASK, config


@pytest.fixture
def jobs(tmp_path):
    """Two tasks, a method with auxiliary models, two repeats."""
    ipguard = {"_target_": "fingerprint/ipguard", "steps": 2}
    conferae = {"_target_": "fingerprint/conferae", "steps": 2, "rounds": 1}
    chosen = config(tmp_path, fingerprint={"ipguard": ipguard, "conferae": conferae})
    return plan(read({**chosen, "task": {"digits": TASK, "again": TASK | {"classes": 10, "drop": 0.1}}})).jobs


@pytest.mark.parametrize(("long", "short"), [(1, 1), (1, 50), (4, 7), (100, 1000)])
def test_each_job_once_in_packs_no_larger_than_asked_and_parents_first(jobs, long, short):
    found = packs(jobs, long, short)
    assert sorted(job.key for pack in found for job in pack.jobs) == sorted(job.key for job in jobs)
    seen = set()
    for pack in found:
        assert len(pack.jobs) <= (long if pack.jobs[0].kind in LONG else short)
        assert len({(job.kind, job.task_name) for job in pack.jobs}) == 1
        assert pack.needs <= seen
        seen |= pack.keys


def test_models_that_need_nothing_wait_for_nothing(jobs):
    found = packs(jobs, 4, 50)
    free = {job.title for pack in found if not waits(pack, {})[0] and not pack.needs for job in pack.jobs}
    expected = {job.title for job in jobs if job.kind == "model" and not job.parents}
    assert free == expected and any("independent" in title for title in free)


def test_jobs_that_are_not_to_be_done_are_not_waited_for(jobs):
    rest = [job for job in jobs if job.kind == "measurement"]
    tasks = {f"1_{i}": pack.keys for i, pack in enumerate(packs(rest, 1, 50))}
    assert all(waits(pack, tasks) == (frozenset(), frozenset()) for pack in packs(rest, 1, 50))


@pytest.mark.parametrize(("long", "short"), [(1, 1), (1, 50), (4, 7)])
def test_a_failure_cancels_exactly_the_packs_that_have_nothing_left_to_do(jobs, long, short):
    """Plays Slurm through for each pack failing whole: what afterok cancels against what could still be done."""
    found = packs(jobs, long, short)
    tasks = {str(i): pack.keys for i, pack in enumerate(found)}
    for broken, failed in enumerate(found):
        cancelled, absent = set(), set(failed.keys)
        for i, pack in enumerate(found):
            if i == broken:
                continue
            vital, _ = waits(pack, tasks)
            doable = [job for job in pack.jobs if not absent & set(job.parents.values())]
            if vital & (cancelled | {str(broken)}):
                cancelled.add(str(i))
                assert not doable
            absent |= pack.keys - {job.key for job in doable}


def test_every_pack_waits_for_all_that_it_needs(jobs):
    found = packs(jobs, 2, 20)
    tasks = {str(i): pack.keys for i, pack in enumerate(found)}
    for pack in found:
        vital, others = waits(pack, tasks)
        assert not vital & others
        made = frozenset().union(*(tasks[name] for name in vital | others))
        assert pack.needs <= made and str(found.index(pack)) not in vital | others


def test_the_words_of_a_dependency():
    arrays = {"7": frozenset({"7_0", "7_1"}), "8": frozenset({"8_0", "8_1"})}
    assert dependency(frozenset(), frozenset(), arrays) == ""
    assert dependency(frozenset({"3"}), frozenset(), arrays) == "afterok:3"
    words = dependency(frozenset({"3", "8_1"}), frozenset({"7_0", "7_1", "8_0"}), arrays)
    assert words == "afterok:3:8_1,afterany:7:8_0"
