"""An experiment out of a composed configuration: components built, ladders spread, all checked before any work."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmark.contracts.truth import QUESTIONS, Question, Relation
from benchmark.errors import InputError, near_misses
from benchmark.paths import CONF
from benchmark.plan.recipes import Recipe, recipes_of
from benchmark.spec.build import built
from benchmark.spec.names import plug_in

if TYPE_CHECKING:
    from benchmark.access.channels import Channel
    from benchmark.contracts.fingerprint import Fingerprint
    from benchmark.contracts.suspect import Suspect
    from benchmark.stealth.base import Detector
    from benchmark.tasks.base import Task
    from benchmark.training.trainer import Trainer


@dataclass(frozen=True)
class Ablation:
    """One setting of one method, and the values to give it one after the other."""

    method: str
    setting: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class Experiment:
    """What to run. Tasks, fingerprints, channels and detectors go by their yaml keys.

    Attributes:
        channels: the first is the one that headlines, curves and ablations are about.
    """

    name: str
    question: Question
    tasks: Mapping[str, Task]
    recipes: tuple[Recipe, ...]
    fingerprints: Mapping[str, Fingerprint]
    channels: Mapping[str, Channel]
    surrogate: tuple[Suspect, ...]
    reference: tuple[Suspect, ...]
    trainer: Trainer
    count: int
    repeats: int
    repeat_zoo: bool
    gallery: int
    degraded: float
    detectors: Mapping[str, Detector] = field(default_factory=dict)
    ablations: tuple[Ablation, ...] = ()
    ablation_counts: tuple[int, ...] = ()
    ablation_repeats: int = 0

    @property
    def channel(self) -> str:
        """The channel that headlines, curves and ablations are about."""
        return next(iter(self.channels))

    def replicate(self, repeat: int) -> int:
        """Which of the owner's replicates a repeat judges: one of its own with `repeat_zoo`, else always the first."""
        return repeat if self.repeat_zoo else 0

    def is_positive(self, suspect: Suspect) -> bool:
        """Whether the answer to the experiment's question is yes for the models of this recipe."""
        return suspect.relation in self.question.positive

    def inapplicable(self, suspect: Suspect, task: Task) -> str:
        """Why there is no such suspect on a task, or an empty text: a leak takes a method that applies to it."""
        leaked = self.fingerprints[suspect.leaks].inapplicable(task) if suspect.leaks else ""
        return (
            self.question.inapplicable(suspect.relation)
            or suspect.inapplicable(task)
            or (f"needs prints of {suspect.leaks}: {leaked}" if leaked else "")
        )


def read(config: Mapping[str, Any]) -> Experiment:
    """The experiment that a composed configuration (plain dicts and lists) describes.

    Raises:
        InputError: names the yaml key that is wrong and what would be right.
    """
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", str(config["name"])):
        raise InputError(f"name: wants letters, digits, '_', '-' and '.', for a folder's name, got {config['name']!r}")
    plug_in(config.get("plugins") or [])
    experiment = Experiment(
        name=str(config["name"]),
        question=_question(config),
        tasks=_components(config, "task"),
        recipes=recipes_of(dict(_chosen(config, "suspect"))),
        fingerprints=_components(config, "fingerprint"),
        channels=_components(config, "channel"),
        detectors=_components(config, "detector", optional=True),
        surrogate=_auxiliary(config, "surrogate"),
        reference=_auxiliary(config, "reference"),
        trainer=built(config["trainer"], "trainer", "trainer"),
        count=_number(config, "count", low=1),
        repeats=_number(config, "repeats", low=1),
        repeat_zoo=_flag(config, "repeat_zoo"),
        gallery=_number(config, "gallery", low=0),
        degraded=_points(config, "degraded"),
        ablations=_ablations(config["ablation"].get("settings") or {}),
        ablation_counts=_counts(config),
        ablation_repeats=_number(config["ablation"], "repeats", low=0, path="ablation.repeats"),
    )
    _check(experiment)
    return experiment


def _question(config: Mapping[str, Any]) -> Question:
    name = config["question"]
    if name not in QUESTIONS:
        raise InputError(f"question: {name!r} is none of {', '.join(QUESTIONS)}")
    return QUESTIONS[name]


def _components(config: Mapping[str, Any], group: str, *, optional: bool = False) -> dict[str, Any]:
    found = {name: built(node, group, f"{group}.{name}") for name, node in _chosen(config, group)}
    if not found and not optional:
        raise InputError(f"{group}: the experiment has none, name at least one of conf/{group}/, e.g. '{group}=[...]'")
    return found


def _chosen(config: Mapping[str, Any], group: str) -> Iterator[tuple[str, Any]]:
    """The nodes of a group, less those that are nothing but an experiment's settings for a yaml that was not chosen."""
    for name, node in (config.get(group) or {}).items():
        settings_only = isinstance(node, Mapping) and "_target_" not in node
        if not (settings_only and (CONF / group / f"{name}.yaml").is_file()):
            yield name, node


def _auxiliary(config: Mapping[str, Any], role: str) -> tuple[Suspect, ...]:
    nodes, path = config["auxiliary"][role], f"auxiliary.{role}"
    if not isinstance(nodes, list) or not nodes:
        raise InputError(f"{path}: wants a list with at least one recipe")
    suspects = tuple(built(node, "suspect", f"{path}[{i}]") for i, node in enumerate(nodes))
    for i, suspect in enumerate(suspects):
        if suspect.leaks:
            raise InputError(
                f"{path}[{i}]: prints are made with auxiliary models, so these cannot come of leaked prints"
            )
    return suspects


