"""What was queued for a store, and what has become of it, by squeue: it needs no accounting, as sacct does.

<store>/slurm/queued/ID.json   one call of the executor: the experiment, and the keys that each of its tasks makes
<store>/slurm/tasks/           submitit's folder: scripts, pickled jobs, ID_0_log.out and ID_0_log.err of each task
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from filelock import FileLock

from benchmark.errors import InputError
from benchmark.store.manifest import write_json


class Queue:
    """The tasks that any experiment has queued for one store."""

    def __init__(self, root: Path) -> None:
        self._records, self.tasks = root / "slurm" / "queued", root / "slurm" / "tasks"

    def lock(self) -> FileLock:
        """Held while somebody looks at the queue and adds to it."""
        self._records.mkdir(parents=True, exist_ok=True)
        return FileLock(self._records.parent / "queue.lock")

    def add(self, experiment: str, tasks: Mapping[str, Sequence[str]]) -> None:
        """Notes what each task is to make, before it can end."""
        path = self._records / f"{min(tasks)}.json"
        draft = path.with_suffix(".tmp")
        write_json(draft, {"experiment": experiment, "tasks": {name: list(keys) for name, keys in tasks.items()}})
        os.replace(draft, path)

    def queued(self) -> dict[str, frozenset[str]]:
        """The keys that each task was queued for, the ended ones included, in the order of their submission."""
        records = sorted(self._records.glob("*.json"), key=lambda path: _number(path.stem))
        read = (json.loads(path.read_bytes())["tasks"] for path in records)
        return {name: frozenset(keys) for tasks in read for name, keys in tasks.items()}

    def tidy(self, done: Callable[[str], bool]) -> None:
        """Forgets the calls of which everything is done."""
        for path in self._records.glob("*.json"):
            tasks = json.loads(path.read_bytes())["tasks"]
            if all(done(key) for keys in tasks.values() for key in keys):
                path.unlink()

    def log(self, task: str) -> Path:
        """Where a task's output goes; tracebacks are in the .err beside it."""
        return self.tasks / f"{task}_0_log.out"


def _number(task: str) -> tuple[int, ...]:
    return tuple(int(part) for part in task.split("_"))


def states() -> dict[str, str]:
    """Slurm's word (PENDING, RUNNING, ...) for each of the user's tasks that have not ended; array tasks one by one.

    Raises:
        InputError: Slurm does not answer.
    """
    listed = ask("squeue", "--me", "--noheader", "--array", "--format=%i|%T")
    return dict(line.split("|", 1) for line in listed.split() if line)


def largest_array() -> int:
    """How many tasks an array may have here."""
    for line in ask("scontrol", "show", "config").splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "MaxArraySize":
            return int(value)
    return 1001  # Slurm's default


def ask(*command: str) -> str:
    """The output of one of Slurm's commands.

    Raises:
        InputError: there is no such command here, or it failed.
    """
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    except FileNotFoundError:
        raise InputError(f"executor: no {command[0]} here; run on a host of Slurm's or set executor=local") from None
    except subprocess.SubprocessError as error:
        reason = " ".join(str(getattr(error, "stderr", None) or error).split())
        raise InputError(f"executor: {command[0]} failed ({reason}); is Slurm up?") from None
