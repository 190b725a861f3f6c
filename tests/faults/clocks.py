"""A clock that runs backwards, and files from the future."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmark.plan.models import ModelJob
from benchmark.store.artefacts import Store
from tests.faults import experiment
from tests.faults.artefacts import expected, key, make
from tests.faults.tally import Tally, audit, drafts_in, stamps

STEP = 86_400.0  # seconds back at every look


class Backwards:
    """A clock that every look sets back by a day."""

    def __init__(self) -> None:
        self.looks, self._start = 0, time.time()

    def __call__(self) -> float:
        self.looks += 1
        return self._start - STEP * self.looks

    def nanoseconds(self) -> int:
        """The same for `time.time_ns`."""
        return int(self() * 1e9)


@contextmanager
def backwards() -> Iterator[Backwards]:
    """Gives this process such a clock."""
    clock = Backwards()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", clock)
        patch.setattr(time, "time_ns", clock.nanoseconds)
        patch.setattr(Store.__init__, "__defaults__", (clock,))
        yield clock


def store(folder: Path, full: bool) -> Tally:
    """Artefacts made, found and mended by stores whose clock runs backwards, among files of past and future."""
    numbers, root, tally = range(40 if full else 8), folder / "store", Tally()
    clock = Backwards()
    for number in numbers:
        made = make(Store(root, clock=clock), key(number))
        _date(made.folder, (-1) ** number * 10**9)
        if number % 4 == 3:
            (made.folder / "first.bin").write_bytes(b"rubbish")
    damaged = [key(number) for number in numbers if number % 4 == 3]
    before = stamps(root)
    for number in numbers:
        make(Store(root, clock=clock), key(number))
        tally += Tally(2)  # the look at the clock when it was first made, and the files' dates
    tally += audit(root, expected(map(key, numbers)), before, must=map(key, numbers))
    aside = {path.name.split("-")[0] for path in (root / "damaged").iterdir()}
    return tally + Tally(wrong=len(aside ^ set(damaged)) + len(drafts_in(root)) + int(clock.looks < len(numbers)))


def run(folder: Path, full: bool) -> Tally:
    """A whole experiment under such a clock, and again after a model was damaged, its files from the future."""
    sums, root = experiment.expected(), folder / "store"
    with backwards() as clock:
        first = experiment.command(folder)
        model = experiment.planned(folder).of_kind(ModelJob)[1]
        place = root / model.key[:2] / model.key
        (place / "weights.safetensors").write_bytes(b"rubbish")
        _date(place, 10**9)
        before = stamps(root)
        second = experiment.command(folder)
    return Tally(clock.looks, wrong=first + second + len(drafts_in(root))) + audit(root, sums, before, must=sums)


def _date(folder: Path, seconds: int) -> None:
    """Dates everything in a folder so many seconds from now."""
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (os.stat(path).st_mtime + seconds,) * 2)
