"""Experiments through a real queue: the same results, failures that stop only what needs them, kills made good.

Reports are not written: what a queue may do to an experiment shows in its store. Each Slurm task starts a Python with
torch in it, which takes most of these tests' time, so that they make as few tasks as what they look for allows.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from benchmark.cli.command import run
from benchmark.errors import InputError
from benchmark.paths import ROOT
from benchmark.plan.plan import plan
from benchmark.plan.reading import read
from benchmark.run.slurm.queue import Queue, states
from benchmark.run.standing import standings
from benchmark.store.artefacts import Store
from tests.builder import RESNET, TASK, TRAINING, composed, configuration
from tests.stores import built, carried_out, digests, program

pytestmark = pytest.mark.slurm

SLURM = {"_target_": "executor/slurm", "time": 10, "memory": 2.0, "poll": 0.5, "models_per_task": 4}
EPOCHS, STEPS = 10, 4  # of the slow recipe: 1197 training images in batches of 256
FEW = {
    "weight_pruning": {"_target_": "suspect/weight_pruning", "ratio": 0.5},
    "independent": {"_target_": "suspect/independent"},
}


def queued(folder: Path, executor: dict | None = None, **changes: object) -> dict:
    """The builder's experiment with two suspects, through the queue."""
    small = {"suspect": dict(FEW), "repeats": 1, "gallery": 0, "plugins": ["tests.slurm.recipes"]}
    return configuration(folder, executor=SLURM | (executor or {}), **(small | changes))


def slowly(folder: Path, executor: dict | None = None) -> tuple[dict, Path]:
    """The same with a suspect whose training takes 12 seconds and is saved after each epoch, and that one's diary."""
    chosen, diary = queued(folder, executor), folder / "diary"
    chosen["suspect"]["slow"] = {"_target_": "suspect/test_slow", "seconds": 0.3, "diary": str(diary)}
    chosen["task"]["digits"] = {**TASK, "training": {**TRAINING, "epochs": EPOCHS}}
    chosen["trainer"]["checkpoint"] = 0
    return chosen, diary


