"""Inside a task: failures stop only what needs them, and a requeue begins where the store ends."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from benchmark.errors import StoreError
from benchmark.plan.plan import plan
from benchmark.plan.reading import read
from benchmark.run.crew import Crew
from benchmark.run.process import Outcome, failure_note
from benchmark.run.slurm.executor import Slurm
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
def work(tmp_path):
    return made(configuration(tmp_path, repeats=1, gallery=0), tmp_path)


def made(chosen: dict, folder: Path) -> Work:
    """A task of all jobs of an experiment."""
    planned, slurm = plan(read(chosen)), Slurm()
    gear = slurm.gear(planned, Store(folder / "store"), heeds=False)
    return Work(gear, planned.jobs, slurm.patience(), requeues=1)


def test_all_jobs_are_done_and_done_once(work, capsys):
    again = pickle.loads(pickle.dumps(work))
    again()
    before = built(work.gear.root)
    assert before.keys() == {job.key for job in work.jobs}
    assert capsys.readouterr().out.count("done: ") == len(work.jobs)
    work()
    assert built(work.gear.root) == before


def test_a_failed_job_and_one_that_kills_its_process_are_noted_and_what_needs_them_left_out(tmp_path, capsys):
    chosen = configuration(tmp_path, repeats=1, gallery=0, plugins=["tests.slurm.recipes"])
    chosen["suspect"]["broken"] = {"_target_": "suspect/test_broken"}
    chosen["suspect"]["deadly"] = {"_target_": "suspect/test_deadly"}
    work = made(chosen, tmp_path)
    with pytest.raises(RuntimeError, match=f"6 of {len(work.jobs)} jobs are not done"):
        work()
    said = capsys.readouterr().out
    assert said.count("failed: ") == 2 and said.count("left out: ") == 4 and "there is no suspect" in said
    notes = [failure_note(work.gear.root, job.key) for job in work.jobs]
    first = sorted(note.read_text().partition("\n")[0] for note in notes if note.exists())
    assert first == [
        "ArithmeticError: the ratio is cursed",
        "its process ended in 2 of 2 attempts (signal 9, SIGKILL)",
    ]
    assert len(built(work.gear.root)) == len(work.jobs) - 6


def test_a_full_disk_ends_the_task_at_once(work, monkeypatch):
    full = Outcome(0, "disk full", fatal=True)
    monkeypatch.setattr(Crew, "wait", lambda self: [(work.jobs[0], full)])
    with pytest.raises(StoreError, match="disk full"):
        work()


def test_it_queues_itself_again_as_often_as_allowed(work):
    again = work.checkpoint()
    assert again.function is work
    with pytest.raises(SystemExit, match="run again to continue"):
        work.checkpoint()
    assert not built(work.gear.root)
