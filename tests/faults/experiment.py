"""A whole experiment in about a second, to be run under faults, and what its artefacts have to hold."""

from __future__ import annotations

import contextlib
import io
import multiprocessing
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch

from benchmark.cli.command import run
from benchmark.plan.experiment import read
from benchmark.plan.job import Job
from benchmark.plan.plan import Plan, plan
from benchmark.report.figures import every as pictures
from benchmark.run.local import Local
from benchmark.spec.component import setting
from benchmark.store.artefacts import Store
from benchmark.training.trainer import Trainer
from tests.faults.points import Points, kill
from tests.faults.tally import held, keys_in

TASK = {
    "_target_": "task/classification",
    "data": {"_target_": "data/digits"},
    "architecture": {"_target_": "network/small_resnet", "widths": [4, 4, 4]},
    "training": {"_target_": "training/one_cycle", "epochs": 1, "batch": 256},
}


class Mortal(Trainer, name="test/mortal"):
    """A trainer in whose worker process the `fatal`-th write point below `where` kills; 0 for none."""

    where: str = setting(default="", stage="runtime")
    fatal: int = setting(default=0, low=0, stage="runtime")

    def place(self) -> torch.device:
        if self.fatal and multiprocessing.parent_process() is not None:
            Points(Path(self.where), self.fatal, kill).arm()
        return super().place()


def config(folder: Path, fatal: int = 0, workers: int = 1) -> dict[str, Any]:
    """One task, one copy and one independent model, one method: seven jobs."""
    store = str(folder / "store")
    trainer = {"_target_": "test/mortal", "device": "cpu", "where": store, "fatal": fatal}
    return {
        "name": "faults",
        "task": {"digits": TASK},
        "suspect": {
            "weight_pruning": {"_target_": "suspect/weight_pruning", "ratio": 0.5},
            "independent": {"_target_": "suspect/independent"},
        },
        "fingerprint": {"random": {"_target_": "fingerprint/random"}},
        "auxiliary": {
            "surrogate": [{"_target_": "suspect/finetune"}],
            "reference": [{"_target_": "suspect/independent"}],
        },
        "trainer": trainer,
        "executor": {"_target_": "executor/local", "workers": workers},
        "count": 10,
        "repeats": 1,
        "repeat_zoo": False,
        "gallery": 0,
        "degraded": 5.0,
        "ablation": {"counts": [], "settings": {}, "repeats": 0},
        "compute": True,
        "store": store,
        "results": str(folder / "results"),
    }


def planned(folder: Path, fatal: int = 0) -> Plan:
    """The experiment's jobs; their keys depend neither on the folder nor on where a worker is killed."""
    return plan(read(config(folder, fatal)))


def do(folder: Path, jobs: Sequence[Job] | None = None, fatal: int = 0, workers: int = 1) -> None:
    """Has the executor do the jobs (None: all) that the store lacks, quietly."""
    everything, store = planned(folder, fatal), Store(folder / "store")
    todo = [job for job in (everything.jobs if jobs is None else jobs) if store.find(job.key) is None]
    if todo:
        with contextlib.redirect_stderr(io.StringIO()):
            failures = Local(workers=workers, threads=1).run(todo, everything, store)
        assert not failures, failures


def command(folder: Path) -> int:
    """The whole command, quietly and without figures, which take the time; its exit code."""
    with contextlib.redirect_stderr(io.StringIO()), pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "drawn", lambda *_: iter(()))
        return run(config(folder))


@cache
def expected() -> dict[str, dict[str, str]]:
    """SHA-256 of every tensor file of every job, from a run without faults; records with seconds in them differ."""
    with TemporaryDirectory() as name:
        do(Path(name))
        store = Path(name) / "store"
        sums = {key: held(store, key) or {} for key in keys_in(store)}
    return {
        key: {file: digest for file, digest in of_key.items() if file.endswith("safetensors")}
        for key, of_key in sums.items()
    }
