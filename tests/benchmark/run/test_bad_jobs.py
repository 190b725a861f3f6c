"""Jobs that kill their process, that never end, or whose lock somebody else holds: named, and the run goes on."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from benchmark.paths import ROOT
from benchmark.plan.plan import plan
from benchmark.plan.reading import read
from benchmark.run import here, making, silence
from benchmark.run.making import Maker, abandoned, holder, maker, noted
from benchmark.run.process import failure_note
from benchmark.run.silence import Silence
from benchmark.store.artefacts import Store
from tests.builder import configuration
from tests.stores import built, carried_out, command, program

PLUGIN = "tests.benchmark.run.recipes"


def experiment(folder: Path, recipe: dict, **executor: object) -> dict:
    """The builder's experiment with one repeat and a bad suspect."""
    chosen = configuration(folder, repeats=1, gallery=0, plugins=[PLUGIN])
    chosen["suspect"]["bad"] = recipe
    chosen["executor"] |= executor
    return chosen


def crashing(folder: Path, times: int = 10**9) -> dict:
    """A recipe that kills its process so many times."""
    return {"_target_": "suspect/test_crashing", "times": times, "diary": str(folder / "diary")}


def test_a_job_that_kills_its_process_is_tried_twice_named_and_left_out(tmp_path):
    chosen = experiment(tmp_path, crashing(tmp_path), workers=2)
    jobs = plan(read(chosen)).jobs
    assert command(chosen) == 1
    assert (tmp_path / "diary").read_text() == "xx"
    told = json.loads((tmp_path / "results/mini/manifest.json").read_text())["failures"]
    errors = {failure["job"]: failure["error"] for failure in told}
    assert errors.pop("digits: suspect bad") == "its process ended in 2 of 2 attempts (signal 9, SIGKILL)"
    assert len(errors) == 2 and set(errors.values()) == {"needs «digits: suspect bad», which failed"}
    assert len(built(tmp_path / "store")) == len(jobs) - 3
    assert "digits: suspect bad" in (tmp_path / "results/mini/index.html").read_text()


def test_a_job_whose_process_is_killed_once_is_done_by_the_next_attempt(tmp_path, capsys):
    done = carried_out(experiment(tmp_path, crashing(tmp_path, times=1), workers=2))
    assert not done.failures and len(built(tmp_path / "store")) == len(done.plan.jobs)
    said = capsys.readouterr().err
    assert "the process of «digits: suspect bad» ended in attempt 1 of 2 (signal 9, SIGKILL); trying it again" in said
    assert not list((tmp_path / "store" / "making").iterdir())


def test_a_job_that_killed_the_one_process_of_a_run_gets_one_of_its_own_in_the_next(tmp_path):
    chosen = experiment(tmp_path, crashing(tmp_path), attempts=1)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    first = subprocess.run(program(tmp_path, chosen), env=environment, capture_output=True)
    assert first.returncode == -signal.SIGKILL
    (key,) = abandoned(tmp_path / "store")
    assert command(chosen) == 1
    assert (tmp_path / "diary").read_text() == "xx"
    line = failure_note(tmp_path / "store", key).read_text().partition("\n")[0]
    assert line == "its process ended in 1 of 1 attempts (signal 9, SIGKILL)"


def test_a_stuck_job_is_ended_and_named_and_the_run_goes_on(tmp_path):
    done = carried_out(experiment(tmp_path, {"_target_": "suspect/test_stuck"}, job_timeout=30.0))
    (stuck, *others) = [failure.error for failure in done.failures]
    assert re.fullmatch(r"not done within 30 s, which is executor.job_timeout, process \d+ was ended", stuck)
    assert len(others) == 2 and len(built(tmp_path / "store")) == len(done.plan.jobs) - 3
    assert not list((tmp_path / "store").glob("??/.*.tmp"))


