"""Ablations: one setting of one method at a time takes other values, in jobs that the experiment mostly has anyway."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.plan.prints import PrintsJob
from benchmark.plan.verdicts import MeasureJob

if TYPE_CHECKING:
    from benchmark.plan.experiment import Experiment
    from benchmark.plan.zoo import Zoos


@dataclass(frozen=True)
class Variant:
    """One point of an ablation: a method with one setting changed, in one repeat, measured on victim and suspects."""

    setting: str
    value: float | str
    prints: PrintsJob
    proofs: tuple[MeasureJob, ...]
    measured: tuple[MeasureJob, ...]


def variants(experiment: Experiment, zoos: Zoos, task_name: str, known: Collection[str]) -> Iterator[Variant]:
    """The points of the ablations on a task, through the experiment's first channel.

    Args:
        known: keys of the experiment's own jobs. A setting that only scores anew shares them all; where any of its
            values makes new prints, all of its points are of the first `ablation_repeats` repeats.
    """
    for ablation in experiment.ablations:
        fingerprint = experiment.fingerprints.get(ablation.method)
        if fingerprint is None or fingerprint.inapplicable(experiment.tasks[task_name]):
            continue
        changed = {value: dataclasses.replace(fingerprint, **{ablation.setting: value}) for value in ablation.values}
        points = [
            (value, zoo, zoo.prints(ablation.method, method, repeat, f"{ablation.setting}={value!r}"))
            for value, method in changed.items()
            for zoo in (zoos.of(task_name, victim) for victim in experiment.victims)
            for repeat in range(experiment.repeats)
        ]
        remade = any(prints.key not in known for _, _, prints in points)
        for value, zoo, prints in points:
            if not remade or prints.repeat < experiment.ablation_repeats:
                measured = zoo.measurements(prints, experiment.channel)
                yield Variant(ablation.setting, value, prints, zoo.proofs(prints), measured)
