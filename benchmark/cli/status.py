"""`whosenet status [EXPERIMENT] [overrides]`: what of an experiment is done, failed or missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.cli.request import split, store_of
from benchmark.errors import InputError
from benchmark.run.progress import READING, doing
from benchmark.run.slurm.queue import Queue
from benchmark.run.standing import FAILED, LOST, STATES, Standing, causes, standings
from benchmark.store.artefacts import Store


def lines(found: Sequence[Standing]) -> list[str]:
    """A table of counts by kind of job, then each job that failed or was lost by itself, with its reason."""
    kinds = list(dict.fromkeys(each.job.kind for each in found))
    counts = Counter((each.job.kind, each.state) for each in found)
    table = [["", *STATES]]
    table += [[kind, *(str(counts[kind, state]) for state in STATES)] for kind in kinds]
    table.append(["all", *(str(sum(counts[kind, state] for kind in kinds)) for state in STATES)])
    width = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    text = [
        "  ".join(cell.rjust(w) if i else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, width, strict=True)))
        for row in table
    ]
    return text + causes(found)


def show(config: Mapping[str, Any]) -> int:
    """Prints how a composed configuration stands; returns the exit code: 1 if anything failed or was lost.

    Raises:
        InputError: something in the configuration or the store has to be mended by the user.
    """
    from benchmark.plan.plan import plan
    from benchmark.plan.reading import read

    folder = store_of(config)
    with doing("reading the experiment and its data", READING):
        experiment = read(config)
    with doing("planning"):
        jobs = plan(experiment).jobs
    store = Store(folder)
    with doing("looking through the store"):
        found = standings(jobs, store, Queue(store.root))
    print(f"{experiment.name}: {len(jobs)} jobs, store {store.root}")
    print("\n".join(lines(found)))
    return int(any(each.state in (FAILED, LOST) for each in found))


def main(arguments: Sequence[str]) -> int:
    """Composes the configuration as `whosenet run` would, and shows how it stands; a bare word is an experiment."""
    from benchmark.cli.mistakes import mended
    from benchmark.cli.overrides import composed

    with mended():
        names, overrides = split("status", arguments)
        if len(names) > 1:
            raise InputError(f"status: wants one experiment, got {' '.join(names)}; ask for one after the other")
        return show(composed(*(f"experiment={name}" for name in names), *overrides))