def until(true: Callable[[], bool], seconds: float = 120) -> None:
    """Waits for something to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def logs(folder: Path) -> str:
    """All that tasks said."""
    return "".join(path.read_text() for path in sorted(folder.glob("store/slurm/*/tasks/*_log.*")))


def test_the_smoke_experiment_gives_the_scores_of_local_workers_to_the_bit_in_a_handful_of_tasks(tmp_path):
    scores = {}
    for name, executor in (
        ("local", {"_target_": "executor/local"}),
        ("slurm", SLURM | {"models_per_task": 30, "jobs_per_task": 400}),
    ):
        places = [f"store={tmp_path / name / 'store'}", f"results={tmp_path / name / 'results'}"]
        part = "task=[digits_class]", "victims=1", "gallery=1"  # every method, detector and channel
        chosen = composed("experiment=smoke", "trainer.device=cpu", *part, *places)
        done = carried_out(chosen | {"executor": executor})
        assert not done.failures
        scores[name] = done.findings.scores.drop(columns="seconds")
    assert len(scores["local"]) > 100
    pd.testing.assert_frame_equal(scores["local"], scores["slurm"])
    assert digests(tmp_path / "local/store") == digests(tmp_path / "slurm/store") != {}
    small = {job.key for job in done.plan.jobs if not job.long}
    tasks = Queue(done.store.root).queued()
    assert len(small) > 200 and len([task for task, made in tasks.items() if made & small]) <= 15


def test_a_failing_job_cancels_only_what_needs_it_and_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmark.run.slurm.executor.largest_array", lambda: 2)
    chosen = queued(tmp_path, {"models_per_task": 1})
    chosen["suspect"] = {"broken": {"_target_": "suspect/test_broken"}, **chosen["suspect"]}
    done = carried_out(chosen)
    left = {job.title for job in done.plan.jobs if done.store.find(job.key) is None}
    assert left == {job.title for job in done.plan.jobs if "broken" in job.title} and len(left) == 3
    errors = {failure.job.title: failure.error for failure in done.failures}
    assert errors.keys() == left
    assert errors["digits: suspect broken"].startswith("ArithmeticError: the ratio is cursed (traceback: ")
    assert "needs «digits: suspect broken», which failed" in errors.values()
    queue = Queue(done.store.root)
    assert all(
        each.state == "failed" for each in standings(done.plan.jobs, done.store, queue) if each.job.title in left
    )
    assert {task.partition("_")[2] for task in queue.queued()} == {"", "0", "1"}  # arrays are cut to their largest size


def test_without_the_victim_slurm_itself_cancels_what_hangs_on_it(tmp_path, capsys):
    task = {**TASK, "architecture": {**RESNET, "widths": [4, 4, 10**9]}}  # no memory holds it
    assert run(queued(tmp_path, task={"digits": task})) == 1
    assert "no results: nothing could be judged" in capsys.readouterr().err
    for name in ("weight_pruning", "prints"):
        assert f"done: digits: {name}" not in logs(tmp_path) and f"left out: digits: {name}" not in logs(tmp_path)
    started = {path.name.split("_log")[0] for path in tmp_path.glob("store/slurm/*/tasks/*_log.out")}
    submitted = Queue(tmp_path / "store").queued()
    assert 0 < len(started) < len(submitted)  # the cancelled tasks never ran


def test_a_cancelled_run_is_lost_and_made_good_by_running_again(tmp_path, capsys):
    chosen, diary = slowly(tmp_path, {"wait": False})
    assert run(chosen) == 0  # all is queued
    assert not (tmp_path / "results").exists()
    until(lambda: diary.exists() and len(diary.read_text()) > 6)
    jobs, root = plan(read(chosen)).jobs, tmp_path / "store"
    running = {each.job.title: each.state for each in standings(jobs, Store(root), Queue(root))}
    assert running["digits: suspect slow"] == "running" and "queued" in running.values()
    subprocess.run(["scancel", "--name=whosenet-mini"], check=True)
    until(lambda: not states())
    found = {each.job.title: each for each in standings(jobs, Store(root), Queue(root))}
    assert found["digits: suspect slow"].state == "lost" and "log: " in found["digits: suspect slow"].note
    before, steps = built(root), len(diary.read_text())
    capsys.readouterr()
    assert not carried_out({**chosen, "executor": {**chosen["executor"], "wait": True}}).failures
    assert before.items() <= built(root).items() and before
    assert f"queued {len(jobs) - len(before)} jobs" in capsys.readouterr().err
    assert len(diary.read_text()) < steps + (EPOCHS - 1) * STEPS  # it went on from a saved epoch


def test_a_task_out_of_time_queues_itself_again_and_goes_on(tmp_path):
    """Slurm's signal is sent by hand: waiting for the end of the shortest time that Slurm knows takes minutes."""
    chosen, diary = slowly(tmp_path, {"wait": False, "time": 7, "grace": 50})
    assert run(chosen) == 0
    scripts = [path.read_text() for path in tmp_path.glob("store/slurm/*/tasks/*.sh")]
    assert scripts and all("--time=7\n" in text and "--signal=USR2@50\n" in text for text in scripts)
    until(lambda: diary.exists() and len(diary.read_text()) > 6)
    jobs, queue = plan(read(chosen)).jobs, Queue(tmp_path / "store")
    slow = next(job.key for job in jobs if job.title == "digits: suspect slow")
    (task,) = [task for task, keys in queue.queued().items() if slow in keys]
    subprocess.run(["scancel", "--signal=USR2", task], check=True)
    until(lambda: not states())
    assert "Requeued job" in logs(tmp_path)
    assert {each.state for each in standings(jobs, Store(tmp_path / "store"), queue)} == {"done"}
    assert EPOCHS * STEPS <= len(diary.read_text()) < (EPOCHS + 1) * STEPS  # less than an epoch is lost


