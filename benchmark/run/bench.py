"""The bench that jobs are built on: what they are made from out of the store, data on the device."""

from __future__ import annotations

import shutil
import time
from collections import OrderedDict, defaultdict
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import torch

from benchmark.data.base import DataSource, Splits
from benchmark.errors import Damaged, Inapplicable, StoreError
from benchmark.plan import job as contract
from benchmark.plan.job import Job
from benchmark.store.artefacts import Artefact, Store
from benchmark.store.reasons import reason_of, write_reason
from benchmark.tasks.base import Task
from benchmark.training.checkpoint import Checkpoints
from benchmark.training.trainer import Trainer


class Bench(contract.Bench):
    """Does jobs. Keeps what it loaded last of each kind, and each data set on the device."""

    def __init__(self, store: Store, trainer: Trainer) -> None:
        self.store, self.trainer, self.device = store, trainer, trainer.place()
        self._loaded: dict[str, OrderedDict[str, Any]] = defaultdict(OrderedDict)

    def do(self, job: Job) -> Artefact:
        """Makes the job's artefact; what it is made from must be in the store.

        A killed job's saved epochs stay for the next attempt, a failed one's would fail again.

        Raises:
            StoreError: a parent is missing, or the store cannot be written.
        """
        checkpoints = self.checkpoints(job)
        try:
            made = self.store.make(job.key, job.spec, job.parents, partial(self._fill, job), role=job.title)
        except (StoreError, Damaged):
            raise  # no fault of the training, which goes on from there
        except Exception:
            checkpoints.clear()
            raise
        checkpoints.clear()
        return made

    def _fill(self, job: Job, folder: Path) -> None:
        try:
            job.build(self, folder)
        except Inapplicable as reason:
            for path in folder.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            write_reason(folder, str(reason))

    def clock(self) -> float:
        if self.device.type == "cpu":
            return time.process_time()
        torch.cuda.synchronize(self.device)
        return time.monotonic()

    def checkpoints(self, job: Job) -> Checkpoints:
        title = f"{job.title} {job.key[:8]}"
        return Checkpoints(self.store.root / "unfinished" / job.key, self.trainer.checkpoint, title)

    def open(self, job: Job) -> Artefact:
        artefact = self.store.open(job.key)
        if reason := reason_of(artefact):
            raise Inapplicable(reason)
        return artefact

    def data(self, task: Task) -> Splits:
        return _on_device(task.data, self.device)

    def loaded(self, job: Job) -> Any:
        known = self._loaded[job.kind]
        if job.key not in known:
            known[job.key] = job.load(self)
            while len(known) > job.kept:
                known.popitem(last=False)
        known.move_to_end(job.key)
        return known[job.key]


@lru_cache(maxsize=8)
def _on_device(source: DataSource, device: torch.device) -> Splits:
    return source.load().to(device)