def _number(config: Mapping[str, Any], key: str, low: int, path: str = "") -> int:
    value = config[key]
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise InputError(f"{path or key}: wants a whole number >= {low}, got {value!r}")
    return value


def _counts(config: Mapping[str, Any]) -> tuple[int, ...]:
    """The numbers of prints to look at, those beyond what the experiment makes left out."""
    counts = config["ablation"].get("counts") or []
    if not isinstance(counts, list) or not all(type(count) is int and count >= 1 for count in counts):
        raise InputError(f"ablation.counts: wants a list of whole numbers >= 1, got {counts!r}")
    return tuple(count for count in counts if count <= config["count"])


def _points(config: Mapping[str, Any], key: str) -> float:
    value = config[key]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise InputError(f"{key}: wants a number >= 0, got {value!r}")
    return float(value)


def _flag(config: Mapping[str, Any], key: str) -> bool:
    if not isinstance(config[key], bool):
        raise InputError(f"{key}: wants true or false, got {config[key]!r}")
    return config[key]


def _ablations(nodes: Mapping[str, Any]) -> tuple[Ablation, ...]:
    found = []
    for method, settings in nodes.items():
        for setting, values in (settings or {}).items():
            path = f"ablation.settings.{method}.{setting}"
            if not isinstance(values, list) or not all(isinstance(v, (int, float)) for v in values) or not values:
                raise InputError(f"{path}: wants a list of numbers, got {values!r}")
            found.append(Ablation(method, setting, tuple(float(value) for value in values)))
    return tuple(found)


def _check(experiment: Experiment) -> None:
    for relations, word in _sides(experiment):
        if not any(recipe.suspect.relation in relations for recipe in experiment.recipes):
            raise InputError(f"suspect: the experiment has no {word} suspect, so nothing can be judged; add a recipe")
    labels = [recipe.label for recipe in experiment.recipes]
    for label in labels:
        if labels.count(label) > 1:
            raise InputError(f"suspect.{label.split()[0]}: the suspect «{label}» is listed twice")
    _check_ablations(experiment)
    _check_leaks(experiment)
    _check_data(experiment)
    for name, task in experiment.tasks.items():
        _check_sides(experiment, name, task)
        if hasattr(task, "classes"):
            task.data.expect(task.classes, f"task.{name}.classes")
        sizes = task.data.sizes()
        for method, fingerprint in experiment.fingerprints.items():
            size = sizes[fingerprint.pool]
            if not fingerprint.inapplicable(task) and experiment.count > size:
                raise InputError(
                    f"count: {experiment.count} prints are more than the {size} {fingerprint.pool} images "
                    f"of {name} from which {method} makes them"
                )


def _sides(experiment: Experiment) -> tuple[tuple[frozenset[Relation], str], ...]:
    """The relations on either side of the question, each with its name."""
    question = experiment.question
    return (question.positive, "positive"), (question.negative, "negative")


def _check_leaks(experiment: Experiment) -> None:
    """Prints that a thief has got hold of are prints that the experiment makes."""
    for recipe in experiment.recipes:
        method = recipe.suspect.leaks
        if method and method not in experiment.fingerprints:
            raise InputError(
                f"suspect.{recipe.family}: wants leaked prints of {method!r}, which the experiment does not make; "
                f"add it, e.g. 'fingerprint=[{','.join([*experiment.fingerprints, method])}]', or leave the suspect out"
            )


def _check_data(experiment: Experiment) -> None:
    """What recipes bring along is there."""
    paths = [(f"suspect.{recipe.family}", recipe.suspect) for recipe in experiment.recipes]
    for role, recipes in (("surrogate", experiment.surrogate), ("reference", experiment.reference)):
        paths += [(f"auxiliary.{role}[{i}]", suspect) for i, suspect in enumerate(recipes)]
    for path, suspect in paths:
        try:
            suspect.check_data()
        except InputError as error:
            raise InputError(f"{path}.{error}") from None


def _check_sides(experiment: Experiment, name: str, task: Task) -> None:
    """Each task has suspects on both sides, and auxiliary models of each role."""
    for relations, word in _sides(experiment):
        side = [experiment.inapplicable(r.suspect, task) for r in experiment.recipes if r.suspect.relation in relations]
        if all(side):
            raise InputError(f"suspect: no {word} suspect applies to {name}, so nothing can be judged ({side[0]})")
    for role, recipes in (("surrogate", experiment.surrogate), ("reference", experiment.reference)):
        if all(suspect.inapplicable(task) for suspect in recipes):
            raise InputError(f"auxiliary.{role}: no recipe applies to {name} ({recipes[0].inapplicable(task)})")


def _check_ablations(experiment: Experiment) -> None:
    """Settings that the methods have, and values in their range."""
    for ablation in experiment.ablations:
        path = f"ablation.settings.{ablation.method}"
        if ablation.method not in experiment.fingerprints:
            continue  # a part of the experiment's methods was chosen; the ablation of another waits
        method = experiment.fingerprints[ablation.method]
        known = {field.name for field in dataclasses.fields(method)}
        if ablation.setting not in known:
            hint = near_misses(ablation.setting, known)
            raise InputError(f"{path}.{ablation.setting}: {type(method).__name__} has no such setting, {hint}")
        for value in ablation.values:
            try:
                dataclasses.replace(method, **{ablation.setting: value})
            except InputError as error:
                raise InputError(f"{path}.{error}") from None
