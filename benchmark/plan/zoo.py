"""Zoos: one owner's victim, with the suspects that are judged and what the owner trains for the methods."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from benchmark.plan.assets import AssetJob, Owned
from benchmark.plan.models import ModelJob, Models
from benchmark.plan.prints import PrintsJob
from benchmark.plan.recipes import Recipe
from benchmark.plan.verdicts import MeasureJob
from benchmark.spec.component import name_of, spec_of
from benchmark.spec.identity import canonical
from benchmark.spec.names import class_of

if TYPE_CHECKING:
    from benchmark.contracts.fingerprint import Fingerprint
    from benchmark.contracts.owner import Asset, Needs
    from benchmark.contracts.suspect import Suspect
    from benchmark.plan.experiment import Experiment


@dataclass(frozen=True)
class Mark:
    """What an owner does to the victim while it is trained, as a watermark does; `recipe` makes that victim.

    `name` is empty for nothing, which is all that an experiment asks for so far.
    """

    name: str
    recipe: Recipe


@cache
def unmarked() -> Mark:
    """An owner who trains the task's network as it is."""
    return Mark("", Recipe("victim", "victim", class_of("suspect/independent")()))


class Zoos:
    """The zoos of an experiment, by task, replicate and mark; each is planned once."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self._known: dict[tuple[str, int, str], Zoo] = {}

    def of(self, task_name: str, replicate: int, mark: Mark | None = None) -> Zoo:
        """The zoo of one owner."""
        mark = mark or unmarked()
        key = task_name, replicate, mark.name
        if key not in self._known:
            self._known[key] = Zoo(self, task_name, replicate, mark)
        return self._known[key]


class Zoo:
    """One owner's victim, the suspects of which the experiment's question is asked, and the helpers on demand.

    Models that need no victim are those of the first, unmarked owner: they are made once for all owners.
    """

    def __init__(self, zoos: Zoos, task_name: str, replicate: int, mark: Mark) -> None:
        self.experiment, self.task_name, self.replicate, self.mark = zoos.experiment, task_name, replicate, mark
        self.task = zoos.experiment.tasks[task_name]
        self._own = self.task_name, self.task
        first = zoos.experiment.victims[0]
        self._shared = zoos.of(task_name, first) if mark.name or replicate != first else self
        self._helpers: dict[tuple[str, int], ModelJob] = {}
        self._prints: dict[tuple[str, int, str], PrintsJob] = {}
        self._assets: dict[str, AssetJob] = {}
        self._measured: dict[tuple[str, str, str, str], tuple[MeasureJob, ...]] = {}

    @cached_property
    def victim(self) -> ModelJob:
        """The owner's model."""
        blind = self.experiment.blind
        chance = 1.0 if blind.victims else blind.level
        trainer = self.experiment.trainer
        return ModelJob(*self._own, "victim", self.mark.recipe, self.replicate, trainer, chance=chance)

    @cached_property
    def suspects(self) -> tuple[ModelJob, ...]:
        """The models to judge that make sense on the task, in the experiment's order."""
        chosen = (r for r in self.experiment.recipes if not self.experiment.inapplicable(r.suspect, self.task))
        if self._shared is self:
            return tuple(self._model("suspect", recipe) for recipe in chosen)
        shared = {job.recipe.label: job for job in self._shared.suspects if job.victim is None}
        return tuple(shared.get(recipe.label) or self._model("suspect", recipe) for recipe in chosen)

    @cached_property
    def bystanders(self) -> Models:
        """Independent models that the owner trains to set his threshold; they calibrate no method."""
        return self._helpers_of("bystander", self.experiment.accusation.references)

    def _helpers_of(self, role: str, number: int) -> Models:
        """The first `number` models of a role that the owner trains; recipes take turns."""
        experiment = self.experiment
        known = experiment.surrogate if role == "surrogate" else experiment.reference
        recipes = [suspect for suspect in known if not suspect.inapplicable(self.task)]
        return tuple(self._helper(role, i, recipes[i % len(recipes)]) for i in range(number))

    def _helper(self, role: str, number: int, suspect: Suspect) -> ModelJob:
        if self._shared is not self and not suspect.needs_victim:
            return self._shared._helper(role, number, suspect)
        if (role, number) not in self._helpers:
            label = f"{number} ({name_of(suspect).partition('/')[2]})"
            self._helpers[role, number] = self._model(role, Recipe(f"{role} {number}", label, suspect))
        return self._helpers[role, number]

    def leak(self, method: str) -> PrintsJob:
        """The first prints that a method makes for the victim: a thief has got hold of them; later ones stay secret."""
        return self.prints(method, self.experiment.fingerprints[method], 0)

    def prints(self, method: str, fingerprint: Fingerprint, repeat: int, variant: str = "") -> PrintsJob:
        """The prints that a method makes for the victim; a `variant` of its settings belongs to an ablation only."""
        known = method, repeat, variant
        if known not in self._prints:
            owned, experiment = self._owned(fingerprint.needs()), self.experiment
            self._prints[known] = PrintsJob(
                *self._own, owned, method, fingerprint, repeat, experiment.count, experiment.proof.rounds, variant
            )
        return self._prints[known]

    def measurements(self, prints: PrintsJob, channel: str) -> tuple[MeasureJob, ...]:
        """Every suspect on the prints through a channel; what is only scored otherwise shares them."""
        return self._measure("suspects", prints, channel, self.suspects)

    def proofs(self, prints: PrintsJob) -> tuple[MeasureJob, ...]:
        """The victim itself on the prints through every channel, the experiment's first one first."""
        through = self.experiment.channels
        return tuple(job for channel in through for job in self._measure("proof", prints, channel, (self.victim,)))

    def alarms(self, prints: PrintsJob) -> tuple[MeasureJob, ...]:
        """The owner's bystanders on the prints, through the experiment's first channel."""
        return self._measure("alarms", prints, self.experiment.channel, self.bystanders)

    def _measure(self, what: str, prints: PrintsJob, channel: str, models: Models) -> tuple[MeasureJob, ...]:
        known = what, prints.key, canonical(prints.measured), channel
        if known not in self._measured:
            through = channel, self.experiment.channels[channel]
            self._measured[known] = tuple(MeasureJob(*self._own, prints, model, *through) for model in models)
        return self._measured[known]

    def _owned(self, needs: Needs) -> Owned:
        surrogates, references = (self._helpers_of(role, number) for role, number in needs.models())
        return Owned(
            self.victim, surrogates, references, {name: self._asset(asset) for name, asset in needs.assets.items()}
        )

    def _asset(self, asset: Asset) -> AssetJob:
        key = canonical(spec_of(asset))
        if key not in self._assets:
            self._assets[key] = AssetJob(*self._own, self._owned(asset.needs()), asset, self.replicate)
        return self._assets[key]

    def _model(self, role: str, recipe: Recipe) -> ModelJob:
        suspect = recipe.suspect
        return ModelJob(
            *self._own,
            role,
            recipe,
            self.replicate,
            self.experiment.trainer,
            victim=self.victim if suspect.needs_victim else None,
            leaked=self.leak(suspect.leaks) if suspect.leaks else None,
        )
