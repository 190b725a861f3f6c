"""Jobs that make prints, and the pictures of them that a gallery shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from benchmark.plan.assets import Owned
from benchmark.plan.job import Bench, Job
from benchmark.plan.models import ModelJob, of_victim
from benchmark.spec.component import spec_of
from benchmark.spec.identity import seed_for

if TYPE_CHECKING:
    from benchmark.contracts.fingerprint import Fingerprint
    from benchmark.contracts.prints import Prints


@dataclass(frozen=True, eq=False)
class PrintsJob(Job):
    """Makes the prints of one method for one victim.

    Attributes:
        method: the fingerprint's key in the experiment.
        repeat: numbers generations of prints that differ by their seed only.
        count: N.
        rounds: how often prints that fail on the victim itself are replaced.
        variant: such as "xi=0.05", for prints that belong to an ablation only.
    """

    owned: Owned = field(repr=False)
    method: str
    fingerprint: Fingerprint = field(repr=False)
    repeat: int
    count: int
    rounds: int
    variant: str = ""

    kind: ClassVar[str] = "prints"
    long: ClassVar[bool] = True

    @property
    def title(self) -> str:
        variant = f" {self.variant}" if self.variant else ""
        return f"{self.task_name}{of_victim(self.victim)}: {self.method}{variant} prints, repeat {self.repeat}"

    @property
    def like(self) -> str:
        return self.method

    @property
    def seed(self) -> int:
        """Of everything random in it."""
        return seed_for(self.task_name, "prints", self.method, self.victim.replicate, self.repeat)

    @cached_property
    def measured(self) -> dict[str, Any]:
        """What all measurements on these prints depend on besides them, as JSON values."""
        return {"task": spec_of(self.task, "measure"), "method": spec_of(self.fingerprint, "measure")}

    @property
    def victim(self) -> ModelJob:
        """The model that the prints are of."""
        return self.owned.victim

    def made_from(self) -> Mapping[str, Job]:
        return self.owned.named()

    def with_helpers(self) -> Iterator[Job]:
        yield from self.owned.helpers()
        yield self

    def identity(self) -> dict[str, Any]:
        return {
            "task": spec_of(self.task, "measure"),
            "method": spec_of(self.fingerprint),
            "count": self.count,
            "rounds": self.rounds,
            "seed": self.seed,
        }

    def build(self, bench: Bench, folder: Path) -> None:
        import torch

        from benchmark.contracts.prints import flat
        from benchmark.contracts.proof import proven
        from benchmark.store.artefacts import write_json, write_tensors

        owner = self.owned.load(bench)
        start = bench.clock()
        prints = proven(self.fingerprint, owner, self.count, torch.Generator().manual_seed(self.seed), self.rounds)
        seconds = bench.clock() - start
        write_tensors(folder / "prints.safetensors", flat(prints, self.count))
        write_json(folder / "notes.json", {"seconds": seconds, "notes": dict(prints.notes)})

    def load(self, bench: Bench) -> Prints:
        """The prints on the device, without their notes."""
        from benchmark.contracts.prints import unflat

        stored = bench.open(self).tensors("prints.safetensors")
        return unflat({name: tensor.to(bench.device) for name, tensor in stored.items()})
