"""Experiments through a real queue: the same results, failures that stop only what needs them, kills made good."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from benchmark.cli.command import run
from benchmark.cli.status import standings
from benchmark.paths import CONF
from benchmark.plan.experiment import read
from benchmark.plan.plan import plan
from benchmark.run.slurm.queue import Queue, states
from benchmark.store.artefacts import Store
from tests.benchmark.run.test_local import TASK, built, config, digests, program
from tests.slurm.conftest import SLURM

pytestmark = pytest.mark.slurm


def queued(folder: Path, executor: dict | None = None, **changes: object) -> dict:
    """The experiment of tests/benchmark/test_execute.py, through the queue."""
    return config(folder, executor=SLURM | (executor or {}), **changes)


def until(true: Callable[[], bool], seconds: float = 120) -> None:
    """Waits for something to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)


def logs(folder: Path) -> str:
    """All that tasks said."""
    return "".join(path.read_text() for path in sorted((folder / "store/slurm/tasks").glob("*_log.out")))


def test_the_smoke_experiment_gives_the_scores_of_local_workers_to_the_bit(tmp_path):
    scores = {}
    for name in ("local", "slurm"):
        with initialize_config_dir(str(CONF), version_base="1.3"):
            composed = compose("config", ["experiment=smoke", "trainer.device=cpu"])
        chosen = OmegaConf.to_container(composed, resolve=True) | {
            "store": str(tmp_path / name / "store"),
            "results": str(tmp_path / name / "results"),
        }
        if name == "slurm":
            chosen["executor"] = SLURM | {"models_per_task": 30, "jobs_per_task": 400}
        assert run(chosen) == 0
        frame = pd.read_csv(tmp_path / name / "results/smoke/scores.csv", dtype=str)
        scores[name] = frame.drop(columns="seconds")
    assert len(scores["local"]) > 100
    pd.testing.assert_frame_equal(scores["local"], scores["slurm"])
    assert digests(tmp_path / "local/store") == digests(tmp_path / "slurm/store")


def test_a_failing_job_cancels_only_what_needs_it_and_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("benchmark.run.slurm.executor.largest_array", lambda: 2)
    chosen = queued(tmp_path, {"models_per_task": 1})
    chosen["suspect"] = {"broken": {"_target_": "test/broken"}, **chosen["suspect"]}
    assert run(chosen) == 1
    said = capsys.readouterr().err
    assert "failed: digits: suspect broken: ArithmeticError: the ratio is cursed" in said
    jobs, store = plan(read(chosen)).jobs, Store(tmp_path / "store")
    left = {job.title for job in jobs if store.find(job.key) is None}
    assert left == {job.title for job in jobs if "broken" in job.title} and len(left) == 3
    queue = Queue(store.root)
    found = {each.job.title: each for each in standings(jobs, store, queue)}
    assert all(found[title].state == "failed" for title in left)
    assert {task.partition("_")[2] for task in queue.queued()} == {"", "0", "1"}  # arrays are cut to their largest size
    assert "needs «digits: suspect broken», which failed" in {found[title].note for title in left}


def test_without_the_victim_slurm_itself_cancels_what_hangs_on_it(tmp_path, capsys):
    chosen = queued(tmp_path, {"models_per_task": 1})
    task = {**TASK, "architecture": {**TASK["architecture"], "widths": [4, 4, 10**9]}}  # no memory holds it
    assert run({**chosen, "task": {"digits": task}}) == 1
    assert "no results: nothing could be judged" in capsys.readouterr().err
    for name in ("weight_pruning", "prints"):
        assert f"done: digits: {name}" not in logs(tmp_path) and f"left out: digits: {name}" not in logs(tmp_path)
    started = {path.name.split("_log")[0] for path in (tmp_path / "store/slurm/tasks").glob("*_log.out")}
    submitted = Queue(tmp_path / "store").queued()
    assert 0 < len(started) < len(submitted)  # the cancelled tasks never ran


