"""Measured in a process of its own, for its start or its memory: `python -m tests.speed.alone NAME ARGUMENT`."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any
from unittest import mock

from benchmark.paths import ROOT
from benchmark.store.artefacts import Store

ARRAY = 1001  # tasks of an array, as Slurm has it unless told otherwise


def alone(name: str, argument: str) -> dict[str, float]:
    """What the function of this name measures in a process of its own."""
    command = [sys.executable, "-m", "tests.speed.alone", name, argument]
    return json.loads(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)


def find_all(root: str) -> dict[str, float]:
    """Meets each artefact of a store for the first time."""
    keys = [path.name for path in Path(root).glob("[0-9a-f][0-9a-f]/*")]
    store = Store(root)
    return {"found": sum(store.find(key) is not None for key in keys)}


def plan_and_pack(victims: str) -> dict[str, float]:
    """Plans the digits experiment with so many victims, and queues all of it on no Slurm.

    All is done as for a real queue but sbatch itself and the files of each task, which submitit writes.
    """
    from benchmark.plan.plan import plan
    from benchmark.plan.reading import read
    from benchmark.run.slurm import executor
    from benchmark.run.slurm.queue import Queue
    from tests.builder import composed

    experiment = read(composed("experiment=digits", f"victims={victims}"))
    start = time.perf_counter()
    planned = plan(experiment)
    middle = time.perf_counter()
    sbatch = Sbatch()
    with TemporaryDirectory() as folder, mock.patch.object(executor, "largest_array", lambda: ARRAY):
        queue = Queue(Path(folder))
        with mock.patch.object(executor.Slurm, "submitit", lambda *_: sbatch), queue.lock():
            place: Any = SimpleNamespace(root=Path(folder))
            made = executor._Submission(executor.Slurm(), planned, place, queue, {}).submit(planned.jobs)
    end = time.perf_counter()
    return {
        "jobs": len(planned.jobs),
        "tasks": len(made),
        "arrays": sbatch.calls,
        "planning": middle - start,
        "packing": end - middle,
        "gib": _peak(),
    }


class Sbatch:
    """submitit's executor, but that it queues nothing."""

    def __init__(self) -> None:
        self.calls, self._ids, self._batch = 0, itertools.count(1), list[SimpleNamespace]()

    def update_parameters(self, **_: object) -> None:
        """Takes the settings of an array."""

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Numbers what was submitted inside as one array, or as one task without."""
        self._batch = []
        yield
        self.calls, array = self.calls + 1, next(self._ids)
        for number, task in enumerate(self._batch):
            task.job_id = f"{array}_{number}" if len(self._batch) > 1 else str(array)

    def submit(self, work: object) -> SimpleNamespace:
        """A task without a number yet."""
        self._batch.append(SimpleNamespace(job_id=""))
        return self._batch[-1]


def _peak() -> float:
    """GiB that this process has had at most. Not getrusage's: that counts the starter's, too."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 2**20


if __name__ == "__main__":
    print(json.dumps({"find_all": find_all, "plan_and_pack": plan_and_pack}[sys.argv[1]](sys.argv[2])))
