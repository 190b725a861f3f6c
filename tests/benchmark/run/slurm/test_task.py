"""Inside a task: failures stop only what needs them, and a requeue begins where the store ends."""

from __future__ import annotations

import pickle

import pytest

from benchmark.errors import StoreError
from benchmark.plan.plan import plan
from benchmark.plan.reading import read
from benchmark.run.process import failure_note
from benchmark.run.slurm.task import Work
from benchmark.store.artefacts import Store
from tests.builder import composed, configuration
from tests.stores import built


def test_every_job_is_the_same_when_the_queue_hands_it_over():
    jobs = plan(read(composed("experiment=smoke"))).jobs
    again = pickle.loads(pickle.dumps(jobs))
    for before, after in zip(jobs, again, strict=True):
        assert {"kind": after.kind, **after.identity(), "parents": after.parents} == before.spec, before.title


@pytest.fixture
def work(tmp_path, trainer):
    jobs = plan(read(configuration(tmp_path))).jobs
    return Work(tmp_path / "store", trainer, 1, jobs, requeues=1)


def test_all_jobs_are_done_and_done_once(work, capsys):
    again = pickle.loads(pickle.dumps(work))
    again()
    before = built(work.root)
    assert before.keys() == {job.key for job in work.jobs}
    assert capsys.readouterr().out.count("done: ") == len(work.jobs)
    work()
    assert built(work.root) == before


def test_a_failed_job_is_noted_and_what_needs_it_left_out(work, monkeypatch, capsys):
    from suspects.prune import WeightPruning

    monkeypatch.setattr(WeightPruning, "derive", lambda self, given: 1 / 0)
    with pytest.raises(RuntimeError, match="9 of 24 jobs are not done"):
        work()
    said = capsys.readouterr().out
    assert said.count("failed: ") == 2 and said.count("left out: ") == 7 and "there is no suspect" in said
    broken = [job for job in work.jobs if failure_note(work.root, job.key).exists()]
    assert [job.recipe.family for job in broken] == ["weight_pruning"] * 2
    assert failure_note(work.root, broken[0].key).read_text().startswith("ZeroDivisionError: division by zero\n")
    monkeypatch.undo()
    work()
    assert not any(failure_note(work.root, job.key).exists() for job in work.jobs)


def test_a_full_disk_ends_the_task_at_once(work, monkeypatch):
    from benchmark.run.bench import Bench

    monkeypatch.setattr(Bench, "do", lambda self, job: (_ for _ in ()).throw(StoreError("disk full")))
    with pytest.raises(StoreError, match="disk full"):
        work()


def test_it_queues_itself_again_as_often_as_allowed(work):
    again = work.checkpoint()
    assert again.function is work
    with pytest.raises(SystemExit, match="run again to continue"):
        work.checkpoint()
    assert not built(work.root) and Store(work.root)
