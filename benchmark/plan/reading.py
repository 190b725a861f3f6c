"""An experiment out of a composed configuration: components built, ladders spread, all checked before any work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from benchmark.contracts.truth import QUESTIONS, Question
from benchmark.errors import InputError, near_misses
from benchmark.paths import CONF
from benchmark.plan.checks import check
from benchmark.plan.every import with_every
from benchmark.plan.experiment import Ablation, Accusation, Blind, Degraded, Experiment, Proof
from benchmark.plan.recipes import recipes_of
from benchmark.plan.values import at, check_keys, flag, mapping, number, points, share, usable_name, words
from benchmark.spec.build import built
from benchmark.spec.names import plug_in

if TYPE_CHECKING:
    from benchmark.contracts.suspect import Suspect

COUNTED = 10**9  # what is no number of jobs, such as prints, is held against the data


def read(config: Mapping[str, Any]) -> Experiment:
    """The experiment that a composed configuration (plain dicts and lists) describes.

    Raises:
        InputError: names the yaml key that is wrong and what would be right.
    """
    check_keys(config)
    name = usable_name(at(config, "name"), "name")
    plug_in(words(config, "plugins", "modules"))
    headline = words(config, "headline", "methods")  # of which the report makes use
    config = with_every(config)
    experiment = Experiment(
        name=name,
        question=_question(config),
        tasks=_components(config, "task"),
        recipes=recipes_of(dict(_chosen(config, "suspect"))),
        fingerprints=_components(config, "fingerprint"),
        channels=_components(config, "channel"),
        detectors=_components(config, "detector", optional=True),
        surrogate=_auxiliary(config, "surrogate"),
        reference=_auxiliary(config, "reference"),
        trainer=built(at(config, "trainer"), "trainer", "trainer"),
        count=number(config, "count", low=1, high=COUNTED),
        victims=_victims(config),
        repeats=number(config, "repeats", low=1),
        proof=Proof(flag(config, "proof.drop"), number(config, "proof.rounds", low=0)),
        accusation=Accusation(number(config, "accusation.references", low=0), share(config, "accusation.rate")),
        gallery=number(config, "gallery", low=0),
        degraded=Degraded(points(config, "degraded.points"), points(config, "degraded.skill")),
        blind=Blind(share(config, "blind.level"), flag(config, "blind.victims")),
        ablations=_ablations(config),
        ablation_counts=_counts(config),
        ablation_repeats=number(config, "ablation.repeats", low=0),
    )
    for path, methods in (
        ("headline", headline),
        ("ablation.settings", [each.method for each in experiment.ablations]),
    ):
        _check_methods(experiment, methods, path)
    check(experiment)
    return experiment


def _check_methods(experiment: Experiment, methods: Iterable[str], path: str) -> None:
    """A method may wait for a run that chooses it, but there has to be one of that name."""
    known = {*experiment.fingerprints, *(yaml.stem for yaml in (CONF / "fingerprint").glob("*.yaml"))}
    for method in methods:
        if method not in known:
            raise InputError(f"{path}: there is no method {method!r}, {near_misses(method, known)}")


def _question(config: Mapping[str, Any]) -> Question:
    name = at(config, "question")
    if not isinstance(name, str) or name not in QUESTIONS:
        raise InputError(f"question: {name!r} is none of {', '.join(QUESTIONS)}")
    return QUESTIONS[name]


def _components(config: Mapping[str, Any], group: str, *, optional: bool = False) -> dict[str, Any]:
    found = {name: built(node, group, f"{group}.{name}") for name, node in _chosen(config, group)}
    if not found and not optional:
        raise InputError(f"{group}: the experiment has none, name at least one of conf/{group}/, e.g. '{group}=[...]'")
    return found


def _chosen(config: Mapping[str, Any], group: str) -> Iterator[tuple[str, Any]]:
    """The nodes of a group, less those that are nothing but an experiment's settings for a yaml that was not chosen."""
    for key, node in mapping(config, group, optional=True).items():
        name = usable_name(key, f"{group}.{key}")
        settings_only = isinstance(node, Mapping) and "_target_" not in node
        yaml = CONF / group / f"{name}.yaml"
        if not (settings_only and yaml.is_file() and "_target_" in yaml.read_text(encoding="utf-8")):
            yield name, node


def _auxiliary(config: Mapping[str, Any], role: str) -> tuple[Suspect, ...]:
    nodes, path = at(config, f"auxiliary.{role}"), f"auxiliary.{role}"
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
    first = number(config, "first_victim", low=0, high=COUNTED)
    return range(first, first + number(config, "victims", low=1))


def _counts(config: Mapping[str, Any]) -> tuple[int, ...]:
    """The numbers of prints to look at, those beyond what the experiment makes left out."""
    counts = at(config, "ablation.counts") or []
    if not isinstance(counts, list) or not all(type(count) is int and count >= 1 for count in counts):
        raise InputError(f"ablation.counts: wants a list of whole numbers >= 1, got {counts!r}")
    return tuple(count for count in counts if count <= config["count"])


def _ablations(config: Mapping[str, Any]) -> tuple[Ablation, ...]:
    found = []
    for method in mapping(config, "ablation.settings", optional=True):
        for setting, values in mapping(config, f"ablation.settings.{method}", optional=True).items():
            path = f"ablation.settings.{method}.{setting}"
            listed = values if isinstance(values, list) else []
            if listed and all(isinstance(value, str) for value in listed):
                found.append(Ablation(method, setting, tuple(listed)))
            elif listed and all(isinstance(value, (int, float)) for value in listed):
                found.append(Ablation(method, setting, tuple(float(value) for value in listed)))
            else:
                raise InputError(f"{path}: wants a list of numbers or a list of words, got {values!r}")
    return tuple(found)
