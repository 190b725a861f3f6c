"""Who is at a job: a note that lies in the store while its artefact is built, for whoever waits for the lock meanwhile.

    <store>/making/KEY.json   host, process and time; a killed process leaves it, the next one overwrites it

Notes are for people. Nothing is decided by one but whether a job is worth a process of its own.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmark.store.disk import bytes_of

LONGEST = 2**12  # bytes of a note


@dataclass(frozen=True)
class Maker:
    """A process that builds an artefact, and since when, in local time."""

    host: str
    pid: int
    since: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"


@contextmanager
def noted(root: Path, key: str) -> Iterator[None]:
    """This process is at the job meanwhile. The caller holds the key's lock."""
    note = _note(root, key)
    note.parent.mkdir(exist_ok=True)
    note.unlink(missing_ok=True)  # a link would be followed
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    note.write_text(json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "since": since}), encoding="utf-8")
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def maker(root: Path, key: str) -> Maker | None:
    """Who has noted to be at a job; None if nobody has, or what is there is no such note."""
    with suppress(OSError, ValueError, TypeError, LookupError):
        found = json.loads(bytes_of(_note(root, key), LONGEST))
        return Maker(str(found["host"]), int(found["pid"]), str(found["since"]))
    return None


def abandoned(root: Path) -> set[str]:
    """The keys of jobs that a process of this host was at when it was killed."""
    here = socket.gethostname()
    notes = {path.stem: maker(root, path.stem) for path in (root / "making").glob("*.json")}
    return {key for key, found in notes.items() if found and found.host == here and not _lives(found.pid)}


def holder(root: Path, key: str, pid: int) -> str:
    """Who else than process `pid` of this host holds the job's lock, in words; empty if that is not known of anyone."""
    found = maker(root, key)
    here = socket.gethostname()
    if found and (found.host != here or (found.pid != pid and _lives(found.pid))):
        return str(found)
    if found and found.pid == pid:
        return ""
    holding = _locked_by(root / "locks" / f"{key}.lock")
    return f"process {holding} on {here}" if holding not in (0, pid) else ""


def _note(root: Path, key: str) -> Path:
    return root / "making" / f"{key}.json"


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _locked_by(lock: Path) -> int:
    """The process of this host that has locked a file, 0 if there is none or the kernel does not tell."""
    with suppress(OSError, ValueError):
        number = str(lock.stat().st_ino)
        for line in Path("/proc/locks").read_text().splitlines():
            words = line.split()  # 1: FLOCK ADVISORY WRITE 708 fe:00:1234 0 EOF
            if words[1] == "FLOCK" and words[5].rpartition(":")[2] == number:
                return max(int(words[4]), 0)
    return 0
