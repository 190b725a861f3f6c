"""`whosenet status [EXPERIMENT] [overrides]`: what of an experiment is done, failed or missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from benchmark.run.slurm.queue import Queue
from benchmark.run.standing import FAILED, LOST, STATES, Standing, standings
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
    causes = [each for each in found if each.note and not each.note.startswith("needs «")]
    return text + [f"{each.state}: {each.job.title}: {each.note}" for each in causes]


def show(config: dict[str, Any]) -> int:
    """Prints how a composed configuration stands; returns the exit code: 1 if anything failed or was lost."""
    from benchmark.paths import ROOT
    from benchmark.plan.plan import plan
    from benchmark.plan.reading import read

    jobs, store = plan(read(config)).jobs, Store(ROOT / config["store"])
    found = standings(jobs, store, Queue(store.root))
    print(f"{config['name']}: {len(jobs)} jobs, store {store.root}")
    print("\n".join(lines(found)))
    return int(any(each.state in (FAILED, LOST) for each in found))


def main(arguments: Sequence[str]) -> int:
    """Composes the configuration as `whosenet run` would, and shows how it stands; a bare word is an experiment."""
    from benchmark.cli.mistakes import mended
    from benchmark.cli.overrides import composed

    overrides = [f"experiment={word}" if "=" not in word else word for word in arguments]
    with mended(overrides):
        return show(composed(*overrides))
