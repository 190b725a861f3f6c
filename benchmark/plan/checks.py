"""What is checked of an experiment before any work: each mistake is one line that names the yaml key."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

from benchmark.contracts.truth import Relation
from benchmark.errors import InputError, near_misses
from benchmark.spec.component import spec_of
from benchmark.spec.identity import canonical

if TYPE_CHECKING:
    from benchmark.contracts.suspect import Suspect
    from benchmark.plan.experiment import Experiment
    from benchmark.tasks.base import Task


def check(experiment: Experiment) -> None:
    """Checks that the parts of an experiment fit one another.

    Raises:
        InputError: names the yaml key that is wrong and what would be right.
    """
    for relations, word in _sides(experiment):
        if not any(recipe.suspect.relation in relations for recipe in experiment.recipes):
            asked = " or ".join(sorted(relations))
            raise InputError(f"suspect: there is no {word} suspect, so nothing can be judged; add one ({asked})")
    labels = [recipe.label for recipe in experiment.recipes]
    for label in labels:
        if labels.count(label) > 1:
            raise InputError(f"suspect.{label.split()[0]}: the suspect «{label}» is listed twice")
    if "victim" in {recipe.family for recipe in experiment.recipes}:
        raise InputError("suspect.victim: the victim is no suspect, call it otherwise")
    _check_channels(experiment)
    _check_ablations(experiment)
    _check_leaks(experiment)
    _check_data(experiment)
    _check_helpers(experiment)
    _check_accusation(experiment)
    for name, task in experiment.tasks.items():
        _check_start(task, f"task.{name}.architecture")
        _check_sides(experiment, name, task)
        try:
            sizes = task.data.sizes()
        except InputError as error:
            raise InputError(f"task.{name}.data: {error}") from None
        if hasattr(task, "classes"):
            task.data.expect(task.classes, f"task.{name}.classes")
        for method, fingerprint in experiment.fingerprints.items():
            for way, verifier in fingerprint.verifiers(task).items():
                if not verifier.access:
                    raise InputError(f"fingerprint.{method}: its verifier {way} does not say what `access` it wants")
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


def _check_channels(experiment: Experiment) -> None:
    """Each differs from the others, or what was measured through one would stand for both."""
    known: dict[str, str] = {}
    for name, channel in experiment.channels.items():
        other = known.setdefault(canonical(spec_of(channel, "measure")), name)
        if other != name:
            raise InputError(f"channel.{name}: is the same as {other}, leave one of them out")


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


def _check_start(task: Task, path: str) -> None:
    """The file that a network's training starts from, if any, can be read."""
    try:
        task.architecture.content()
    except InputError as error:
        raise InputError(f"{path}.{error}") from None


def _check_helpers(experiment: Experiment) -> None:
    """No model that calibrates a method is a judged one: where chance has no part, the same recipe makes the same."""
    judged = {_without_seed(recipe.suspect): recipe.label for recipe in experiment.recipes}
    for role, recipes in (("surrogate", experiment.surrogate), ("reference", experiment.reference)):
        for i, suspect in enumerate(recipes):
            label = "" if suspect.seeded else judged.get(_without_seed(suspect), "")
            if label:
                raise InputError(
                    f"auxiliary.{role}[{i}]: makes the very model that is judged as «{label}», for chance has no part "
                    "in its recipe; change one of its settings"
                )


def _without_seed(suspect: Suspect) -> str:
    """The recipe without the number that tells models of other seeds apart."""
    return canonical(spec_of(dataclasses.replace(suspect, replicate=0)))


def _check_accusation(experiment: Experiment) -> None:
    """There are as many references as the rate takes, or none at all."""
    references, rate = experiment.accusation.references, experiment.accusation.rate
    least = math.ceil(1 / rate - 1 - 1e-9)
    if 0 < references < least:
        raise InputError(
            f"accusation.references: {references} set no threshold at a rate of {rate:g}, which takes {least} or more; "
            "0 for none"
        )


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
