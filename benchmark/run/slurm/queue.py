"""What was queued for a store, and what has become of it, by squeue: it needs no accounting, as sacct does.

<store>/slurm/UID/                 each user's own, closed to others
<store>/slurm/UID/queued/*.json    one call of sbatch: the experiment, the keys that each task makes, GiB, the array
<store>/slurm/UID/tasks/           submitit's folder: scripts, pickled jobs, ID_0_log.out and ID_0_log.err of each task

The record of a call is there before the call, without the array's number, which is added once all is in place. Slurm
has the record's name as the comment of its tasks. So if a command is killed in between, the next one finds them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from benchmark.errors import InputError
from benchmark.run.slurm.private import make_private
from benchmark.store.manifest import write_json

END_OF_LOG = 2**16  # bytes
STARVED = re.compile(r"^(slurmstepd|srun): .*(oom.?kill|out of memory|exceeded .*memory limit)", re.I | re.M)


@dataclass(frozen=True)
class Call:
    """One call of sbatch.

    Attributes:
        packs: the keys that each task makes.
        memory: GiB of each task.
        array: the number that Slurm gave, empty before it did.
    """

    experiment: str
    packs: Sequence[Sequence[str]]
    memory: float
    array: str = ""

    def tasks(self) -> dict[str, frozenset[str]]:
        """What each task makes, by its id; a single one is no array to Slurm."""
        if len(self.packs) == 1:
            return {self.array: frozenset(self.packs[0])}
        return {f"{self.array}_{number}": frozenset(keys) for number, keys in enumerate(self.packs)}


class Queue:
    """The tasks that any experiment of this user has queued for one store."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "slurm" / str(os.geteuid())
        self._records, self.tasks = self.folder / "queued", self.folder / "tasks"

    def lock(self) -> FileLock:
        """Held while somebody looks at the queue and adds to it.

        Raises:
            InputError: the folder is not this user's alone.
        """
        make_private(self.folder)
        make_private(self.tasks)
        self._records.mkdir(exist_ok=True)
        return FileLock(self.folder / "queue.lock")

    def begin(self, call: Call) -> str:
        """Notes a call that is about to be made; returns the comment that its tasks have to bear."""
        name = f"whosenet-{uuid.uuid4().hex}"
        self._write(name, call)
        return name

    def complete(self, name: str, call: Call) -> None:
        """Notes that all of a call is in place."""
        self._write(name, call)

    def forget(self, name: str) -> None:
        """Drops the record of a call."""
        (self._records / f"{name}.json").unlink(missing_ok=True)

    def _write(self, name: str, call: Call) -> None:
        draft = self._records / f"{name}.tmp"
        write_json(draft, asdict(call))
        os.replace(draft, self._records / f"{name}.json")

    def _calls(self) -> dict[str, Call]:
        return {path.stem: Call(**json.loads(path.read_bytes())) for path in self._records.glob("*.json")}

    def calls(self) -> list[Call]:
        """The calls that were made, those included whose tasks have ended, in the order of their submission."""
        return sorted((call for call in self._calls().values() if call.array), key=lambda call: int(call.array))

    def queued(self) -> dict[str, frozenset[str]]:
        """The keys that each task was queued for, the ended ones included, in the order of their submission."""
        return {task: keys for call in self.calls() for task, keys in call.tasks().items()}

    def newest(self) -> dict[str, tuple[str, float]]:
        """The task that each key was queued for last, and its GiB."""
        return {
            key: (task, call.memory) for call in self.calls() for task, keys in call.tasks().items() for key in keys
        }

    def take_back(self) -> int:
        """Cancels what a killed command had queued without getting all of it into place; returns how many calls."""
        halves = [name for name, call in self._calls().items() if not call.array]
        known = commented() if halves else {}
        for name in halves:
            if name in known:
                ask("scancel", known[name])
            self.forget(name)
        return sum(name in known for name in halves)

    def tidy(self, done: Callable[[str], bool]) -> None:
        """Forgets the calls of which everything is done."""
        for name, call in self._calls().items():
            if call.array and all(done(key) for keys in call.packs for key in keys):
                self.forget(name)

    def log(self, task: str) -> Path:
        """Where a task's output goes; tracebacks are in the .err beside it."""
        return self.tasks / f"{task}_0_log.out"


def starved(log: Path) -> bool:
    """Whether Slurm says, where a task's errors go, that it was killed for want of memory."""
    try:
        with log.with_suffix(".err").open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - END_OF_LOG, 0))
            return bool(STARVED.search(file.read().decode(errors="replace")))
    except OSError:
        return False


def states() -> dict[str, str]:
    """Slurm's word (PENDING, RUNNING, ...) for each of the user's tasks that have not ended; array tasks one by one.

    Raises:
        InputError: Slurm does not answer.
    """
    listed = ask("squeue", "--me", "--noheader", "--array", "--format=%i|%T")
    return dict(line.split("|", 1) for line in listed.split() if line)


def commented() -> dict[str, str]:
    """The number of each of the user's arrays that have not ended, by its comment."""
    listed = ask("squeue", "--me", "--noheader", "--format=%F|%k")
    return {comment: array for array, _, comment in (line.strip().partition("|") for line in listed.splitlines())}


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
        raise InputError(
            f"executor: {command[0]} failed ({reason}); is Slurm up? Otherwise set executor=local"
        ) from None
