"""A disk that is full or closed: at every write point of the store, on a real file system, and under an experiment."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmark.errors import Damaged, StoreError
from benchmark.store import artefacts
from benchmark.store.artefacts import Store
from tests.faults import experiment
from tests.faults.artefacts import disk, expected, key, make, remount, said_by
from tests.faults.damaged import believes
from tests.faults.points import EVERYTHING, NEEDS_SPACE, TAKES_SPACE, Points, refuse
from tests.faults.tally import Tally, audit, drafts_in, keys_in, stamps, total

KEPT, MADE = key(0), key(1)
BROKEN = ("rename", "replace", "fsync")  # what a builder may do meanwhile is for the builder to tell
FULL, CLOSED = (errno.ENOSPC, errno.EDQUOT), (errno.EROFS, errno.EACCES, errno.EPERM)
UNMOUNTED = "simulated only: no right to mount a file system"


def full_store(folder: Path, full: bool) -> Tally:
    """No space from the n-th write point on, for every n; then a tmpfs that ends after so many pages, or files."""
    simulated = [_at_every_point(folder / str(code), code, NEEDS_SPACE, TAKES_SPACE, 1 if full else 4) for code in FULL]
    return total(simulated) + _really_full(folder / "disk", 1 if full else 3)


def closed_store(folder: Path, full: bool) -> Tally:
    """No right to change anything from the n-th write point on, for every n; then a tmpfs mounted read-only."""
    simulated = [_at_every_point(folder / str(code), code, EVERYTHING, EVERYTHING, 1 if full else 4) for code in CLOSED]
    return total(simulated) + _really_closed(folder / "disk")


def broken_store(folder: Path, full: bool) -> Tally:
    """A disk that answers EIO: once, at one call after the other by which the store changes or reads something.

    What cannot be read once is left where it is. What cannot be read for good is moved aside by name, and made again.
    """
    written = _at_every_point(folder / "written", errno.EIO, BROKEN, (), 1 if full else 4)
    read = _unread_at_every_point(folder / "read" / "store", 1 if full else 4)
    return written + read + _never_read_again(folder / "rotten", 1 if full else 4)


def full_run(folder: Path, full: bool) -> Tally:
    """A whole experiment, whose store fills up at different places."""
    need = _bytes_needed(folder / "measure")
    tally = Tally()
    for percent in (10, 30, 50, 70, 90) if full else (50,):
        place = folder / str(percent)
        place.mkdir()
        with disk(place / "store", f"{need * percent // 100}") as small:
            if small is None:
                return Tally(note=UNMOUNTED)
            stopped = _refused(lambda place=place: experiment.command(place), os.strerror(errno.ENOSPC))  # type: ignore[misc]
            tally += _run_again(place, stopped, lambda small=small: remount(small, "size=64m"))  # type: ignore[misc]
    return tally


def closed_run(folder: Path, full: bool) -> Tally:
    """A whole experiment, whose store is mounted read-only when so many jobs are done."""
    jobs, tally = experiment.planned(folder).jobs, Tally()
    for done in range(len(jobs)) if full else (3,):
        place = folder / str(done)
        place.mkdir()
        with disk(place / "store", "64m") as small:
            if small is None:
                return Tally(note=UNMOUNTED)
            experiment.do(place, jobs[:done])
            remount(small, "ro")
            stopped = _refused(lambda place=place: experiment.command(place), os.strerror(errno.EROFS))  # type: ignore[misc]
            tally += _run_again(place, stopped, lambda small=small: remount(small, "rw"))  # type: ignore[misc]
    return tally


def _refused(act: Callable[[], object], *words: str) -> bool:
    """Whether the act ends in the one clear line that names the reason."""
    try:
        act()
    except StoreError as error:
        return "\n" not in str(error) and all(word in str(error) for word in (*words, "`store=`"))
    return False


def _done_or_refused(act: Callable[[], object], *words: str) -> bool:
    """Whether the act does its work, or ends in that line."""
    done = False

    def whole() -> None:
        nonlocal done
        act()
        done = True

    return _refused(whole, *words) or done


def _at_every_point(folder: Path, code: int, kinds: Sequence[str], on: Sequence[str], every: int) -> Tally:
    tally, sums = Tally(), expected([KEPT, MADE])
    for at in itertools.count(1, every):
        root = folder / str(at)
        store = Store(root)
        make(store, KEPT)
        before, points = stamps(root), Points(root, at, refuse(code), kinds, on)
        with points.armed():
            refused = _refused(lambda: make(store, MADE), os.strerror(code))  # noqa: B023
        if not points.struck:
            return tally
        # The last points, after the artefact got its name, sync folders: an error there comes after the fact.
        tally += Tally(1, wrong=int(not refused)) + audit(root, sums, before)
        tally += Tally(wrong=len(drafts_in(root)) * (code in FULL))  # from a closed disk nobody can remove them
        before = stamps(root)
        make(store, MADE)
        tally += audit(root, sums, before, must=[MADE]) + Tally(wrong=len(drafts_in(root)))
    raise AssertionError


def _unread_at_every_point(root: Path, every: int) -> Tally:
    make(Store(root), KEPT)
    before, tally = stamps(root), Tally()
    acts = (_look_through, _hash, _make_beside)
    kinds = [*itertools.product(("stat", "scandir", "open"), acts), *itertools.product(("read",), acts[:2])]
    for kind, act in kinds:
        for at in itertools.count(1, every):
            with _unread(root, kind, at) as points:
                right = _done_or_refused(lambda: act(root), os.strerror(errno.EIO))  # noqa: B023
            if not points.struck:
                break
            tally += Tally(1, wrong=int(not right)) + audit(root, expected([KEPT, MADE]), before)
            if MADE in keys_in(root):
                _remove(root / MADE[:2] / MADE)
    aside = Tally(wrong=int((root / "damaged").exists()) + len(drafts_in(root)))
    return tally + aside + Tally(lost=int(Store(root).recheck(KEPT) is None))


def _never_read_again(folder: Path, every: int) -> Tally:
    tally = Tally()
    for name, kind in list(itertools.product(("manifest.json", "first.bin"), ("stat", "open", "read")))[::every]:
        root = folder / f"{name}-{kind}"
        make(Store(root), KEPT)
        before, file = stamps(root), make(Store(root), MADE).folder / name
        with _unread(file, kind, 1, on=(kind,)), said_by(artefacts) as heard:
            believed = believes(Store(root))
        told = len(heard) == 1 and f"{MADE} is damaged ({name} cannot be read)" in heard[0]
        aside = os.listdir(root / "damaged") == [f"{MADE}-1"]
        make(Store(root), MADE)
        tally += Tally(1, wrong=int(believed) + int(not told) + int(not aside))
        tally += audit(root, expected([KEPT, MADE]), before, must=[MADE])
    return tally


def _look_through(root: Path) -> None:
    store = Store(root)
    store.has(KEPT)
    store.building(KEPT)
    artefact = store.open(KEPT)
    store.find(KEPT)
    try:
        for name in artefact.files:
            artefact.content(name)
    except Damaged as error:
        assert store.recheck(error.key) == artefact


def _hash(root: Path) -> None:
    Store(root).recheck(KEPT)


def _make_beside(root: Path) -> None:
    make(Store(root), MADE)


@contextmanager
def _unread(root: Path, kind: str, at: int, on: Sequence[str] = ()) -> Iterator[Points]:
    """The `at`-th call of a kind below the root is answered with EIO; a file can be opened before it cannot be read."""
    points, true = Points(root, at, refuse(errno.EIO), (kind,), on), os.open

    def opened(path: Any, flags: int, *arguments: Any, **named: Any) -> int:
        points.meet("open", path)
        try:
            points.meet("read", path if not flags & (os.O_WRONLY | os.O_RDWR | os.O_DIRECTORY) else "/elsewhere")
        except OSError:
            return true("/proc/self/mem", os.O_RDONLY)  # a plain file whose first byte is one answer: EIO
        return true(path, flags, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        for name in ("stat", "scandir"):
            patch.setattr(os, name, points.counted(name, getattr(os, name)))
        patch.setattr(os, "open", opened)
        yield points


def _really_full(place: Path, every: int) -> Tally:
    tally, sums = Tally(), expected([KEPT, MADE])
    with disk(place, "1m") as small:
        if small is None:
            return Tally(note=UNMOUNTED)
        root = small / "store"
        make(Store(root), KEPT)
        for kind, more in itertools.product(("size", "nr_inodes"), range(1, 9, every)):
            before = stamps(root)
            remount(small, _leaving(small, kind, more))
            stopped = _refused(lambda: make(Store(root), MADE), os.strerror(errno.ENOSPC))
            tally += Tally(int(stopped)) + audit(root, sums, before) + Tally(wrong=len(drafts_in(root)))
            before = stamps(root)
            remount(small, "size=1m,nr_inodes=1000")
            artefact = make(Store(root), MADE)
            tally += audit(root, sums, before, must=[MADE])
            _remove(artefact.folder)
    return tally


def _leaving(small: Path, kind: str, more: int) -> str:
    """The mount option that leaves so many pages, or files, to a file system."""
    facts = os.statvfs(small)
    if kind == "size":
        return f"size={(facts.f_blocks - facts.f_bfree) * facts.f_frsize + (more - 1) * 4096}"
    return f"nr_inodes={facts.f_files - facts.f_ffree + more}"


def _remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()


def _really_closed(place: Path) -> Tally:
    sums = expected([KEPT, MADE])
    with disk(place, "1m") as small:
        if small is None:
            return Tally(note=UNMOUNTED)
        root = small / "store"
        store = Store(root)
        make(store, KEPT)
        before = stamps(root)
        remount(small, "ro")
        acts: list[Callable[[], object]] = [
            lambda: make(store, MADE),
            lambda: make(Store(root), MADE),
            lambda: store.open(MADE),
        ]
        wrong = sum(not _refused(act, os.strerror(errno.EROFS)) for act in acts)
        lost = int(store.find(KEPT) is None)
        tally = Tally(len(acts), lost, wrong=wrong) + audit(root, sums, before)
        remount(small, "rw")
        make(store, MADE)
        return tally + audit(root, sums, before, must=[MADE]) + Tally(wrong=len(drafts_in(root)))


def _bytes_needed(folder: Path) -> int:
    """What the experiment's store takes, in whole pages."""
    experiment.do(folder)
    sizes = [path.stat().st_size for path in (folder / "store").rglob("*") if path.is_file()]
    return sum(-(-size // 4096) * 4096 for size in sizes)


def _run_again(place: Path, stopped: bool, mend: Callable[[], object]) -> Tally:
    """After a run that should have ended in one line, without a report: what is done is right, and the rest is made."""
    root, sums = place / "store", experiment.expected()
    tally = Tally(1, wrong=int(not stopped) + int((place / "results").exists())) + audit(root, sums, {})
    before = stamps(root)
    mend()
    tally += Tally(wrong=int(experiment.command(place) != 0))
    return tally + audit(root, sums, before, must=sums) + Tally(wrong=len(drafts_in(root)))