def test_who_holds_the_lock_of_a_job_is_said_while_the_run_waits(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(silence, "LOCKED", 0.2)
    monkeypatch.setattr(here, "LOOK", 0.1)
    chosen = configuration(tmp_path, repeats=1, gallery=0)
    root, (job, *_) = tmp_path / "store", plan(read(chosen)).jobs
    lock = Store(root).root / "locks" / f"{job.key}.lock"
    lock.touch()
    holding = subprocess.Popen(["flock", "--no-fork", lock, "sleep", "600"])
    while holder(root, job.key, os.getpid()) != f"process {holding.pid} on {socket.gethostname()}":
        time.sleep(0.05)
    said: list[str] = []

    def release() -> None:
        while not any("waits" in text for text in said):
            said.append(capsys.readouterr().err)
            time.sleep(0.05)
        holding.kill()

    thread = threading.Thread(target=release)
    thread.start()
    assert not carried_out(chosen).failures
    thread.join()
    line = f"«{job.title}» waits: its lock is held by process {holding.pid} on {socket.gethostname()}"
    assert line in "".join(said)


def test_a_note_says_who_is_at_a_job_and_is_gone_afterwards(tmp_path):
    with noted(tmp_path, "aa"):
        found = maker(tmp_path, "aa")
        assert found and (found.host, found.pid) == (socket.gethostname(), os.getpid())
        assert not abandoned(tmp_path)  # nobody was killed: a run beside this one may do it here and now
        assert holder(tmp_path, "aa", os.getpid()) == ""
        assert holder(tmp_path, "aa", os.getpid() + 1) == str(found)
    assert maker(tmp_path, "aa") is None and not list((tmp_path / "making").iterdir())


def test_a_job_is_abandoned_where_a_process_of_this_host_is_gone(tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    (tmp_path / "making").mkdir()
    for key, host, pid in (("aa", socket.gethostname(), gone.pid), ("bb", "another", gone.pid)):
        (tmp_path / "making" / f"{key}.json").write_text(json.dumps({"host": host, "pid": pid, "since": ""}))
    assert abandoned(tmp_path) == {"aa"}


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"host": "a", "pid": "x", "since": ""}', "\x00"])
def test_what_is_no_note_names_nobody(tmp_path, text):
    (tmp_path / "making").mkdir()
    (tmp_path / "making" / "aa.json").write_text(text)
    assert maker(tmp_path, "aa") is None and holder(tmp_path, "aa", 1) == ""


def test_a_note_of_another_host_is_believed_and_one_of_a_dead_process_here_is_not(tmp_path, monkeypatch):
    child = subprocess.Popen(["true"])
    child.wait()
    (tmp_path / "making").mkdir()
    (tmp_path / "locks").mkdir()
    note, here_ = tmp_path / "making" / "aa.json", socket.gethostname()
    for host, expected in ((here_, ""), ("elsewhere", f"process {child.pid} on elsewhere, since noon")):
        note.write_text(json.dumps({"host": host, "pid": child.pid, "since": "noon"}))
        assert holder(tmp_path, "aa", os.getpid()) == expected
    note.unlink()
    with (tmp_path / "locks" / "aa.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert holder(tmp_path, "aa", os.getpid()) == ""
        assert holder(tmp_path, "aa", os.getpid() + 1) == f"process {os.getpid()} on {here_}"


def test_silence_is_broken_at_growing_intervals_and_for_long_jobs_only(tmp_path, monkeypatch):
    now, said = [0.0], {}
    monkeypatch.setattr(silence.time, "monotonic", lambda: now[0])
    (job, *_) = plan(read(configuration(tmp_path))).jobs
    with noted(tmp_path, job.key):
        for name, pid in (("own", os.getpid()), ("other", os.getpid() + 1)):
            now[0], said[name] = 0.0, []
            quiet = Silence(job)
            for second in range(200):
                now[0] = float(second)
                if line := quiet.broken(tmp_path, pid):
                    said[name].append((second, line))
    own = Maker(socket.gethostname(), os.getpid(), "")
    assert [second for second, _ in said["other"]] == [5, 15, 45, 135]
    assert [second for second, _ in said["own"]] == [45, 135]
    assert all(line.startswith(f"still at «{job.title}»: {own}") for _, line in said["own"])
    assert making.maker(tmp_path, job.key) is None
