"""Suspects out of a composed configuration: ladders spread, names of other suspects filled in."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmark.errors import InputError, near_misses
from benchmark.spec.build import built, list_settings
from benchmark.spec.component import settings_of

if TYPE_CHECKING:
    from benchmark.contracts.suspect import Suspect


@dataclass(frozen=True)
class Recipe:
    """A suspect to make: its family (the yaml's key), its label in tables, and the recipe."""

    family: str
    label: str
    suspect: Suspect


def recipes_of(nodes: Mapping[str, Any]) -> tuple[Recipe, ...]:
    """All suspects: each list in a recipe's yaml is a ladder, several lists make their product.

    A recipe with `steps` may name them, by the label or the family of another suspect of the experiment.
    """
    named = {family for family, node in nodes.items() if any(isinstance(step, str) for step in _steps(node))}
    known = {family: _ladder(family, node) for family, node in nodes.items() if family not in named}
    suspects = [recipe for recipes in known.values() for recipe in recipes]
    for family in named:
        steps = [_step(step, suspects, f"suspect.{family}.steps") for step in _steps(nodes[family])]
        known[family] = _ladder(family, {**nodes[family], "steps": steps})
    return tuple(recipe for family in nodes for recipe in known[family])


def _steps(node: Any) -> list[Any]:
    steps = node.get("steps") if isinstance(node, Mapping) else None
    return steps if isinstance(steps, list) else []


def _step(step: Any, suspects: list[Recipe], path: str) -> Any:
    """The suspect that a step names; a step that is no name stays as it is."""
    if not isinstance(step, str):
        return step
    found = [recipe for recipe in suspects if step in (recipe.label, recipe.family)]
    if len(found) == 1:
        return found[0].suspect
    if found:
        raise InputError(f"{path}: {step!r} is several suspects, name one: {', '.join(r.label for r in found)}")
    raise InputError(
        f"{path}: {step!r} is no suspect of the experiment, {near_misses(step, [r.label for r in suspects])}"
    )


def _ladder(family: str, node: Any) -> list[Recipe]:
    path = f"suspect.{family}"
    if not isinstance(node, Mapping) or "_target_" not in node:
        built(node, "suspect", path)
    lists = list_settings(node["_target_"], path)
    rungs = {key: value for key, value in node.items() if isinstance(value, list) and key not in lists}
    for key, values in rungs.items():
        if not values:
            raise InputError(f"{path}.{key}: the list is empty, so there is no suspect; give it one value or more")
    recipes = []
    for rung in itertools.product(*rungs.values()):
        chosen = dict(zip(rungs, rung, strict=True))
        suspect = built({**node, **chosen}, "suspect", path)
        settings = settings_of(suspect)
        label = " ".join([family, *(f"{key}={_short(settings.get(key, chosen[key]))}" for key in chosen)])
        recipes.append(Recipe(family, label, suspect))
    return recipes


def _short(value: Any) -> str:
    if isinstance(value, Mapping):  # the spec of a component, which may have a name of its own
        return str(value["settings"].get("name", value["name"].rpartition("/")[2]))
    return f"{value:g}" if isinstance(value, float) else str(value)
