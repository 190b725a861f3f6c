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

import torch

from benchmark.plan.job import Job
from benchmark.plan.plan import Plan, plan
from benchmark.plan.reading import read
from benchmark.run.local import Local
from benchmark.spec.component import setting
from benchmark.store.artefacts import Store
from benchmark.training.trainer import Trainer
from tests import stores
from tests.builder import configuration
from tests.faults.points import Points, kill
from tests.faults.tally import held, keys_in

TIMED = ("cost.json", "notes.json")  # records with seconds in them


class Mortal(Trainer, name="trainer/test_mortal"):
    """A trainer in whose worker process the `fatal`-th write point below `where` kills; 0 for none."""

    where: str = setting(default="", stage="runtime")
    fatal: int = setting(default=0, low=0, stage="runtime")

    def place(self) -> torch.device:
        if self.fatal and multiprocessing.parent_process() is not None:
            Points(Path(self.where), self.fatal, kill).arm()
        return super().place()


def config(folder: Path, fatal: int = 0) -> dict[str, Any]:
    """One task, one copy and one independent model, one method, one channel: eight jobs."""
    return configuration(
        folder,
        name="faults",
        suspect={
            "weight_pruning": {"_target_": "suspect/weight_pruning", "ratio": 0.5},
            "independent": {"_target_": "suspect/independent"},
        },
        trainer={"_target_": "trainer/test_mortal", "device": "cpu", "where": str(folder / "store"), "fatal": fatal},
        repeats=1,
        gallery=0,
    )


def planned(folder: Path, fatal: int = 0) -> Plan:
    """The experiment's jobs; their keys depend neither on the folder nor on where a worker is killed."""
    return plan(read(config(folder, fatal)))


def do(folder: Path, jobs: Sequence[Job] | None = None, fatal: int = 0, workers: int = 1) -> str:
    """Has the executor do the jobs (None: all) the store lacks; returns what it said. With `fatal` they may fail."""
    everything, store = planned(folder, fatal), Store(folder / "store")
    todo = [job for job in (everything.jobs if jobs is None else jobs) if store.find(job.key) is None]
    with contextlib.redirect_stderr(io.StringIO()) as said:
        failures = Local(workers=workers).run(todo, everything, store) if todo else []
    assert fatal or not failures, failures
    return said.getvalue()


def command(folder: Path) -> int:
    """The whole command, quietly and without figures; its exit code."""
    return stores.command(config(folder))


@cache
def expected() -> dict[str, dict[str, str]]:
    """SHA-256 of every file of every job but those with seconds in them, from a run without faults."""
    with TemporaryDirectory() as name:
        do(Path(name))
        store = Path(name) / "store"
        sums = {key: held(store, key) or {} for key in keys_in(store)}
    return {key: {file: digest for file, digest in of_key.items() if file not in TIMED} for key, of_key in sums.items()}
