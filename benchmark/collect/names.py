"""What readers call the methods, families and detectors of an experiment, for the manifest."""

from __future__ import annotations

from collections.abc import Mapping

from benchmark.plan.experiment import Experiment
from benchmark.spec.component import Component, name_of

Names = dict[str, dict[str, str]]


def names(experiment: Experiment) -> Names:
    """By group (`methods`, `families`, `detectors`) the names of those keys that have another than themselves.

    A method with one of its verifiers goes by `fingerprint verifier`.
    """
    methods: dict[str, str] = {}
    for key, fingerprint in experiment.fingerprints.items():
        methods |= _named(key, fingerprint)
        for verifier, display in vars(type(fingerprint)).get("displays", {}).items():
            spoken = _named(key, fingerprint, display)
            methods |= {f"{key} {verifier}": name for name in spoken.values()}
    families: dict[str, str] = {}
    for recipe in experiment.recipes:
        families |= _named(recipe.family, recipe.suspect)
    return {"methods": methods, "families": families, "detectors": _all(experiment.detectors)}


def _all(components: Mapping[str, Component]) -> dict[str, str]:
    named: dict[str, str] = {}
    for key, component in components.items():
        named |= _named(key, component)
    return named


def _named(key: str, component: Component, display: str = "") -> dict[str, str]:
    """The key with `display` or else the class's own name (an inherited one is another's), or nothing without one.

    The class's name stands for a key that is the component's own; `NAME_other`, which an experiment calls another
    setting of the same class, is "Name (other)"; a key of the experiment's own speaks for itself.
    """
    own = name_of(component).partition("/")[2]
    display = display or vars(type(component)).get("display", "")
    if display and key == own:
        return {key: display}
    if display and key.startswith(f"{own}_"):
        return {key: f"{display} ({key.removeprefix(f'{own}_').replace('_', ' ')})"}
    return {}
