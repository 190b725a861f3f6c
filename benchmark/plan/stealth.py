"""Jobs that ask how conspicuous prints are: to the eye, to the victim, to detectors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from benchmark.plan.job import Bench, Job
from benchmark.plan.models import ModelJob, of_victim
from benchmark.plan.prints import PrintsJob
from benchmark.spec.component import spec_of
from benchmark.spec.identity import seed_for

if TYPE_CHECKING:
    from torch import Tensor

    from benchmark.access.channels import Channel
    from benchmark.networks.network import Network
    from benchmark.plan.experiment import Experiment
    from benchmark.plan.zoo import Zoo
    from benchmark.stealth.base import Detector

CLEAN = 1000  # held-out clean images that a detector is calibrated on, and as many that it is checked on


@dataclass(frozen=True, eq=False)
class VisibilityJob(Job):
    """How far prints behind a channel are from the images they were made of, and if the victim reads them right."""

    prints: PrintsJob = field(repr=False)
    channel_name: str
    channel: Channel = field(repr=False)

    kind: ClassVar[str] = "visibility"

    @property
    def title(self) -> str:
        return f"{self.prints.title}, {self.channel_name.replace('_', ' ')}, visibility"

    def made_from(self) -> Mapping[str, Job]:
        return {"prints": self.prints, "victim": self.prints.victim}

    def identity(self) -> dict[str, Any]:
        return {"task": spec_of(self.task, "measure"), "channel": spec_of(self.channel, "measure")}

    def build(self, bench: Bench, folder: Path) -> None:
        from dataclasses import replace

        from benchmark.stealth.visibility import label_accuracy, psnr
        from benchmark.store.artefacts import write_json

        prints = bench.loaded(self.prints)
        prints = replace(prints, samples=self.channel.query(prints.samples))
        record = {
            "psnr": psnr(prints.samples, prints.origin),
            "label_accuracy": label_accuracy(self.task, bench.loaded(self.prints.victim), prints),
        }
        write_json(folder / "visibility.json", record)


@dataclass(frozen=True, eq=False)
class DetectorJob(Job):
    """Fits a detector of conspicuous queries and keeps its distances of clean images that it has not seen.

    A detector sees the task's data, and the victim only if its distances depend on it.

    Attributes:
        threads: the trainer's, which change the bits of what is fitted; models say so by their trainer.
    """

    name: str
    detector: Detector = field(repr=False)
    victim: ModelJob = field(repr=False)
    threads: int

    kind: ClassVar[str] = "detector"
    long: ClassVar[bool] = True

    @property
    def title(self) -> str:
        return f"{self.task_name}{of_victim(self.victim) if self.detector.asks_victim else ''}: detector {self.name}"

    @property
    def like(self) -> str:
        return self.name

    @property
    def seed(self) -> int:
        """Of everything random in it."""
        watched = self.victim.replicate if self.detector.asks_victim else "no victim"
        return seed_for(self.task_name, "detector", self.name, watched)

    def made_from(self) -> Mapping[str, Job]:
        return {"victim": self.victim} if self.detector.asks_victim else {}

    def identity(self) -> dict[str, Any]:
        known = {"data": spec_of(self.task.data), "detector": spec_of(self.detector, "measure"), "seed": self.seed}
        return known | ({"threads": self.threads} if self.threads != 1 else {})

    def build(self, bench: Bench, folder: Path) -> None:
        """Some clean images are there to set thresholds, some to check them."""
        import torch

        from benchmark.store.artefacts import write_tensors

        data, victim = bench.data(self.task), self.watched(bench)
        state = self.detector.fit(data, self.seed)
        generator = torch.Generator().manual_seed(self.seed)
        clean = {}
        for name, part in (("valid", data.valid), ("test", data.test)):
            index = torch.randperm(len(part), generator=generator)[:CLEAN].to(part.images.device)
            clean[name] = self.detector.distances(state, victim, part.pixels(index))
        write_tensors(folder / "state.safetensors", state)
        write_tensors(folder / "clean.safetensors", clean)

    def load(self, bench: Bench) -> dict[str, Tensor]:
        """What the detector has learnt, on the device."""
        stored = bench.open(self).tensors("state.safetensors")
        return {name: tensor.to(bench.device) for name, tensor in stored.items()}

    def watched(self, bench: Bench) -> Network | None:
        """The victim, for a detector that asks it; the job of another may run before there is one."""
        return bench.loaded(self.victim) if self.detector.asks_victim else None


@dataclass(frozen=True, eq=False)
class DetectionJob(Job):
    """A detector's distances of one set of prints, as they arrive through one channel."""

    prints: PrintsJob = field(repr=False)
    fitted: DetectorJob = field(repr=False)
    channel_name: str
    channel: Channel = field(repr=False)

    kind: ClassVar[str] = "detection"

    @property
    def title(self) -> str:
        return f"{self.prints.title}, {self.channel_name.replace('_', ' ')}, {self.fitted.name}"

    def made_from(self) -> Mapping[str, Job]:
        return {"prints": self.prints, "detector": self.fitted, **self.fitted.made_from()}

    def identity(self) -> dict[str, Any]:
        return {"detector": spec_of(self.fitted.detector, "measure"), "channel": spec_of(self.channel, "measure")}

    def build(self, bench: Bench, folder: Path) -> None:
        from benchmark.store.artefacts import write_tensors

        prints, victim = bench.loaded(self.prints), self.fitted.watched(bench)
        state = bench.loaded(self.fitted)
        found = self.fitted.detector.distances(state, victim, self.channel.query(prints.samples))
        write_tensors(folder / "distances.safetensors", {"distances": found})


def detector_jobs(experiment: Experiment, zoo: Zoo) -> list[DetectorJob]:
    """The detectors that apply to the zoo's task."""
    return [
        DetectorJob(zoo.task_name, zoo.task, name, detector, zoo.victim, experiment.trainer.threads)
        for name, detector in experiment.detectors.items()
        if not detector.inapplicable(zoo.task)
    ]


def stealth_jobs(experiment: Experiment, prints: PrintsJob, detectors: list[DetectorJob]) -> Iterator[Job]:
    """How conspicuous the prints are behind each channel."""
    own = prints.task_name, prints.task, prints
    for channel in experiment.channels.items():
        yield VisibilityJob(*own, *channel)
        yield from (DetectionJob(*own, fitted, *channel) for fitted in detectors)