def test_a_cancelled_run_is_lost_and_made_good_by_running_again(tmp_path, capsys):
    diary = tmp_path / "diary"
    slow = {"_target_": "test/slow", "seconds": 1.0, "diary": str(diary)}
    chosen = queued(tmp_path, {"wait": False, "models_per_task": 1})
    chosen["suspect"] |= {"slow": slow}
    chosen["task"]["digits"] = {**TASK, "training": {**TASK["training"], "epochs": 10}}
    chosen["trainer"] |= {"checkpoint": 0}
    assert run(chosen) == 0  # all is queued
    assert not (tmp_path / "results").exists()
    until(lambda: diary.exists() and len(diary.read_text()) > 6)
    store = Store(tmp_path / "store")
    jobs = plan(read(chosen)).jobs
    running = {each.job.title: each.state for each in standings(jobs, store, Queue(store.root))}
    assert running["digits: suspect slow"] == "running" and "queued" in running.values()
    subprocess.run(["scancel", "--name=whosenet-mini"], check=True)
    until(lambda: not states())
    found = {each.job.title: each for each in standings(jobs, Store(store.root), Queue(store.root))}
    assert found["digits: suspect slow"].state == "lost" and "log: " in found["digits: suspect slow"].note
    before, steps = built(store.root), len(diary.read_text())
    capsys.readouterr()
    assert run({**chosen, "executor": {**chosen["executor"], "wait": True}}) == 0
    assert before.items() <= built(store.root).items()
    assert f"queued {len(jobs) - len(before)} jobs" in capsys.readouterr().err
    per_epoch = len(read(chosen).tasks["digits"].data.load().train) // 256
    assert len(diary.read_text()) < steps + 10 * per_epoch - per_epoch  # it went on from a saved epoch


def test_a_task_out_of_time_queues_itself_again_and_goes_on(tmp_path):
    diary = tmp_path / "diary"
    slow = {"_target_": "test/slow", "seconds": 1.0, "diary": str(diary)}
    chosen = queued(tmp_path, {"time": 1, "grace": 20})  # Slurm looks every 30 s: it ends 10 to 40 s from its start
    chosen["suspect"] = {"slow": slow, "weight_pruning": chosen["suspect"]["weight_pruning"]}
    chosen["task"]["digits"] = {**TASK, "training": {**TASK["training"], "epochs": 10}}
    chosen["trainer"] |= {"checkpoint": 0}
    assert run(chosen) == 0
    per_epoch = len(read(chosen).tasks["digits"].data.load().train) // 256
    said = (tmp_path / "store/slurm/tasks").glob("*_log.*")
    assert any("Requeued job" in path.read_text() for path in said)
    steps = len(diary.read_text())
    assert 10 * per_epoch <= steps < 10 * per_epoch + 4 * per_epoch  # each time less than an epoch is lost


def test_two_experiments_at_once_share_models_and_make_each_once(tmp_path):
    runs, jobs = [], set()
    for name, count in (("one", 10), ("two", 12)):
        (tmp_path / name).mkdir()
        chosen = queued(tmp_path, name=name, count=count)
        jobs |= {job.key for job in plan(read(chosen)).jobs}
        runs.append(subprocess.Popen(program(tmp_path / name, chosen), stderr=subprocess.PIPE, text=True))
    said = [process.communicate()[1] for process in runs]
    assert [process.returncode for process in runs] == [0, 0], said
    assert set(built(tmp_path / "store")) == jobs
    made = [line for line in logs(tmp_path).splitlines() if line.startswith("done: ") and "prints" not in line]
    assert len(made) == len(set(made)) == 5  # the victim and four suspects
    assert any("5 jobs are on their way already" in text for text in said)


def test_hundreds_of_small_jobs_go_into_a_handful_of_tasks(tmp_path):
    chosen = queued(tmp_path, {"models_per_task": 30}, repeats=40)
    assert run(chosen) == 0
    jobs = plan(read(chosen)).jobs
    small = [job for job in jobs if job.kind == "measurement"]
    assert len(small) == 200
    tasks = Queue(tmp_path / "store").queued()
    keys = {job.key for job in small}
    assert 1 < len([task for task, made in tasks.items() if made & keys]) <= 5 and len(tasks) <= 10


def test_a_refused_array_leaves_nothing_queued(tmp_path):
    path = tmp_path / "program.py"
    chosen = queued(tmp_path, {"partition": "nowhere"})
    text = json.dumps(json.dumps(chosen))
    path.write_text(f"import json; from benchmark.cli.command import run; run(json.loads({text}))")
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True)
    assert "InputError: executor: Slurm did not take the jobs, nothing is queued: " in done.stderr
    assert "invalid partition" in done.stderr and not states()
