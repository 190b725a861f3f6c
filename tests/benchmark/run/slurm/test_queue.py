"""The record of what was queued, and Slurm's answers, played by scripts of the same names."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import pytest

from benchmark.errors import InputError
from benchmark.paths import ROOT
from benchmark.run.slurm.private import open_private
from benchmark.run.slurm.queue import Call, Queue, commented, largest_array, starved, states


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Puts a shell script on the path, alone with the usual tools."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def script(name: str, text: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)

    return script


def test_states_are_read_task_by_task(command):
    command("squeue", 'case "$*" in *--array*) printf "12_3|RUNNING\\n12_4|PENDING\\n15|COMPLETING\\n";; esac')
    assert states() == {"12_3": "RUNNING", "12_4": "PENDING", "15": "COMPLETING"}
    command("squeue", "true")
    assert states() == {}


def test_a_slurm_that_does_not_answer_is_one_line(command):
    command("squeue", 'echo "slurm_load_jobs error: Unable to contact\ncontroller" >&2; exit 1')
    with pytest.raises(InputError, match="squeue failed .*Unable to contact controller.*is Slurm up"):
        states()


def test_a_host_without_slurm_is_told_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="no squeue here.*executor=local"):
        states()


def test_the_largest_array_is_slurms(command):
    command("scontrol", 'printf "MaxJobCount = 5\\nMaxArraySize            = 101\\n"')
    assert largest_array() == 101
    command("scontrol", "true")
    assert largest_array() == 1001


def test_the_newest_task_of_a_key_comes_last_and_finished_calls_are_forgotten(tmp_path):
    queue = Queue(tmp_path)
    with queue.lock():
        for call in (Call("one", [["bb"]], 4.0, "10"), Call("one", [["aa", "bb"], ["cc"]], 2.0, "9")):
            queue.complete(queue.begin(call), call)
    assert list(queue.queued().items()) == [("9_0", {"aa", "bb"}), ("9_1", {"cc"}), ("10", {"bb"})]
    assert queue.newest() == {"aa": ("9_0", 2.0), "bb": ("10", 4.0), "cc": ("9_1", 2.0)}
    queue.tidy({"bb"}.__contains__)
    assert list(queue.queued()) == ["9_0", "9_1"]
    assert queue.log("9_1").name == "9_1_0_log.out"


def test_what_a_killed_command_queued_half_is_cancelled_and_forgotten(tmp_path, command):
    queue, cancelled = Queue(tmp_path), tmp_path / "cancelled"
    with queue.lock():
        whole, half, never = (Call("one", [[key], [key + key]], 2.0) for key in "abc")
        queue.complete(queue.begin(whole), Call("one", whole.packs, 2.0, "7"))
        names = [queue.begin(call) for call in (half, never)]
        assert list(queue.queued()) == ["7_0", "7_1"]
        command("squeue", f'printf "7|whosenet-other\\n8|{names[0]}\\n8|{names[0]}\\n9|\\n"')
        command("scancel", f'echo "$@" >> {cancelled}')
        assert commented()[names[0]] == "8"
        assert queue.take_back() == 1 and cancelled.read_text() == "8\n"
        assert queue.take_back() == 0 and list(queue.queued()) == ["7_0", "7_1"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("slurmstepd: error: Detected 1 oom_kill event in StepId=5.0. Some of the step tasks have been OOM Killed.", 1),
        ("slurmstepd: error: Detected 1 oom-kill event(s) in step 3.batch cgroup.", 1),
        ("srun: error: node: task 0: Out Of Memory", 1),
        ("slurmstepd: error: Job 8 exceeded memory limit (2097152 > 1048576), being killed", 1),
        ("slurmstepd: error: *** STEP 5.0 ON node CANCELLED AT 2026-01-01T00:00:00 ***", 0),
        ("RuntimeError: the paper says out of memory", 0),
    ],
)
def test_what_slurm_says_of_memory_is_read_in_a_task_s_errors(tmp_path, line, found):
    log = Queue(tmp_path).log("3")
    assert not starved(log)
    log.parent.mkdir(parents=True)
    log.with_suffix(".err").write_text("x" * 100_000 + f"\n{line}\nand more\n")
    assert starved(log) == bool(found)


@pytest.mark.parametrize("fault", ["mode", "link", "file", "owner"])
def test_a_folder_of_pickles_that_others_could_write_is_refused(tmp_path, monkeypatch, fault):
    queue, line = Queue(tmp_path), {"mode": "mode 0770 instead of 0700", "owner": "belongs to user"}
    with queue.lock():
        assert queue.tasks.stat().st_mode & 0o777 == queue.folder.stat().st_mode & 0o777 == 0o700
    if fault == "mode":
        queue.tasks.chmod(0o770)
    elif fault == "owner":
        user, folder = os.geteuid(), queue.folder
        monkeypatch.setattr(os, "geteuid", lambda: user + 1)
        monkeypatch.setattr(queue, "folder", folder)
    else:
        queue.tasks.rename(tmp_path / "moved")
        queue.tasks.symlink_to(tmp_path / "moved") if fault == "link" else queue.tasks.write_text("")
    with pytest.raises(InputError, match=line.get(fault, "is no folder")):
        queue.lock()
    with pytest.raises(InputError):
        open_private(queue.tasks)


def test_a_task_unpickles_nothing_out_of_such_a_folder(tmp_path):
    queue = Queue(tmp_path)
    with queue.lock():
        queue.tasks.chmod(0o777)
    (queue.tasks / "5_submitted.pkl").write_bytes(pickle.dumps(Evil(str(tmp_path / "run"))))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SUBMITIT_EXECUTOR": "slurm", "SLURM_JOB_ID": "5"}
    line = [sys.executable, "-u", "-m", "benchmark.run.slurm.entry", "-m", "submitit.core._submit", str(queue.tasks)]
    done = subprocess.run(line, env=environment, capture_output=True, text=True)
    assert done.returncode == 2 and "mode 0777 instead of 0700" in done.stderr and not (tmp_path / "run").exists()
    queue.tasks.chmod(0o700)  # the same is run where the folder is the user's own
    subprocess.run(line, env=environment, capture_output=True)
    assert (tmp_path / "run").exists()


class Evil:
    """Whoever unpickles it makes a folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (self.folder,)
