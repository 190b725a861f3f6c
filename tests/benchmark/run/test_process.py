"""Worker processes: they leave with the run, and choose a GPU and threads of their own before torch comes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from types import SimpleNamespace

import psutil
import pytest

from benchmark.paths import ROOT
from benchmark.plan.plan import plan
from benchmark.plan.reading import read
from benchmark.run.local import Local
from benchmark.run.process import failure_note, note_failure, told_failure
from benchmark.store.artefacts import Store
from tests.builder import TASK, configuration
from tests.stores import built, program


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill"])
def test_workers_leave_with_the_run_and_take_their_drafts_along(tmp_path, end):
    training = {**TASK["training"], "epochs": 100000}
    chosen = configuration(tmp_path, task={"digits": {**TASK, "training": training}})
    chosen["executor"]["workers"] = 2
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    heeds = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a background shell has its children ignore it
    process = subprocess.Popen(program(tmp_path, chosen), env=environment, stderr=subprocess.DEVNULL, preexec_fn=heeds)
    while len(list((tmp_path / "store").glob("??/.*.tmp"))) < 2 and process.poll() is None:
        time.sleep(0.01)
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 2
    process.send_signal(end)
    process.wait(timeout=60)
    gone, left = psutil.wait_procs(family, timeout=60)
    assert not left and gone
    assert not list((tmp_path / "store").glob("??/.*.tmp")) and not built(tmp_path / "store")


def test_each_worker_has_a_gpu_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmark.run.local._gpus", lambda trainer: ["4", "GPU-7"])
    jobs = plan(read(configuration(tmp_path)))
    given = []

    def look(self, jobs, gear, gpus, say):
        given.append(list(gpus))
        raise ArithmeticError

    monkeypatch.setattr(Local, "_doers", look)
    for workers in (3, None):
        with pytest.raises(ArithmeticError):
            Local(per_gpu=2, workers=workers).run(jobs.jobs[:8], jobs, Store(tmp_path / "store"))
    assert [sorted(gpus) for gpus in given] == [["4", "4", "GPU-7"], ["4", "4", "GPU-7", "GPU-7"]]


def test_a_worker_chooses_its_gpu_before_torch_is_imported(tmp_path):
    script = """
import multiprocessing, pickle
from pathlib import Path
from benchmark.run import process as worker
class Spy:  # unpickled where the trainer would be, whose class imports torch
    def __reduce__(self):
        return eval, ("print(__import__('os').environ['CUDA_VISIBLE_DEVICES'], 'torch' in __import__('sys').modules)",)
def prepare(gear):
    pickle.loads(gear.trainer)
    print("prepared", flush=True)
    ours.close()  # the run is over
worker.prepare = prepare
ours, theirs = multiprocessing.Pipe()
worker.start(worker.Gear(Path("store"), pickle.dumps(Spy()), 1, 1.0), "GPU-7", theirs)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True)
    assert done.stdout.decode().split("\n")[:2] == ["GPU-7 False", "prepared"], done.stderr.decode()


def test_workers_leave_each_other_the_cores_that_the_trainer_s_threads_want(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmark.run.local._cores", lambda: 8)
    given = []

    def look(self, jobs, gear, gpus, say):
        given.append((len(gpus), gear.threads))
        raise ArithmeticError

    monkeypatch.setattr(Local, "_doers", look)
    for threads, executor in ((1, Local()), (3, Local()), (20, Local()), (4, Local(workers=20))):
        trainer = {"_target_": "trainer/lightning", "device": "cpu", "threads": threads}
        jobs = plan(read(configuration(tmp_path, trainer=trainer)))
        with pytest.raises(ArithmeticError):
            executor.run(jobs.jobs[:10], jobs, Store(tmp_path / "store"))
    assert given == [(4, 1), (2, 3), (1, 20), (10, 4)]


def test_a_note_of_a_failure_is_no_way_out_of_the_store(tmp_path):
    own = tmp_path / "own.txt"
    own.write_text("a user's own")
    note = failure_note(tmp_path, "abc")
    note.parent.mkdir()
    os.mkfifo(note)
    assert told_failure(tmp_path, "abc") == ""  # and no wait for whoever writes into it
    note.unlink()
    note.symlink_to(own)
    assert told_failure(tmp_path, "abc") == ""
    note_failure(tmp_path, SimpleNamespace(key="abc", title="a job"), "it failed")
    assert told_failure(tmp_path, "abc") == "it failed" and own.read_text() == "a user's own"
