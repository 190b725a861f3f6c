"""Jobs that make an asset: what a method has trained once for a victim, before any prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from benchmark.errors import Inapplicable
from benchmark.plan.job import Bench, Job
from benchmark.plan.models import ModelJob, Models
from benchmark.spec.component import name_of, spec_of
from benchmark.spec.identity import seed_for

if TYPE_CHECKING:
    from benchmark.contracts.owner import Asset, Owner, State


@dataclass(frozen=True, eq=False)
class Owned:
    """What an owner has trained by the time that a method of his begins: jobs of what `Owner` holds loaded."""

    victim: ModelJob
    surrogates: Models = ()
    references: Models = ()
    assets: Mapping[str, AssetJob] = field(default_factory=dict)

    def named(self) -> dict[str, Job]:
        """The jobs by the names under which they are parents."""
        return {
            "victim": self.victim,
            **{f"surrogate {i}": job for i, job in enumerate(self.surrogates)},
            **{f"reference {i}": job for i, job in enumerate(self.references)},
            **{f"asset {name}": job for name, job in self.assets.items()},
        }

    def helpers(self) -> Iterator[Job]:
        """All but the victim, each after what it is made from; the same may come again."""
        yield from (*self.surrogates, *self.references)
        for asset in self.assets.values():
            yield from asset.owned.helpers()
            yield asset

    def load(self, bench: Bench) -> Owner:
        """The owner with all of it."""
        from benchmark.contracts.owner import Owner

        return Owner(
            self.victim.task,
            bench.data(self.victim.task),
            _loaded(bench, self.victim),
            tuple(_loaded(bench, model) for model in self.surrogates),
            tuple(_loaded(bench, model) for model in self.references),
            {name: _loaded(bench, asset) for name, asset in self.assets.items()},
        )


def _loaded(bench: Bench, job: Job) -> Any:
    """What the job has made; where there can be no such thing, the reason says of what it is one."""
    try:
        return bench.loaded(job)
    except Inapplicable as reason:
        of = job.title.partition(": ")[2]
        raise Inapplicable(f"{of}: {reason}") from None


@dataclass(frozen=True, eq=False)
class AssetJob(Job):
    """Prepares one asset of one victim; every method, repeat and number of prints that wants the same one shares it."""

    owned: Owned = field(repr=False)
    asset: Asset = field(repr=False)
    replicate: int

    kind: ClassVar[str] = "asset"
    long: ClassVar[bool] = True

    @property
    def title(self) -> str:
        return f"{self.task_name}: {name_of(self.asset)}"

    @property
    def like(self) -> str:
        return name_of(self.asset)

    @property
    def seed(self) -> int:
        """Of everything random in it, whatever the methods that want it call it."""
        return seed_for(self.task_name, "asset", name_of(self.asset), self.replicate)

    def made_from(self) -> Mapping[str, Job]:
        return self.owned.named()

    def identity(self) -> dict[str, Any]:
        return {"task": spec_of(self.task, "measure"), "asset": spec_of(self.asset), "seed": self.seed}

    def build(self, bench: Bench, folder: Path) -> None:
        from functools import partial

        from benchmark.contracts.owner import Preparation
        from benchmark.store.artefacts import write_json, write_tensors

        owner = self.owned.load(bench)
        checkpoints = bench.checkpoints(self)
        start = bench.clock()
        fit = partial(bench.trainer.fit, checkpoints=checkpoints)
        state = self.asset.prepare(Preparation(owner, self.seed, fit, checkpoints))
        write_tensors(folder / "state.safetensors", state)
        write_json(folder / "cost.json", {"seconds": bench.clock() - start})

    def load(self, bench: Bench) -> State:
        """The asset's tensors on the device."""
        stored = bench.open(self).tensors("state.safetensors")
        return {name: tensor.to(bench.device) for name, tensor in stored.items()}
