"""An experiment out of a composed configuration: components built, ladders spread, all checked before any work."""

from __future__ import annotations

import itertools
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmark.component import Component, build, settings_of
from benchmark.errors import InputError
from benchmark.tasks.base import Task
from benchmark.train import Trainer
from fingerprints.base import Fingerprint
from suspects.base import Suspect


@dataclass(frozen=True)
class Recipe:
    """A suspect to make: its family (the yaml's key), its label in tables, and the recipe."""

    family: str
    label: str
    suspect: Suspect


@dataclass(frozen=True)
class Experiment:
    """What to run. Tasks and fingerprints go by their yaml keys."""

    name: str
    tasks: Mapping[str, Task]
    recipes: tuple[Recipe, ...]
    fingerprints: Mapping[str, Fingerprint]
    surrogate: tuple[Suspect, ...]
    reference: tuple[Suspect, ...]
    trainer: Trainer
    count: int
    repeats: int
    repeat_zoo: bool
    gallery: int
    degraded: float


def read(config: Mapping[str, Any]) -> Experiment:
    """The experiment that a composed configuration (plain dicts and lists) describes.

    Raises:
        InputError: names the yaml key that is wrong and what would be right.
    """
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", str(config["name"])):
        raise InputError(f"name: wants letters, digits, '_', '-' and '.', for a folder's name, got {config['name']!r}")
    experiment = Experiment(
        name=str(config["name"]),
        tasks=_components(config, "task", Task),
        recipes=_recipes(config.get("suspect") or {}),
        fingerprints=_components(config, "fingerprint", Fingerprint),
        surrogate=tuple(_built(config["auxiliary"]["surrogate"], "auxiliary.surrogate")),
        reference=tuple(_built(config["auxiliary"]["reference"], "auxiliary.reference")),
        trainer=build(config["trainer"], "trainer"),
        count=_number(config, "count", low=1),
        repeats=_number(config, "repeats", low=1),
        repeat_zoo=bool(config["repeat_zoo"]),
        gallery=_number(config, "gallery", low=0),
        degraded=float(config["degraded"]),
    )
    _check(experiment)
    return experiment


def _components(config: Mapping[str, Any], group: str, kind: type[Component]) -> dict[str, Any]:
    found = {name: build(node, f"{group}.{name}") for name, node in (config.get(group) or {}).items()}
    for name, component in found.items():
        _expect(component, kind, f"{group}.{name}")
    if not found:
        raise InputError(f"{group}: the experiment has none, name at least one of conf/{group}/, e.g. '{group}=[...]'")
    return found


def _expect(component: Any, kind: type[Component], path: str) -> None:
    if isinstance(component, Mapping):
        raise InputError(f"{path}: has settings but no _target_; choose its yaml, e.g. '{path.replace('.', '=[')}]'")
    if not isinstance(component, kind):
        raise InputError(f"{path}: wants a {kind.__name__.lower()}, got {type(component).__name__}")


def _built(nodes: Any, path: str) -> list[Suspect]:
    if not isinstance(nodes, list) or not nodes:
        raise InputError(f"{path}: wants a list with at least one recipe")
    return [build(node, f"{path}[{i}]") for i, node in enumerate(nodes)]


def _number(config: Mapping[str, Any], key: str, low: int) -> int:
    value = config[key]
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise InputError(f"{key}: wants a whole number >= {low}, got {value!r}")
    return value


def _recipes(nodes: Mapping[str, Any]) -> tuple[Recipe, ...]:
    """All suspects: each list in a recipe's yaml is a ladder, several lists make their product."""
    return tuple(recipe for family, node in nodes.items() for recipe in _ladder(family, node))


def _ladder(family: str, node: Mapping[str, Any]) -> list[Recipe]:
    path = f"suspect.{family}"
    if "_target_" not in node:
        _expect(node, Suspect, path)
    rungs = {key: value for key, value in node.items() if isinstance(value, list) and not _takes_list(node, path, key)}
    for key, values in rungs.items():
        if not values:
            raise InputError(f"{path}.{key}: the list is empty, so there is no suspect; give it one value or more")
    recipes = []
    for rung in itertools.product(*rungs.values()):
        chosen = dict(zip(rungs, rung, strict=True))
        suspect = build({**node, **chosen}, path)
        _expect(suspect, Suspect, path)
        settings = settings_of(suspect)
        label = " ".join([family, *(f"{key}={_short(settings[key])}" for key in chosen)])
        recipes.append(Recipe(family, label, suspect))
    return recipes


def _takes_list(node: Mapping[str, Any], path: str, key: str) -> bool:
    """Whether the component's own field is a list, so that a list in the yaml is its value and no ladder."""
    cls = type(build({"_target_": node["_target_"]}, path))
    return typing.get_origin(typing.get_type_hints(cls).get(key)) is tuple


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _check(experiment: Experiment) -> None:
    for stolen, word in ((True, "stolen"), (False, "independent")):
        if not any(recipe.suspect.stolen == stolen for recipe in experiment.recipes):
            raise InputError(f"suspect: the experiment has no {word} suspects, so nothing can be judged; add a recipe")
    labels = [recipe.label for recipe in experiment.recipes]
    for label in labels:
        if labels.count(label) > 1:
            raise InputError(f"suspect.{label.split()[0]}: the suspect «{label}» is listed twice")
    for name, task in experiment.tasks.items():
        splits = task.data.load()
        for method, fingerprint in experiment.fingerprints.items():
            size = len(getattr(splits, fingerprint.pool))
            if not fingerprint.inapplicable(task) and experiment.count > size:
                raise InputError(
                    f"count: {experiment.count} prints are more than the {size} {fingerprint.pool} images "
                    f"of {name} from which {method} makes them"
                )
