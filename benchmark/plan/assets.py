"""Jobs that make an asset: what a method has trained once for a victim, before any prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from benchmark.plan.job import Job
from benchmark.plan.models import ModelJob, Models
from benchmark.spec.component import spec_of
from benchmark.spec.identity import seed_for

if TYPE_CHECKING:
    from benchmark.contracts.asset import Asset
    from benchmark.run.bench import Bench


def of_owner(
    victim: ModelJob, surrogates: Models, references: Models, assets: Mapping[str, AssetJob]
) -> dict[str, Job]:
    """What an owner has, by the names that parents go by."""
    return {
        "victim": victim,
        **{f"surrogate {i}": job for i, job in enumerate(surrogates)},
        **{f"reference {i}": job for i, job in enumerate(references)},
        **{f"asset {name}": job for name, job in assets.items()},
    }


@dataclass(frozen=True, eq=False)
class AssetJob(Job):
    """Prepares one asset of one victim; every method, repeat and number of prints that wants the same one shares it."""

    name: str
    asset: Asset = field(repr=False)
    replicate: int
    victim: ModelJob = field(repr=False)
    surrogates: Models = field(default=(), repr=False)
    references: Models = field(default=(), repr=False)
    assets: Mapping[str, AssetJob] = field(default_factory=dict, repr=False)

    kind: ClassVar[str] = "asset"
    long: ClassVar[bool] = True

    @property
    def title(self) -> str:
        return f"{self.task_name}: asset {self.name}"

    @property
    def like(self) -> str:
        return self.name

    @property
    def seed(self) -> int:
        """Of everything random in it."""
        return seed_for(self.task_name, "asset", self.name, self.replicate)

    def made_from(self) -> Mapping[str, Job]:
        return of_owner(self.victim, self.surrogates, self.references, self.assets)

    def identity(self) -> dict[str, Any]:
        return {"task": spec_of(self.task, "measure"), "asset": spec_of(self.asset), "seed": self.seed}

    def build(self, bench: Bench, folder: Path) -> None:
        from functools import partial

        from benchmark.contracts.asset import Preparation
        from benchmark.store.artefacts import write_json, write_tensors

        owner = bench.owner(self)
        checkpoints = bench.checkpoints(self)
        start = bench.clock()
        fit = partial(bench.trainer.fit, checkpoints=checkpoints)
        state = self.asset.prepare(Preparation(owner, self.seed, fit, checkpoints))
        write_tensors(folder / "state.safetensors", state)
        write_json(folder / "cost.json", {"seconds": bench.clock() - start})
