"""An experiment out of a composed configuration: components built, ladders spread, all checked before any work."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from benchmark.contracts.truth import QUESTIONS, Question
from benchmark.errors import InputError
from benchmark.paths import CONF
from benchmark.plan.checks import check
from benchmark.plan.every import with_every
from benchmark.plan.experiment import Ablation, Accusation, Blind, Degraded, Experiment, Proof
from benchmark.plan.recipes import recipes_of
from benchmark.spec.build import built
from benchmark.spec.names import plug_in

if TYPE_CHECKING:
    from benchmark.contracts.suspect import Suspect


def read(config: Mapping[str, Any]) -> Experiment:
    """The experiment that a composed configuration (plain dicts and lists) describes.

    Raises:
        InputError: names the yaml key that is wrong and what would be right.
    """
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", str(config["name"])):
        raise InputError(f"name: wants letters, digits, '_', '-' and '.', for a folder's name, got {config['name']!r}")
    plug_in(_words(config, "plugins", "modules"))
    _words(config, "headline", "methods")  # of which the report makes use
    config = with_every(config)
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
        victims=_victims(config),
        repeats=_number(config, "repeats", low=1),
        proof=Proof(_flag(config, "proof.drop"), _number(config, "proof.rounds", low=0)),
        accusation=Accusation(_number(config, "accusation.references", low=0), _share(config, "accusation.rate")),
        gallery=_number(config, "gallery", low=0),
        degraded=Degraded(_points(config, "degraded.points"), _points(config, "degraded.skill")),
        blind=Blind(_share(config, "blind.level"), _flag(config, "blind.victims")),
        ablations=_ablations(config["ablation"].get("settings") or {}),
        ablation_counts=_counts(config),
        ablation_repeats=_number(config, "ablation.repeats", low=0),
    )
    check(experiment)
    return experiment


def _words(config: Mapping[str, Any], key: str, what: str) -> list[str]:
    words = config.get(key) or []
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise InputError(f"{key}: wants a list of {what}, got {words!r}")
    return words


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
        yaml = CONF / group / f"{name}.yaml"
        if not (settings_only and yaml.is_file() and "_target_" in yaml.read_text(encoding="utf-8")):
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


def _victims(config: Mapping[str, Any]) -> range:
    first = _number(config, "first_victim", low=0)
    return range(first, first + _number(config, "victims", low=1))


def _at(config: Mapping[str, Any], path: str) -> Any:
    """What the configuration has at a path such as `proof.rounds`."""
    value: Any = config
    for key in path.split("."):
        if not isinstance(value, Mapping):
            raise InputError(f"{path.rpartition('.')[0]}: wants settings of its own, got {value!r}")
        value = value.get(key)
    return value


def _number(config: Mapping[str, Any], path: str, low: int) -> int:
    value = _at(config, path)
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise InputError(f"{path}: wants a whole number >= {low}, got {value!r}")
    return value


def _counts(config: Mapping[str, Any]) -> tuple[int, ...]:
    """The numbers of prints to look at, those beyond what the experiment makes left out."""
    counts = config["ablation"].get("counts") or []
    if not isinstance(counts, list) or not all(type(count) is int and count >= 1 for count in counts):
        raise InputError(f"ablation.counts: wants a list of whole numbers >= 1, got {counts!r}")
    return tuple(count for count in counts if count <= config["count"])


def _points(config: Mapping[str, Any], path: str) -> float:
    value = _at(config, path)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise InputError(f"{path}: wants a number >= 0, got {value!r}")
    return float(value)


def _share(config: Mapping[str, Any], path: str) -> float:
    value = _points(config, path)
    if not 0 < value < 1:
        raise InputError(f"{path}: wants a share between 0 and 1, got {value!r}")
    return value


def _flag(config: Mapping[str, Any], path: str) -> bool:
    value = _at(config, path)
    if not isinstance(value, bool):
        raise InputError(f"{path}: wants true or false, got {value!r}")
    return value


def _ablations(nodes: Mapping[str, Any]) -> tuple[Ablation, ...]:
    found = []
    for method, settings in nodes.items():
        for setting, values in (settings or {}).items():
            path = f"ablation.settings.{method}.{setting}"
            listed = values if isinstance(values, list) else []
            if listed and all(isinstance(value, str) for value in listed):
                found.append(Ablation(method, setting, tuple(listed)))
            elif listed and all(isinstance(value, (int, float)) for value in listed):
                found.append(Ablation(method, setting, tuple(float(value) for value in listed)))
            else:
                raise InputError(f"{path}: wants a list of numbers or a list of words, got {values!r}")
    return tuple(found)
