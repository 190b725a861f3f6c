"""Tests on a real Slurm of one node, which `make test-slurm` starts beforehand and stops afterwards."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from pathlib import Path

import pytest

from benchmark.paths import ROOT
from benchmark.run.slurm.queue import states


@pytest.fixture(scope="session", autouse=True)
def cluster():
    """Points Slurm's commands at the node that tests/slurm/cluster started."""
    script = Path(__file__).parent / "cluster"
    word, _, value = subprocess.run([script, "env"], capture_output=True, text=True, check=True).stdout.partition("=")
    assert word == "export SLURM_CONF"
    os.environ["SLURM_CONF"] = shlex.split(value)[0]
    os.environ["PYTHONPATH"] = str(ROOT)
    states()  # fails here if Slurm is down


@pytest.fixture(autouse=True)
def nothing_left():
    """Waits for tasks that are about to leave, and cancels what a failed test left in the queue."""
    yield
    end = time.monotonic() + 60
    while (left := states()) and time.monotonic() < end:
        time.sleep(0.5)
    if left:
        subprocess.run(["scancel", *left], check=True)
    assert not left
