"""Jobs that measure suspects on prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from benchmark.plan.job import Bench, Job
from benchmark.plan.models import ModelJob
from benchmark.plan.prints import PrintsJob
from benchmark.spec.component import spec_of

if TYPE_CHECKING:
    from torch import Tensor

    from benchmark.access.channels import Channel
    from benchmark.contracts.fingerprint import Verifier
    from benchmark.contracts.prints import Prints
    from benchmark.plan.experiment import Experiment


@dataclass(frozen=True, eq=False)
class MeasureJob(Job):
    """Measures one suspect on one set of prints through one channel, by every verifier of the method."""

    prints: PrintsJob = field(repr=False)
    suspect: ModelJob = field(repr=False)
    channel_name: str
    channel: Channel = field(repr=False)

    kind: ClassVar[str] = "measurement"

    @property
    def title(self) -> str:
        return f"{self.prints.title}, {self.channel_name.replace('_', ' ')}, {self.suspect.recipe.label}"

    @property
    def like(self) -> str:
        return self.prints.method

    def made_from(self) -> Mapping[str, Job]:
        return {"prints": self.prints, "suspect": self.suspect}

    def identity(self) -> dict[str, Any]:
        return {**self.prints.measured, "channel": spec_of(self.channel, "measure")}

    def build(self, bench: Bench, folder: Path) -> None:
        from benchmark.access.target import Target
        from benchmark.errors import Inapplicable
        from benchmark.store.artefacts import write_json, write_tensors

        target = Target.of(self.task, bench.loaded(self.suspect))
        prints = bench.loaded(self.prints)
        measured: dict[str, Tensor] = {}
        cost: dict[str, dict[str, float | str]] = {}
        for name, verifier in self.prints.fingerprint.verifiers(self.task).items():
            start = bench.clock()
            try:
                measured[name], queries = self._measure(verifier, prints, target)
                cost[name] = {"seconds": bench.clock() - start, "queries": queries}
            except Inapplicable as reason:
                cost[name] = {"reason": str(reason)}
        write_tensors(folder / "measured.safetensors", measured)
        write_json(folder / "cost.json", cost)

    def _measure(self, verifier: Verifier, prints: Prints, target: Any) -> tuple[Tensor, int]:
        """What the verifier measures, and how many images it asked about."""
        from benchmark.access.access import WHITE_BOX, grant

        access = grant(verifier.access, target, self.channel)
        if verifier.access == WHITE_BOX:  # nothing stands between it and the network but the format of the prints
            prints = replace(prints, samples=self.channel.query(prints.samples))
        return verifier.measure(prints, access), access.queries


@dataclass(frozen=True, eq=False)
class ExhibitJob(Job):
    """Saliency maps of a few prints on the victim, a positive and a negative, for the gallery."""

    prints: PrintsJob = field(repr=False)
    shown: Mapping[str, ModelJob] = field(repr=False)
    count: int

    kind: ClassVar[str] = "exhibit"

    @property
    def title(self) -> str:
        return f"{self.prints.title}, gallery"

    @property
    def like(self) -> str:
        return self.prints.method

    def made_from(self) -> Mapping[str, Job]:
        return {"prints": self.prints, **self.shown}

    def identity(self) -> dict[str, Any]:
        return {"task": spec_of(self.task), "count": self.count}

    def build(self, bench: Bench, folder: Path) -> None:
        """Grad-CAM of the first prints, whatever the method: of the source's class, the value, or the cosine.

        Prints without a source are explained by the class that each network predicts.
        """
        from benchmark.crafting.gradcam import class_map, normalise
        from benchmark.store.artefacts import write_tensors

        prints = bench.loaded(self.prints)
        samples = prints.samples[: self.count]
        maps = {}
        for place, model in enumerate(self.shown.values()):
            network = bench.loaded(model)
            payload = {n: v[: self.count] for n, v in prints.payload.items() if v.ndim}
            if self.task.kind == "classification":
                payload["label"] = payload.get("label", network(samples).argmax(dim=1))
            elif self.task.kind == "similarity" and "pair" not in payload:
                payload["pair"] = samples
            combined, _ = class_map(network, network.maps(samples), self.task.scorer(network, payload))
            maps[f"map {place}"] = normalise(combined, "max")
        write_tensors(folder / "maps.safetensors", maps)


def exhibit(experiment: Experiment, prints: PrintsJob, suspects: Iterable[ModelJob]) -> ExhibitJob | None:
    """The victim, the last of the first family of positives that train, the first negative; None without them.

    Models with other labels or another architecture are shown only where there are no others, other labels never.
    """
    alike = [job for job in suspects if job.recipe.suspect.solves(job.task) == job.task]
    labelled = [job for job in suspects if job.recipe.suspect.solves(job.task).data == job.task.data]
    positive, negative = (
        [job for job in alike if experiment.is_positive(job.recipe.suspect) == side]
        or [job for job in labelled if experiment.is_positive(job.recipe.suspect) == side]
        for side in (True, False)
    )
    if not (positive and negative):
        return None
    trained = [job for job in positive if job.recipe.suspect.trains] or positive
    copy = [job for job in trained if job.recipe.family == trained[0].recipe.family][-1]
    shown = {job.recipe.label: job for job in (prints.victim, copy, negative[0])}
    count = min(experiment.gallery, experiment.count)
    return ExhibitJob(prints.task_name, prints.task, prints, shown, count)
