"""Small artefacts whose content follows from their key, processes that make them, and a disk of one's own."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType

from benchmark.spec.identity import key_of
from benchmark.store.artefacts import Artefact, Store

Files = dict[str, bytes]
_specs: dict[str, dict[str, int]] = {}  # of the keys that there were


def key(number: int) -> str:
    """The key of the artefact of this number."""
    spec = {"number": number}
    found = key_of(spec)
    _specs[found] = spec
    return found


def files(key: str, size: int = 6000) -> Files:
    """What the build of a key writes: two files, one of them in a subfolder."""
    stream = b"".join(hashlib.sha256(f"{key} {block}".encode()).digest() for block in range(-(-size // 32)))
    return {"first.bin": stream[:size], "extra/second.txt": key.encode() * 20}


def expected(keys: Iterable[str], size: int = 6000) -> dict[str, dict[str, str]]:
    """SHA-256 of those files, by key."""
    return {
        key: {name: hashlib.sha256(content).hexdigest() for name, content in files(key, size).items()} for key in keys
    }


def make(store: Store, key: str, built: Callable[[str], object] = lambda key: None, size: int = 6000) -> Artefact:
    """Has the store make an artefact; `built` is told its key once it was built here and is complete."""
    calls: list[str] = []

    def build(folder: Path) -> None:
        calls.append(key)
        (folder / "extra").mkdir()
        for name, content in files(key, size).items():
            (folder / name).write_bytes(content)

    artefact = store.make(key, _specs[key], {}, build)
    if calls:
        built(key)
    return artefact


def log_to(path: Path) -> Callable[[str], None]:
    """Appends a line to a file that several processes share."""

    def log(line: str) -> None:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(handle, f"{line}\n".encode())
        os.close(handle)

    return log


def started(work: Callable[[], object]) -> int:
    """Does the work in a child process, which ends with 0, or with 1 after a traceback; its process id."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def ended(child: int) -> int:
    """Waits for a child: 0, 1, or minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def within(seconds: float, work: Callable[[], object]) -> int:
    """How a child that does the work ended, as `ended` tells; it is killed when it takes longer."""
    child, end = started(work), time.monotonic() + seconds
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.01)
    return ended(child)


@contextlib.contextmanager
def said_by(module: ModuleType) -> Iterator[list[str]]:
    """The warnings that a module gives meanwhile."""
    heard: list[str] = []
    listener = logging.Handler()
    listener.emit = lambda record: heard.append(record.getMessage())  # type: ignore[method-assign]
    log = logging.getLogger(module.__name__)
    level = log.level
    log.addHandler(listener)
    log.setLevel(logging.WARNING)
    try:
        yield heard
    finally:
        log.removeHandler(listener)
        log.setLevel(level)


@contextlib.contextmanager
def disk(folder: Path, size: str) -> Iterator[Path | None]:
    """A file system of its own, in memory and of this size ("64k", "nr_inodes=9"); None where this user may not."""
    folder.mkdir()
    option = size if "=" in size else f"size={size}"
    command = ["mount", "-t", "tmpfs", "-o", option, "tmpfs", folder]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)  # lazily: loaded weights may still be mapped


def remount(folder: Path, options: str) -> None:
    """Changes the options of a mounted file system."""
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True, capture_output=True)
