"""Jobs that train or derive a model: victims, suspects, and what an owner trains to help a method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from benchmark.errors import InputError
from benchmark.plan.job import Bench, Job
from benchmark.plan.recipes import Recipe
from benchmark.spec.component import spec_of
from benchmark.spec.identity import canonical, seed_for

if TYPE_CHECKING:
    from benchmark.networks.network import Network
    from benchmark.tasks.base import Quality, Task
    from benchmark.training.trainer import Trainer


@dataclass(frozen=True, eq=False)
class ModelJob(Job):
    """Trains or derives a model.

    Attributes:
        role: `victim`, `suspect`, `surrogate`, `reference`, or `bystander`, by which the owner sets his threshold.
        replicate: of the owner, which numbers victims that differ by their seed only. Models that need no victim are
            the first owner's, whoever uses them.
        victim: what it is made from, None for models that need none.
        leaked: the prints that a thief has got hold of, or None.
        chance: a model is refused if it is no better than a blind answer by a test at this level; 1 for none is.
    """

    role: str
    recipe: Recipe
    replicate: int
    trainer: Trainer = field(repr=False)
    victim: ModelJob | None = field(default=None, repr=False)
    leaked: Job | None = field(default=None, repr=False)
    chance: float = field(default=1.0, repr=False)

    kind: ClassVar[str] = "model"
    long: ClassVar[bool] = True

    @property
    def title(self) -> str:
        label = f" {self.recipe.label}" if self.role != "victim" else ""
        return f"{self.task_name}{of_victim(self)}: {self.role}{label}"

    @property
    def like(self) -> str:
        return self.recipe.family

    @property
    def pack(self) -> str:
        return self.role

    @property
    def seed(self) -> int:
        """Of everything random in it; of its own for each role, family, recipe and victim: no two rungs share one."""
        recipe = canonical(spec_of(self.recipe.suspect))
        return seed_for(self.task_name, self.role, self.recipe.family, recipe, self.replicate)

    def made_from(self) -> Mapping[str, Job]:
        named = {"victim": self.victim, "prints": self.leaked}
        return {name: job for name, job in named.items() if job is not None}

    def identity(self) -> dict[str, Any]:
        return {
            "task": spec_of(self.task),
            "recipe": spec_of(self.recipe.suspect),
            "trainer": spec_of(self.trainer),
            "seed": self.seed,
        }

    def build(self, bench: Bench, folder: Path) -> None:
        import copy
        from functools import partial

        from benchmark.contracts.suspect import Ingredients
        from benchmark.networks.network import plainly_laid_out
        from benchmark.store.artefacts import write_json, write_tensors
        from benchmark.tasks.rebuilding import check_finite, check_rebuilds
        from benchmark.training.trainer import freeze

        suspect = self.recipe.suspect
        own = plainly_laid_out(copy.deepcopy(bench.loaded(self.victim))) if self.victim else None
        leaked = bench.loaded(self.leaked) if self.leaked else None
        fit = partial(bench.trainer.fit, checkpoints=bench.checkpoints(self))
        given = Ingredients(self.task, bench.data(self.task), own, self.seed, fit, leaked)
        network = freeze(suspect.derive(given))
        solved = suspect.solves(self.task)
        data = bench.data(solved)
        check_finite(network)
        quality = solved.quality(network, data)
        self._check_sighted(solved, quality, len(data.test))
        check_rebuilds(solved, network, data.test.pixels(slice(0, 4)))
        write_tensors(folder / "weights.safetensors", network.state_dict())
        record = {
            "value": quality.value,
            "skill": quality.skill,
            "p": quality.p,
            "detail": quality.detail,
            "parameters": sum(p.numel() for p in network.parameters()),
            "queries": given.meter.queries,
        }
        write_json(folder / "quality.json", record)

    def _check_sighted(self, solved: Task, quality: Quality, images: int) -> None:
        """A victim that does not look has no copies: all that is said of them would be said of nothing.

        Raises:
            InputError: it is no better than the blind answer.
        """
        if quality.p > self.chance:
            name, value = next(iter(quality.detail.items()))
            raise InputError(
                f"no better than a blind answer, {solved.blind}: {name} {value:.3g} on {images} test images, "
                f"p = {quality.p:.2g} where {self.chance:g} is wanted at most; train it longer or at another "
                "learning_rate, or take it all the same: blind.victims=true"
            )

    def load(self, bench: Bench) -> Network:
        """The network, in eval mode on the device."""
        from benchmark.tasks.rebuilding import rebuilt
        from benchmark.training.trainer import freeze

        state = bench.open(self).tensors("weights.safetensors")
        network = rebuilt(self.recipe.suspect.solves(self.task), state)
        return bench.trainer.laid_out(freeze(network.to(bench.device)))


Models = tuple[ModelJob, ...]


def of_victim(model: ModelJob) -> str:
    """Which victim a model is, or is made from, as titles name it; nothing of the first one and of strangers to all."""
    known = model.replicate if model.victim is not None or model.role == "victim" else 0
    return f" {known}" if known else ""
