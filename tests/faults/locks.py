"""Locks left behind by processes that died on another machine, and file systems that have no locks."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.errors import StoreError
from benchmark.paths import ROOT
from benchmark.store.artefacts import Store
from tests.faults import experiment
from tests.faults.artefacts import expected, key, make, within
from tests.faults.tally import Tally, audit, stamps

CHECKOUT = ROOT
SOON = 30.0  # seconds; a lock that blocks does so for ever
CONTENTS = (b"", b"99999\nanother-host\n", b"1\nanother-host\n", b"\x00\xff", b"{}")
LOCKLESS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)

HOLDER = """
import sys, time
from pathlib import Path
from benchmark.store.artefacts import Store
from tests.faults.artefacts import key

def build(folder):
    (folder / "half").write_text("x")
    print("holding", flush=True)
    time.sleep(600)

number = int(sys.argv[2])
Store(sys.argv[1]).make(key(number), {"number": number}, {}, build)
"""


def stale(folder: Path, full: bool) -> Tally:
    """Lock files that name a process of another host, held by nobody; then makers really killed under another name."""
    root, tally = folder / "store", Tally()
    for number, content in enumerate(CONTENTS):
        (root / "locks").mkdir(parents=True, exist_ok=True)
        for name in ("store", key(number)):
            (root / "locks" / f"{name}.lock").write_bytes(content)
        tally += _made_soon(root, number)
    for number in range(len(CONTENTS), len(CONTENTS) + (5 if full else 1)):
        tally += Tally(note=_die_elsewhere(root, number)) + _made_soon(root, number)
    return tally


def stale_run(folder: Path, full: bool) -> Tally:
    """A whole experiment where every job's lock, and the store's own, was left by a process of another host."""
    jobs, sums = experiment.planned(folder).jobs, experiment.expected()
    locks = folder / "store" / "locks"
    locks.mkdir(parents=True)
    for name in ("store", *(job.key for job in jobs)):
        (locks / f"{name}.lock").write_bytes(CONTENTS[1])
    code = within(SOON * 2, lambda: _quit(experiment.command(folder)))
    return Tally(len(jobs) + 1, wrong=int(code != 0)) + audit(folder / "store", sums, {}, must=sums)


def lockless(folder: Path, full: bool) -> Tally:
    """A file system without locks is refused in one line: a marker in their stead would outlive its process."""
    tally, root = Tally(), folder / "store"
    make(Store(root), key(0))
    before, true = stamps(root), fcntl.flock
    for code in LOCKLESS:

        def refuse(handle: int, operation: int, code: int = code) -> None:
            raise OSError(code, os.strerror(code))

        store = Store(root)
        for act in (lambda: Store(root), lambda store=store: make(store, key(1))):  # type: ignore[misc]
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(fcntl, "flock", refuse)
                tally += Tally(1, wrong=int(not _named(act)))
    assert fcntl.flock is true
    make(Store(root), key(1))
    return tally + audit(root, expected([key(0), key(1)]), before, must=[key(1)])


def _named(act: Callable[[], object]) -> bool:
    try:
        act()
    except StoreError as error:
        return "no file locks" in str(error) and "\n" not in str(error)
    return False


def _made_soon(root: Path, number: int) -> Tally:
    before = stamps(root)
    code = within(SOON, lambda: make(Store(root), key(number)))
    sums = expected(key(n) for n in range(number + 1))
    return Tally(1, wrong=int(code != 0)) + audit(root, sums, before, must=[key(number)])


def _quit(code: int) -> None:
    if code:
        raise SystemExit(code)


def _die_elsewhere(root: Path, number: int) -> str:
    """Kills a maker while it holds the lock, under another host's name where this user may take one."""
    command = [sys.executable, "-c", HOLDER, str(root), str(number)]
    elsewhere = ["unshare", "--uts", "sh", "-c", 'hostname another-host && exec "$@"', "sh"]
    allowed = shutil.which("unshare") and subprocess.run([*elsewhere, "true"], capture_output=True).returncode == 0
    holder = subprocess.Popen([*(elsewhere if allowed else []), *command], cwd=CHECKOUT, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    holder.kill()  # exec: the shell has become the maker
    holder.wait()
    return "" if allowed else "killed under this host's name: no right to take another"
