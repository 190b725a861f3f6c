"""The state of a long training after an epoch: a job that was killed goes on from there, to the same bits."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmark.store.manifest import sync


class Checkpoints:
    """The trainings of one job in the order in which the job runs them, a file each.

    Args:
        folder: where the files go; made when there is something to save.
        every: seconds between saves; what is faster than that leaves no file.
        title: what the job is called, where a training tells of itself.
    """

    def __init__(self, folder: Path, every: float, title: str = "") -> None:
        self.folder, self.every, self.title = folder, every, title
        self._begun, self._saved = 0, time.monotonic()

    def begin(self) -> Checkpoint:
        """The place of the next training."""
        self._begun += 1
        return Checkpoint(self, self.folder / f"{self._begun}.pt")

    def due(self) -> bool:
        """Whether the last save is long enough ago."""
        return time.monotonic() - self._saved >= self.every

    def save(self, path: Path, state: dict[str, Any]) -> None:
        """Puts the state in the file's place at once or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".tmp")
        torch.save(state, draft)
        sync(draft)
        os.replace(draft, path)
        self._saved = time.monotonic()

    def clear(self) -> None:
        """Removes what was saved: the job is done, or failed by itself."""
        shutil.rmtree(self.folder, ignore_errors=True)


class Checkpoint:
    """One training's state: network, optimiser, schedule and random generators, all as after a whole epoch."""

    def __init__(self, among: Checkpoints, path: Path) -> None:
        self._among, self._path = among, path

    def load(self) -> dict[str, Any] | None:
        """What was saved last, None if nothing was. Tensors and plain values only: no code is unpickled."""
        return torch.load(self._path, map_location="cpu", weights_only=True) if self._path.exists() else None

    def offer(self, state: Callable[[], dict[str, Any]]) -> None:
        """Saves what `state` returns if a save is due; it is not called otherwise."""
        if self._among.due():
            self._among.save(self._path, state())
