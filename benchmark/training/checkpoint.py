"""The state of a long training after an epoch: a job that was killed goes on from there, to the same bits.

A file is what torch saves and behind it a seal, which torch does not mind.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import torch

from benchmark.store.disk import one_line, opened, unusable
from benchmark.store.manifest import sync

SEAL = 64  # bytes
_log = logging.getLogger(__name__)


class Checkpoints:
    """The trainings of one job in the order in which the job runs them, a file each.

    Args:
        folder: where the files go; made when there is something to save.
        every: seconds between saves; what is faster than that leaves no file.
        title: what the job is called, where a training tells of itself.
    """

    def __init__(self, folder: Path, every: float, title: str = "") -> None:
        self.folder, self.every, self.title = folder, every, title
        self.root = folder.parents[1]
        self._begun, self._saved = 0, time.monotonic()

    def begin(self) -> Checkpoint:
        """The place of the next training.

        Raises:
            StoreError: the folder is a link, which leads to nothing of this job's, and cannot be removed.
        """
        self._begun += 1
        if self.folder.is_symlink():
            self.drop(self.folder, "is a link")
        return Checkpoint(self, self.folder / f"{self._begun}.pt")

    def due(self) -> bool:
        """Whether the last save is long enough ago."""
        return time.monotonic() - self._saved >= self.every

    def save(self, path: Path, state: dict[str, Any]) -> None:
        """Puts the state in the file's place at once or not at all, its seal behind it.

        Raises:
            StoreError: the file cannot be written.
        """
        with one_line(self.root):
            self.folder.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(".tmp")
            draft.unlink(missing_ok=True)
            with draft.open("x+b") as file:
                torch.save(state, file)
                size = file.tell()
                file.seek(0)
                file.write(_seal(file, size, path))
            sync(draft)
            os.replace(draft, path)
        self._saved = time.monotonic()

    def drop(self, path: Path, fault: str) -> None:
        """Removes what is of no use, with a warning.

        Raises:
            StoreError: it cannot be removed.
        """
        _log.warning("saved training %s is dropped (%s): %s starts over", path, fault, self.title or "it")
        with one_line(self.root):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    def clear(self) -> None:
        """Removes what was saved: the job is done, or failed by itself."""
        shutil.rmtree(self.folder, ignore_errors=True)


class Checkpoint:
    """One training's state: network, optimiser, schedule and random generators, all as after a whole epoch."""

    def __init__(self, among: Checkpoints, path: Path) -> None:
        self._among, self._path = among, path

    def load(self) -> dict[str, Any] | None:
        """What was saved last, None if nothing was. Tensors and plain values only: no code is unpickled.

        What is no longer as it was saved is dropped with a warning, and the training starts over.

        Raises:
            StoreError: this user may not read it, or it cannot be removed.
        """
        try:
            state, fault = _read(self._path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except PermissionError as error:
            raise unusable(self._among.root, error) from error
        except OSError as error:
            state, fault = None, error.strerror or str(error)
        if fault:
            self._among.drop(self._path, fault)
        return state

    def offer(self, state: Callable[[], dict[str, Any]]) -> None:
        """Saves what `state` returns if a save is due; it is not called otherwise."""
        if self._among.due():
            self._among.save(self._path, state())


def _read(path: Path) -> tuple[dict[str, Any] | None, str]:
    """The state in a file, and what is wrong with the file."""
    with opened(path) as file, warnings.catch_warnings():
        if not _is_sealed(file, path):
            return None, "is not as it was saved"
        warnings.simplefilter("ignore")  # torch's advice on what it then refuses
        try:
            found = torch.load(file, map_location="cpu", weights_only=True)
        except (OSError, MemoryError):
            raise
        except Exception:  # torch has no one error for a file sealed by somebody who wanted something else to happen
            found = None
    return (found, "") if isinstance(found, dict) else (None, "holds something else than tensors and plain values")


def _is_sealed(file: BinaryIO, path: Path) -> bool:
    """Whether a file is as it was saved. What does not even end in a seal is not read: it may have no end."""
    size = os.fstat(file.fileno()).st_size - SEAL
    file.seek(max(size, 0))
    seal = file.read()
    file.seek(0)
    found = re.fullmatch(b"[0-9a-f]+", seal) is not None and seal == _seal(file, size, path)
    file.seek(0)
    return found


def _seal(file: BinaryIO, size: int, path: Path) -> bytes:
    """SHA-256 of the next `size` bytes of a file and of what they are: the place among the job's trainings, its key."""
    digest = hashlib.sha256(f"{path.parent.name}/{path.name}\n".encode())
    while size > 0 and (block := file.read(min(size, 2**20))):
        digest.update(block)
        size -= len(block)
    return digest.hexdigest().encode()
