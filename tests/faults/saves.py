"""Trainings that were killed and whose save was damaged before they were started again: the same bits in the end."""

from __future__ import annotations

import itertools
import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmark.plan.job import Job
from benchmark.plan.plan import plan
from benchmark.plan.reading import read
from benchmark.run.bench import Bench
from benchmark.store.artefacts import Store
from benchmark.training import checkpoint
from benchmark.training.checkpoint import Checkpoints
from benchmark.training.trainer import Trainer
from tests.builder import TASK, TRAINING, configuration
from tests.faults.artefacts import ended, said_by, started
from tests.faults.hostile import THINGS, UNPRIVILEGED, sparse
from tests.faults.points import Points, kill
from tests.faults.tally import Tally, held

EPOCHS, SAVED = 4, 2  # of a training, and of them done when it was killed
FLIPPED = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.9999)  # where in the file


class Cruel:
    """What runs a command where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.mark}",)


def flip(share: float) -> Callable[[Path], object]:
    """One bit, at this share of the file."""

    def act(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[int(share * len(content))] ^= 4
        path.write_bytes(content)

    return act


def instead(put: Callable[[Path], object]) -> Callable[[Path], object]:
    """Something else in the place of the file."""

    def act(path: Path) -> None:
        path.unlink()
        put(path)

    return act


def of_another(path: Path) -> None:
    """The save of another training, as it was sealed."""
    other = path.parent.with_name("0" * 20) / path.name
    Checkpoints(other.parent, every=0).save(other, {"epochs": 1})
    other.rename(path)


def sealed_code(path: Path) -> None:
    """A save that runs something when it is unpickled, its seal in order."""
    Checkpoints(path.parent, every=0).save(path, {"epochs": 1, "network": Cruel(path.parents[2] / "ran")})


DAMAGES: dict[str, Callable[[Path], object]] = {
    **{f"bit flipped at {share:.0%}": flip(share) for share in FLIPPED},
    "half": lambda path: os.truncate(path, path.stat().st_size // 2),
    "without its seal": lambda path: os.truncate(path, path.stat().st_size - 64),
    "empty": lambda path: os.truncate(path, 0),
    "without end": instead(sparse),
    **{name: instead(put) for name, put in {**THINGS, "folder": Path.mkdir}.items()},
    "of another training": of_another,
    "code": lambda path: path.write_bytes(pickle.dumps(Cruel(path.parents[2] / "ran"))),
    "code, sealed": sealed_code,
}


def damaged(folder: Path, full: bool) -> Tally:
    """The training is done again from the start, and a line says so; nothing that lay there is run."""
    job, trainer = _training(folder)
    whole, root = _made(folder / "whole", job, trainer), folder / "cut" / "store"
    _cut(root, job, trainer)
    tally = Tally()
    for number, act in enumerate(list(DAMAGES.values())[:: 1 if full else 4]):
        place = folder / str(number)
        shutil.copytree(root, place / "store")
        save = place / "store" / "unfinished" / job.key / "1.pt"
        try:
            act(save)
        except PermissionError:  # to make a device is not for everybody
            tally += Tally(note=UNPRIVILEGED)
            continue
        with said_by(checkpoint) as heard:
            right = _made(place, job, trainer) == whole
        told = len(heard) == 1 and str(save) in heard[0] and "\n" not in heard[0]
        left = save.parent.exists() or (place / "store" / "ran").exists()
        tally += Tally(1, wrong=int(not right) + int(not told) + int(left))
    return tally


def killed(folder: Path, full: bool) -> Tally:
    """SIGKILL at some of the thousands of write points of a training that saves each epoch; it goes on in silence."""
    job, trainer = _training(folder)
    whole, tally = _made(folder / "whole", job, trainer), Tally()
    for at in itertools.count(1, 257 if full else 1543):
        place = folder / str(at)
        Store(place / "store")

        def work(place: Path = place, at: int = at) -> None:
            with Points(place, at, kill).armed():
                Bench(Store(place / "store"), trainer).do(job)

        if ended(started(work)) == 0:
            return tally
        with said_by(checkpoint) as heard:
            right = _made(place, job, trainer) == whole
        tally += Tally(1, wrong=int(not right) + len(heard) + int((place / "store/unfinished" / job.key).exists()))
    raise AssertionError


def _training(folder: Path) -> tuple[Job, Trainer]:
    """A victim of a few epochs, and a trainer that saves each."""
    task = {**TASK, "training": {**TRAINING, "epochs": EPOCHS}}
    jobs = plan(read(configuration(folder, task={"digits": task})))
    return jobs.jobs[0], replace(jobs.experiment.trainer, checkpoint=0)


def _made(folder: Path, job: Job, trainer: Trainer) -> dict[str, str] | None:
    """Does the job; SHA-256 of the files of its artefact."""
    Bench(Store(folder / "store"), trainer).do(job)
    return held(folder / "store", job.key)


def _cut(root: Path, job: Job, trainer: Trainer) -> None:
    """Does the job until some epochs are saved."""
    true, saves = Checkpoints.save, itertools.count(1)

    def save(self: Checkpoints, path: Path, state: dict[str, Any]) -> None:
        true(self, path, state)
        if next(saves) == SAVED:
            kill("")

    def work() -> None:
        Checkpoints.save = save  # type: ignore[method-assign]
        Bench(Store(root), trainer).do(job)

    ended(started(work))
    assert torch.load(root / "unfinished" / job.key / "1.pt", weights_only=True)["epochs"] == SAVED