def test_two_experiments_at_once_share_models_and_make_each_once(tmp_path):
    runs, jobs = [], set()
    for name, count in (("one", 10), ("two", 12)):
        (tmp_path / name).mkdir()
        chosen = queued(tmp_path, {"wait": False}, name=name, count=count)
        jobs |= {job.key for job in plan(read(chosen)).jobs}
        runs.append(subprocess.Popen(program(tmp_path / name, chosen), stderr=subprocess.PIPE, text=True))
    said = [process.communicate()[1] for process in runs]
    assert [process.returncode for process in runs] == [0, 0], said
    assert any("5 jobs are on their way already" in text for text in said)
    until(lambda: not states())
    assert set(built(tmp_path / "store")) == jobs
    made = [line for line in logs(tmp_path).splitlines() if line.startswith("done: ") and "prints" not in line]
    assert len(made) == len(set(made)) == 5  # the victim, two suspects, and what these are worth


def test_a_refused_array_leaves_nothing_queued(tmp_path):
    line = "^executor: Slurm did not take the jobs, nothing is queued: .*invalid partition"
    with pytest.raises(InputError, match=line):
        run(queued(tmp_path, {"partition": "nowhere"}))
    assert not states()


def test_a_job_that_is_killed_for_want_of_memory_gets_twice_as_much_and_one_that_crashes_is_left_out(tmp_path, capsys):
    """Slurm's words are printed by the job itself: the Slurm of these tests limits no memory."""
    chosen = queued(tmp_path, {"memory": 0.5, "most_memory": 2.0, "models_per_task": 1})
    chosen["suspect"] |= {
        "hungry": {"_target_": "suspect/test_deadly", "memory": 2048, "whole": True},
        "crashing": {"_target_": "suspect/test_deadly"},
    }
    done = carried_out(chosen)
    errors = {failure.job.title: failure.error for failure in done.failures}
    assert "its process ended in 2 of 2 attempts (signal 9, SIGKILL)" in errors.pop("digits: suspect crashing")
    assert set(errors.values()) == {"needs «digits: suspect crashing», which failed"}
    said = capsys.readouterr().err
    for memory in (1, 2):
        assert f"with {memory} GiB now, killed for want of memory before: digits: suspect hungry" in said
    assert Queue(done.store.root).newest()[done.job("suspect hungry").key][1] == 2.0


@pytest.mark.parametrize("at", ["submit", "complete"])
def test_a_command_killed_around_sbatch_has_queued_nothing_twice_when_it_is_run_again(tmp_path, at):
    """Killed before sbatch, and between sbatch and the record of what it queued."""
    chosen = queued(tmp_path, {"wait": False, "time": 7})
    chosen["suspect"] |= {"slow": {"_target_": "suspect/test_slow", "diary": str(tmp_path / "diary")}}
    line = program(tmp_path, chosen)
    script = Path(line[1])
    patch = (
        "import os, submitit\nfrom benchmark.run.slurm.queue import Queue\n"
        f"(submitit.SlurmExecutor if {at!r} == 'submit' else Queue).{at} = lambda *_: os.kill(os.getpid(), 9)\n"
    )
    script.write_text(patch + script.read_text())
    assert subprocess.run(line, env={**os.environ, "PYTHONPATH": str(ROOT)}).returncode == -9
    assert bool(states()) == (at == "complete")
    assert run(chosen) == 0
    queue, alive = Queue(tmp_path / "store"), [task for task, state in states().items() if state != "COMPLETING"]
    assert set(alive) <= set(queue.queued())
    queued_for = [key for keys in queue.queued().values() for key in keys]
    assert sorted(queued_for) == sorted(job.key for job in plan(read(chosen)).jobs)
    until(lambda: not states())
    found = standings(plan(read(chosen)).jobs, Store(tmp_path / "store"), queue)
    assert {each.state for each in found} == {"done"}
