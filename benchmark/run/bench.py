"""The bench that jobs are built on: what they are made from out of the store, data on the device."""

from __future__ import annotations

import shutil
import time
from collections import OrderedDict
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import torch

from benchmark.data.base import DataSource, Splits
from benchmark.errors import Damaged, Inapplicable, StoreError
from benchmark.plan import job as contract
from benchmark.plan.job import Job
from benchmark.run.making import noted
from benchmark.run.process import KEEP
from benchmark.store.artefacts import Artefact, Store
from benchmark.store.reasons import reason_of, write_reason
from benchmark.tasks.base import Task
from benchmark.training.checkpoint import Checkpoints
from benchmark.training.trainer import Trainer

GIB = 2**30


class Bench(contract.Bench):
    """Does jobs. Keeps what it loaded last, and data sets on the device.

    Args:
        keep: GiB of models, prints and the like that stay loaded, as large as their files are; what was loaded last
            always does.
    """

    def __init__(self, store: Store, trainer: Trainer, keep: float = KEEP) -> None:
        self.store, self.trainer, self.device = store, trainer, trainer.place()
        self._keep, self._bytes = keep * GIB, 0
        self._loaded: OrderedDict[str, tuple[Any, int]] = OrderedDict()

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
        with noted(self.store.root, job.key):
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
        if job.key not in self._loaded:
            found = job.load(self)
            self._loaded[job.key] = found, self._size(job)
            self._bytes += self._loaded[job.key][1]
        self._loaded.move_to_end(job.key)
        while self._bytes > self._keep and len(self._loaded) > 1:
            self._bytes -= self._loaded.popitem(last=False)[1][1]
        return self._loaded[job.key][0]

    def _size(self, job: Job) -> int:
        artefact = self.store.open(job.key)
        files = (artefact.folder / name for name in artefact.files)
        return sum(file.stat().st_size for file in files if file.exists())


@lru_cache(maxsize=8)
def _on_device(source: DataSource, device: torch.device) -> Splits:
    return source.load().to(device)
