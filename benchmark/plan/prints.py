"""Jobs that make prints, and the pictures of them that a gallery shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from benchmark.plan.assets import AssetJob, of_owner
from benchmark.plan.job import Job
from benchmark.plan.models import ModelJob, Models
from benchmark.spec.component import spec_of
from benchmark.spec.identity import seed_for

if TYPE_CHECKING:
    from benchmark.contracts.fingerprint import Fingerprint
    from benchmark.run.bench import Bench


@dataclass(frozen=True, eq=False)
class PrintsJob(Job):
    """Makes the prints of one method for one victim.

    Attributes:
        method: the fingerprint's key in the experiment.
        repeat: numbers generations of prints that differ by their seed only.
        count: N.
        variant: such as "xi=0.05", for prints that belong to an ablation only.
    """

    method: str
    fingerprint: Fingerprint = field(repr=False)
    repeat: int
    count: int
    victim: ModelJob = field(repr=False)
    surrogates: Models = field(default=(), repr=False)
    references: Models = field(default=(), repr=False)
    assets: Mapping[str, AssetJob] = field(default_factory=dict, repr=False)
    variant: str = ""

    kind: ClassVar[str] = "prints"
    long: ClassVar[bool] = True

    @property
    def title(self) -> str:
        return (
            f"{self.task_name}: {self.method}{' ' + self.variant if self.variant else ''} prints, repeat {self.repeat}"
        )

    @property
    def like(self) -> str:
        return self.method

    @property
    def seed(self) -> int:
        """Of everything random in it."""
        return seed_for(self.task_name, "prints", self.method, self.repeat)

    @cached_property
    def measured(self) -> dict[str, Any]:
        """What all measurements on these prints depend on besides them, as JSON values."""
        return {"task": spec_of(self.task, "measure"), "method": spec_of(self.fingerprint, "measure")}

    def made_from(self) -> Mapping[str, Job]:
        return of_owner(self.victim, self.surrogates, self.references, self.assets)

    def identity(self) -> dict[str, Any]:
        return {
            "task": spec_of(self.task, "measure"),
            "method": spec_of(self.fingerprint),
            "count": self.count,
            "seed": self.seed,
        }

    def build(self, bench: Bench, folder: Path) -> None:
        import torch

        from benchmark.contracts.fingerprint import flat
        from benchmark.store.artefacts import write_json, write_tensors

        owner = bench.owner(self)
        start = bench.clock()
        prints = self.fingerprint.generate(owner, self.count, torch.Generator().manual_seed(self.seed))
        seconds = bench.clock() - start
        write_tensors(folder / "prints.safetensors", flat(prints, self.count))
        write_json(folder / "notes.json", {"seconds": seconds, "notes": dict(prints.notes)})


def with_helpers(prints: PrintsJob) -> Iterator[Job]:
    """The prints after everything that was trained for them, but for the victim; the same job may come again."""
    yield from _helpers(prints)
    yield prints


def _helpers(job: PrintsJob | AssetJob) -> Iterator[Job]:
    yield from (*job.surrogates, *job.references)
    for asset in job.assets.values():
        yield from _helpers(asset)
        yield asset
