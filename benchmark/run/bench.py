"""How each kind of job is done: parents out of the store, the artefact's files into a folder."""

from __future__ import annotations

import copy
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

import torch
from torch import Tensor

from benchmark.contracts.fingerprint import Owner, Prints
from benchmark.contracts.suspect import Ingredients, Suspect
from benchmark.crafting.gradcam import class_map, normalise
from benchmark.data.base import DataSource, Splits
from benchmark.errors import Inapplicable, StoreError
from benchmark.networks.network import Network, load, plainly_laid_out
from benchmark.plan.jobs import DetectionJob, DetectorJob, ExhibitJob, Job, MeasureJob, ModelJob, PrintsJob
from benchmark.spec.component import of_spec
from benchmark.stealth.visibility import label_accuracy, psnr
from benchmark.store.artefacts import Artefact, Store, write_json, write_tensors
from benchmark.tasks.base import Task
from benchmark.training.checkpoint import Checkpoints
from benchmark.training.trainer import Trainer, freeze

MODELS_KEPT = 64
CLEAN = 1000  # held-out clean images that a detector is calibrated on, and as many that it is checked on


class Workshop:
    """Does jobs. Keeps the models and prints that it loaded last, and each data set on the device."""

    def __init__(self, store: Store, trainer: Trainer) -> None:
        self.store, self.trainer, self.device = store, trainer, trainer.place()
        self._models: OrderedDict[str, Network] = OrderedDict()
        self._prints: tuple[str, Prints] | None = None

    def do(self, job: Job) -> Artefact:
        """Makes the job's artefact; its parents must be in the store.

        Raises:
            StoreError: a parent is missing, or the store cannot be written.
        """
        if isinstance(job, ModelJob):
            return self._trained(job)
        if isinstance(job, PrintsJob):
            return self._make(job, lambda folder: self._print(job, folder))
        if isinstance(job, MeasureJob):
            return self._make(job, lambda folder: self._measure(job, folder))
        if isinstance(job, ExhibitJob):
            return self._make(job, lambda folder: self._exhibit(job, folder))
        if isinstance(job, DetectorJob):
            return self._make(job, lambda folder: self._detector(job, folder))
        if isinstance(job, DetectionJob):
            return self._make(job, lambda folder: self._detect(job, folder))
        raise TypeError(f"no way to do a {type(job).__name__}")

    def _make(self, job: Job, build: Callable[[Path], None]) -> Artefact:
        return self.store.make(job.key, job.spec, job.parents, build, role=job.title)

    def _clock(self) -> float:
        """What work is paid in: processor seconds on a CPU, whoever shares it; elapsed ones on an accelerator."""
        if self.device.type == "cpu":
            return time.process_time()
        torch.cuda.synchronize(self.device)
        return time.monotonic()

    def _data(self, task: Task) -> Splits:
        return _on_device(task.data, self.device)

    def _trained(self, job: ModelJob) -> Artefact:
        """Makes a model. A killed job's saved epochs stay for the next attempt, a failed one's would fail again."""
        checkpoints = Checkpoints(self.store.root / "unfinished" / job.key, self.trainer.checkpoint)
        try:
            made = self._make(job, lambda folder: self._model(job, folder, checkpoints))
        except StoreError:
            raise  # a full disk is no fault of the training, which goes on from there
        except Exception:
            checkpoints.clear()
            raise
        checkpoints.clear()
        return made

    def _model(self, job: ModelJob, folder: Path, checkpoints: Checkpoints) -> None:
        suspect = job.recipe.suspect
        own = None
        if "victim" in job.parents:
            own = plainly_laid_out(copy.deepcopy(self.network(job.task, job.parents["victim"])))
        leaked = self.prints(job.parents["prints"]) if "prints" in job.parents else None
        fit = partial(self.trainer.fit, checkpoints=checkpoints)
        given = Ingredients(job.task, self._data(job.task), own, job.seed, fit, leaked)
        network = suspect.derive(given)
        solved = suspect.solves(job.task)
        quality = solved.quality(freeze(network), self._data(solved))
        write_tensors(folder / "weights.safetensors", network.state_dict())
        record = {
            "value": quality.value,
            "detail": quality.detail,
            "parameters": sum(p.numel() for p in network.parameters()),
            "queries": given.meter.queries,
        }
        write_json(folder / "quality.json", record)

    def network(self, task: Task, key: str) -> Network:
        """The stored model, in eval mode on the device; the same object may come again, so copy before changing it."""
        if key not in self._models:
            stored = self.store.open(key)
            recipe: Suspect = of_spec(stored.manifest["spec"]["recipe"])
            with torch.random.fork_rng():
                network = recipe.solves(task).network()
            state = stored.tensors("weights.safetensors")
            self._models[key] = self.trainer.laid_out(freeze(load(network, state).to(self.device)))
            while len(self._models) > MODELS_KEPT:
                self._models.popitem(last=False)
        self._models.move_to_end(key)
        return self._models[key]

    def _print(self, job: PrintsJob, folder: Path) -> None:
        def models(role: str) -> tuple[Network, ...]:
            names = sorted((n for n in job.parents if n.startswith(role)), key=lambda n: int(n.split()[1]))
            return tuple(self.network(job.task, job.parents[name]) for name in names)

        victim = self.network(job.task, job.parents["victim"])
        owner = Owner(job.task, self._data(job.task), victim, models("surrogate"), models("reference"))
        start = self._clock()
        prints = job.fingerprint.generate(owner, job.count, torch.Generator().manual_seed(job.seed))
        seconds = self._clock() - start
        _check_prints(prints, job.count)
        write_tensors(folder / "prints.safetensors", _flat(prints))
        rounded = prints.rounded()
        record = {
            "seconds": seconds,
            "notes": dict(prints.notes),
            "psnr": psnr(prints.samples, prints.origin),
            "psnr_8bit": psnr(rounded.samples, prints.origin),
            "label_accuracy": label_accuracy(job.task, victim, prints),
            "label_accuracy_8bit": label_accuracy(job.task, victim, rounded),
        }
        write_json(folder / "notes.json", record)

    def prints(self, key: str) -> Prints:
        """The stored prints, on the device."""
        if self._prints is None or self._prints[0] != key:
            stored = {n: t.to(self.device) for n, t in self.store.open(key).tensors("prints.safetensors").items()}
            payload = {n.removeprefix("payload."): t for n, t in stored.items() if n.startswith("payload.")}
            self._prints = key, Prints(stored["samples"], stored.get("origin"), payload)
        return self._prints[1]

    def _measure(self, job: MeasureJob, folder: Path) -> None:
        network, prints = self.network(job.task, job.suspect.key), self.prints(job.prints.key)
        measured: dict[str, Tensor] = {}
        cost: dict[str, dict[str, float | str]] = {}
        for name, verifier in job.prints.fingerprint.verifiers(job.task).items():
            access = verifier.access(job.task, network)
            start = self._clock()
            try:
                made = verifier.measure(prints, access)
                cost[name] = {"seconds": self._clock() - start, "queries": access.queries}
                rounded = verifier.measure(prints.rounded(), verifier.access(job.task, network))
            except Inapplicable as reason:
                cost[name] = {"reason": str(reason)}
            else:
                measured |= {name: made, f"{name}.8bit": rounded}
        write_tensors(folder / "measured.safetensors", measured)
        write_json(folder / "cost.json", cost)

    def _exhibit(self, job: ExhibitJob, folder: Path) -> None:
        """Grad-CAM of the first prints, whatever the method: of the source's class, the value, or the cosine.

        Prints without a source are explained by the class that each network predicts.
        """
        prints = self.prints(job.prints.key)
        samples = prints.samples[: job.count]
        maps = {}
        for place, key in enumerate(job.shown.values()):
            network = self.network(job.task, key)
            payload = {n: v[: job.count] for n, v in prints.payload.items() if v.ndim}
            if job.task.kind == "classification":
                payload["label"] = payload.get("label", network(samples).argmax(dim=1))
            elif job.task.kind == "similarity" and "pair" not in payload:
                payload["pair"] = samples
            combined, _ = class_map(network, network.features(samples), job.task.scorer(network, payload))
            maps[f"map {place}"] = normalise(combined, "max")
        write_tensors(folder / "maps.safetensors", maps)

    def _detector(self, job: DetectorJob, folder: Path) -> None:
        """Fits a detector, and measures clean images that it has not seen: some to set thresholds, some to check."""
        data, victim = self._data(job.task), self._watched(job)
        state = job.detector.fit(data, job.seed)
        generator = torch.Generator().manual_seed(job.seed)
        clean = {}
        for name, part in (("valid", data.valid), ("test", data.test)):
            index = torch.randperm(len(part), generator=generator)[:CLEAN].to(part.images.device)
            clean[name] = job.detector.distances(state, victim, part.pixels(index))
        write_tensors(folder / "state.safetensors", state)
        write_tensors(folder / "clean.safetensors", clean)

    def _watched(self, job: DetectorJob) -> Network | None:
        """The victim, for a detector that asks it; another's job may run before there is one."""
        return self.network(job.task, job.victim) if job.detector.asks_victim else None

    def _detect(self, job: DetectionJob, folder: Path) -> None:
        prints, victim = self.prints(job.prints.key), self._watched(job.fitted)
        stored = self.store.open(job.fitted.key).tensors("state.safetensors")
        state = {name: tensor.to(self.device) for name, tensor in stored.items()}
        made, rounded = (
            job.fitted.detector.distances(state, victim, each.samples) for each in (prints, prints.rounded())
        )
        write_tensors(folder / "distances.safetensors", {"made": made, "8bit": rounded})


@lru_cache(maxsize=8)
def _on_device(source: DataSource, device: torch.device) -> Splits:
    return source.load().to(device)


def _flat(prints: Prints) -> dict[str, Tensor]:
    tensors = {"samples": prints.samples} | {f"payload.{name}": value for name, value in prints.payload.items()}
    return tensors if prints.origin is None else tensors | {"origin": prints.origin}


def _check_prints(prints: Prints, count: int) -> None:
    """A method that hands out too few prints, or pixels that no API takes, must not get a score."""
    if len(prints.samples) != count:
        raise ValueError(f"the method made {len(prints.samples)} prints instead of {count}")
    if not (prints.samples.min() >= 0 and prints.samples.max() <= 1):
        raise ValueError("the method made prints outside [0, 1]")
