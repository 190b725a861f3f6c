"""The record of what was queued, and Slurm's answers, played by scripts of the same names."""

from __future__ import annotations

import pytest

from benchmark.errors import InputError
from benchmark.run.slurm.queue import Queue, largest_array, states


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
        queue.add("one", {"9_0": ["aa", "bb"], "9_1": ["cc"]})
        queue.add("one", {"10": ["bb"]})
    assert list(queue.queued().items()) == [("9_0", {"aa", "bb"}), ("9_1", {"cc"}), ("10", {"bb"})]
    queue.tidy({"bb"}.__contains__)
    assert list(queue.queued()) == ["9_0", "9_1"]
    assert queue.log("9_1").name == "9_1_0_log.out"
