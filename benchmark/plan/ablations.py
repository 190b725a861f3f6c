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
    """One point of an ablation: a method with one setting changed, in one repeat, measured on all suspects."""

    setting: str
    value: float
    prints: PrintsJob
    measured: tuple[MeasureJob, ...]


def variants(experiment: Experiment, zoos: Zoos, task_name: str, known: Collection[str]) -> Iterator[Variant]:
    """The points of the ablations on a task, through the experiment's first channel.

    Args:
        known: keys of the experiment's own jobs. Points that only score anew share them; others are made in the first
            `ablation_repeats` repeats.
    """
    for ablation in experiment.ablations:
        fingerprint = experiment.fingerprints.get(ablation.method)
        if fingerprint is None or fingerprint.inapplicable(experiment.tasks[task_name]):
            continue
        for value in ablation.values:
            changed = dataclasses.replace(fingerprint, **{ablation.setting: value})
            note = f"{ablation.setting}={value!r}"
            for repeat in range(experiment.repeats):
                zoo = zoos.of(task_name, experiment.replicate(repeat))
                prints = zoo.prints(ablation.method, changed, repeat, note)
                if prints.key in known or repeat < experiment.ablation_repeats:
                    _, *measured = zoo.measurements(prints, experiment.channel)
                    yield Variant(ablation.setting, value, prints, tuple(measured))
