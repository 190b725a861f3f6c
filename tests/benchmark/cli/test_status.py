"""The status of each job: done, running, queued, failed, lost, missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmark.cli.status import lines, main
from benchmark.paths import ROOT
from benchmark.plan.plan import plan
from benchmark.plan.reading import read
from benchmark.run import standing
from benchmark.run.local import Local
from benchmark.run.slurm.queue import Call, Queue
from benchmark.run.standing import STATES, standings
from benchmark.store.artefacts import Store
from tests.builder import configuration
from tests.stores import carried_out


@pytest.fixture
def jobs(tmp_path):
    return plan(read(configuration(tmp_path)))


def by_title(found):
    return {each.job.title: each for each in found}


def test_a_new_store_misses_all_and_a_finished_one_nothing(tmp_path, jobs):
    store = Store(tmp_path / "store")
    assert {each.state for each in standings(jobs.jobs, store, Queue(store.root))} == {"missing"}
    assert not carried_out(configuration(tmp_path)).failures
    found = standings(jobs.jobs, store, Queue(store.root))
    assert {each.state for each in found} == {"done"} and [each.job for each in found] == list(jobs.jobs)


def test_a_failure_is_told_with_its_traceback_and_what_needs_it(tmp_path, jobs, monkeypatch):
    from suspects.prune import WeightPruning

    monkeypatch.setattr(WeightPruning, "derive", lambda self, given: 1 / 0)
    store = Store(tmp_path / "store")
    Local(workers=1).run(jobs.jobs, jobs, store)
    found = by_title(standings(jobs.jobs, store, Queue(store.root)))
    first = found["digits: suspect weight_pruning ratio=0.1"]
    assert first.state == "failed" and first.note.startswith("ZeroDivisionError: division by zero (traceback: ")
    later = found["digits: random prints, repeat 0, as made, weight_pruning ratio=0.1"]
    assert later.state == "failed" and later.note == "needs «digits: suspect weight_pruning ratio=0.1», which failed"
    text = lines(list(found.values()))
    assert text[0].split() == list(STATES)
    assert next(line for line in text if line.startswith("model")).split() == ["model", "3", "0", "0", "2", "0", "0"]
    assert [line for line in text if line.startswith("failed: ")] == [
        f"failed: {each.job.title}: {each.note}" for each in found.values() if "ZeroDivision" in each.note
    ]


def test_a_job_under_way_here_is_running_and_a_killed_ones_draft_is_not(tmp_path, jobs):
    store = Store(tmp_path / "store")
    victim = jobs.jobs[0]
    seen = []

    def build(folder):
        seen.append(standings(jobs.jobs[:1], Store(store.root), Queue(store.root))[0].state)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        store.make(victim.key, victim.spec, victim.parents, build)
    assert seen == ["running"]
    (store.root / victim.key[:2] / f".{victim.key}.99.tmp").mkdir()
    assert standings(jobs.jobs[:1], store, Queue(store.root))[0].state == "missing"


def test_tasks_of_slurm_are_queued_running_or_lost(tmp_path, jobs, monkeypatch):
    store = Store(tmp_path / "store")
    queue = Queue(store.root)
    models = [job.key for job in jobs.jobs if job.kind == "model"]
    with queue.lock():
        call = Call("mini", [models[:1], models[1:2], models[2:]], 8.0, "5")
        queue.complete(queue.begin(call), call)
    monkeypatch.setattr(standing, "states", lambda: {"5_0": "RUNNING", "5_1": "PENDING"})
    found = standings(jobs.jobs, store, queue)
    assert [each.state for each in found if each.job.kind == "model"] == ["running", "queued", "lost", "lost", "lost"]
    lost = next(each for each in found if each.state == "lost")
    assert str(queue.log("5_2")) in lost.note
    hanging = by_title(found)[f"digits: random prints, repeat 0, as made, {lost.job.recipe.label}"]
    assert hanging.state == "lost" and hanging.note == f"needs «{lost.job.title}», which was lost"


def test_an_experiment_is_shown_by_its_name_and_overrides(tmp_path, capsys):
    assert main(["smoke", "task=[digits_class]", "count=3", f"store={tmp_path}"]) == 0
    first, header, *table = capsys.readouterr().out.splitlines()
    assert first.startswith("smoke: ") and str(tmp_path) in first and header.split() == list(STATES)
    counts = [line.split()[1:] for line in table]
    assert all(set(row[:-1]) == {"0"} for row in counts) and f"smoke: {counts[-1][-1]} jobs" in first


@pytest.mark.parametrize(("words", "line"), [(["nosuch"], "experiment"), (["digits", "count=0"], "count: ")])
def test_mistakes_are_one_line_and_exit_code_2(words, line, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    said = capsys.readouterr().err
    assert stopped.value.code == 2 and said.startswith("error: ") and line in said and said.count("\n") == 1


def test_a_mistake_ends_the_process_with_2_and_no_traceback():
    command = [sys.executable, "-m", "benchmark.cli", "status", "nosuch"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
