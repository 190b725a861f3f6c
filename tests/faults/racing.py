"""Many processes after the same artefacts at the same time, with and without some of them being killed."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmark.store.artefacts import Store
from tests.faults import experiment
from tests.faults.artefacts import ended, expected, files, key, log_to, make, started
from tests.faults.tally import Tally, audit, drafts_in, keys_in

CROWD = 8
LOGS = ("built", "met", "wrong")
AHEAD = 6  # artefacts that are raced for at a time, so that the makers meet
View = Callable[[Path, int], contextlib.AbstractContextManager[object]]


def untouched(root: Path, number: int) -> contextlib.AbstractContextManager[object]:
    """The store as it is."""
    return contextlib.nullcontext()


def store(folder: Path, full: bool) -> Tally:
    """Eight processes, for a minute in full length; every make that found another at work or done counts."""
    return crowd(folder, 60.0 if full else 2.0)


def killing(folder: Path, full: bool) -> Tally:
    """The same while one after the other is killed and replaced; the kills count."""
    return crowd(folder, 20.0 if full else 1.5, kills=True)


def runs(folder: Path, full: bool) -> Tally:
    """Whole experiments on one store at once; every job of every run after the first counts."""
    count, sums = 4 if full else 2, experiment.expected()
    root = folder / "store"
    children = [started(lambda: experiment.do(folder)) for _ in range(count)]
    failed = sum(ended(child) != 0 for child in children)
    aside = len(list((root / "damaged").glob("*")))
    here = audit(root, sums, {}, must=sums)
    return here + Tally((count - 1) * len(sums), duplicated=aside, wrong=failed + len(drafts_in(root)))


def crowd(folder: Path, seconds: float, kills: bool = False, view: View = untouched, size: int = CROWD) -> Tally:
    """Lets `size` processes race, and holds the store against what each of them was handed.

    Args:
        kills: a process is killed and replaced every few hundredths of a second.
        view: how a process sees the store; given its root and the process's number.
    """
    folder.mkdir(exist_ok=True)
    root, deadline = folder / "store", time.monotonic() + seconds

    def work(number: int) -> None:
        with view(root, number):
            _race(root, folder, deadline, random.Random(number))

    numbers = itertools.count()
    children = [_one(work, next(numbers)) for _ in range(size)]
    killed, chooser = 0, random.Random(0)
    while kills and time.monotonic() < deadline:
        time.sleep(chooser.uniform(0.02, 0.08))
        place = chooser.randrange(size)
        os.kill(children[place], signal.SIGKILL)
        killed += ended(children[place]) == -signal.SIGKILL
        children[place] = _one(work, next(numbers))
    failed = sum(ended(child) != 0 for child in children)
    return _judged(folder, killed if kills else None, failed)


def _one(work: Callable[[int], None], number: int) -> int:
    return started(lambda: work(number))


def _race(root: Path, folder: Path, deadline: float, chooser: random.Random) -> None:
    """Makes, finds and reads the next few artefacts in an order of its own."""
    built, met, wrong = (log_to(folder / name) for name in ("built", "met", "wrong"))
    here = Store(root)
    first = len(keys_in(root))
    while time.monotonic() < deadline:
        window = [key(number) for number in range(first, first + AHEAD)]
        chooser.shuffle(window)
        for wanted in window:
            own: list[str] = []
            here.find(wanted)
            artefact = make(here, wanted, own.append)
            (built if own else met)(wanted)
            content = files(wanted)
            if any(_content(artefact.folder / name) != content[name] for name in content):
                wrong(wanted)
            if Store(root).open(wanted) != artefact:
                wrong(wanted)
        first += AHEAD


def _content(path: Path) -> bytes:
    """The file as it is, whatever this process's view of the store makes of `open`."""
    handle = os.open(path, os.O_RDONLY)
    try:
        return os.read(handle, 2**20)
    finally:
        os.close(handle)


def _judged(folder: Path, killed: int | None, failed: int) -> Tally:
    built, met, wrong = ((folder / name).read_text().split() if (folder / name).exists() else [] for name in LOGS)
    root = folder / "store"
    made = set(built) | set(met)
    count = Counter(built)
    here = audit(root, expected(keys_in(root)), {}, must=made)
    lost = len(made - keys_in(root))
    aside = len(list((root / "damaged").glob("*")))
    left = len(drafts_in(root)) if killed is None else 0
    injected = len(met) if killed is None else killed
    again = sum(number - 1 for number in count.values())
    return here + Tally(injected, lost, max(again, aside), len(wrong) + failed + left)
