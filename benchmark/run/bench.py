"""What a job is given while it builds its artefact: models, prints and data out of the store, on the device."""

from __future__ import annotations

import shutil
import time
from collections import OrderedDict
from functools import lru_cache, partial
from pathlib import Path

import torch

from benchmark.contracts.asset import State
from benchmark.contracts.fingerprint import Owner, Prints, unflat
from benchmark.data.base import DataSource, Splits
from benchmark.errors import Inapplicable, StoreError
from benchmark.networks.network import Network, load
from benchmark.plan.assets import AssetJob
from benchmark.plan.job import Job
from benchmark.plan.models import ModelJob
from benchmark.plan.prints import PrintsJob
from benchmark.plan.stealth import DetectorJob
from benchmark.store.artefacts import Artefact, Store
from benchmark.store.reasons import reason_of, write_reason
from benchmark.tasks.base import Task
from benchmark.training.checkpoint import Checkpoints
from benchmark.training.trainer import Trainer, freeze

MODELS_KEPT = 64


class Bench:
    """Does jobs. Keeps the models and prints that it loaded last, and each data set on the device."""

    def __init__(self, store: Store, trainer: Trainer) -> None:
        self.store, self.trainer, self.device = store, trainer, trainer.place()
        self._models: OrderedDict[str, Network] = OrderedDict()
        self._prints: tuple[str, Prints] | None = None

    def do(self, job: Job) -> Artefact:
        """Makes the job's artefact; what it is made from must be in the store.

        A killed job's saved epochs stay for the next attempt, a failed one's would fail again.

        Raises:
            StoreError: a parent is missing, or the store cannot be written.
        """
        checkpoints = self.checkpoints(job)
        try:
            made = self.store.make(job.key, job.spec, job.parents, partial(self._fill, job), role=job.title)
        except StoreError:
            raise  # a full disk is no fault of the training, which goes on from there
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
        """What work is paid in: processor seconds on a CPU, whoever shares it; elapsed ones on an accelerator."""
        if self.device.type == "cpu":
            return time.process_time()
        torch.cuda.synchronize(self.device)
        return time.monotonic()

    def checkpoints(self, job: Job) -> Checkpoints:
        """Where the job's trainings are saved while they are under way."""
        return Checkpoints(self.store.root / "unfinished" / job.key, self.trainer.checkpoint)

    def open(self, job: Job) -> Artefact:
        """The job's artefact.

        Raises:
            Inapplicable: there can be none, for the reason that stands in its place.
            StoreError: it is missing.
        """
        artefact = self.store.open(job.key)
        if reason := reason_of(artefact):
            raise Inapplicable(reason)
        return artefact

    def data(self, task: Task) -> Splits:
        """The task's data on the device."""
        return _on_device(task.data, self.device)

    def network(self, job: ModelJob) -> Network:
        """A stored model, in eval mode on the device; the same object may come again: copy it before changing it."""
        if job.key not in self._models:
            state = self.open(job).tensors("weights.safetensors")
            network = self._rebuilt(job.recipe.suspect.solves(job.task), state)
            self._models[job.key] = self.trainer.laid_out(freeze(network.to(self.device)))
            while len(self._models) > MODELS_KEPT:
                self._models.popitem(last=False)
        self._models.move_to_end(job.key)
        return self._models[job.key]

    def check_loads(self, network: Network, task: Task) -> None:
        """Makes sure, before a derived network is stored, that it can be built again from its tensors.

        Raises:
            ValueError: it cannot, or answers differently then.
        """
        again = freeze(self._rebuilt(task, network.state_dict()).to(self.device))
        x = self.data(task).test.pixels(slice(0, 4))
        with torch.no_grad():
            own, other = network(x), again(x)
        if own.shape != other.shape or not torch.allclose(own, other, rtol=1e-3, atol=1e-3, equal_nan=True):
            raise ValueError("the network answers differently when it is built again from its stored tensors")

    def _rebuilt(self, task: Task, state: State) -> Network:
        with torch.random.fork_rng():
            network = task.network()
        return load(network, state)

    def prints(self, job: PrintsJob) -> Prints:
        """Stored prints, on the device."""
        if self._prints is None or self._prints[0] != job.key:
            stored = self.open(job).tensors("prints.safetensors")
            self._prints = job.key, unflat({name: tensor.to(self.device) for name, tensor in stored.items()})
        return self._prints[1]

    def owner(self, job: PrintsJob | AssetJob) -> Owner:
        """What the owner has of all that the job is made from."""
        return Owner(
            job.task,
            self.data(job.task),
            self.network(job.victim),
            tuple(self.network(model) for model in job.surrogates),
            tuple(self.network(model) for model in job.references),
            {name: self._asset(asset) for name, asset in job.assets.items()},
        )

    def _asset(self, job: AssetJob) -> State:
        stored = self.open(job).tensors("state.safetensors")
        return {name: tensor.to(self.device) for name, tensor in stored.items()}

    def watched(self, job: DetectorJob) -> Network | None:
        """The victim, for a detector that asks it; another's job may run before there is one."""
        return self.network(job.victim) if job.detector.asks_victim else None


@lru_cache(maxsize=8)
def _on_device(source: DataSource, device: torch.device) -> Splits:
    return source.load().to(device)
