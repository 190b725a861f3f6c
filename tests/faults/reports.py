"""SIGKILL, and a full disk, at write points of a report: the user's files stay, the next call ends or undoes it."""

from __future__ import annotations

import errno
import itertools
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmark.errors import InputError
from benchmark.report import publishing
from benchmark.report.record import RECORD
from tests.faults.artefacts import ended, started
from tests.faults.points import NEEDS_SPACE, Points, kill, refuse
from tests.faults.tally import Tally, total

Files = Mapping[str, str]
MANIFEST = '{"experiment": "faults", "seeds": {}, "failures": []}'
OLD = {
    "manifest.json": MANIFEST,
    "scores.csv": "old",
    "tables/a.md": "same",
    "tables/gone.md": "a",
    "figures/a.png": "b",
}
NEW = {"manifest.json": MANIFEST, "scores.csv": "new", "tables/a.md": "same", "tables/more.md": "c", "paper/b.png": "d"}
MINE = {"READING.md": "x", "claims.toml": "y", "thesis.tex": "z", "tables/mine.md": "u", "figures/mine.png": "v"}


def killed(folder: Path, full: bool) -> Tally:
    """A first report in a new folder, another one over a report, and one in a clone, which has no record."""
    every = 1 if full else 6
    return total(
        (
            at_every_point(folder / "first", lambda place: None, {}, every),
            at_every_point(folder / "over", over, MINE, every),
            at_every_point(folder / "clone", cloned, MINE, every),
        )
    )


def refused(folder: Path, full: bool) -> Tally:
    """The disk refuses a write, a folder or a name, and all that need space after it: one line, and nothing is lost."""
    tally = Tally()
    for at in itertools.count(1, 1 if full else 6):
        place = folder / str(at) / "r"
        over(place)
        points = Points(place, at, refuse(errno.ENOSPC), NEEDS_SPACE, NEEDS_SPACE)
        said = ""
        try:
            with points.armed():
                write(place, NEW)
        except InputError as error:
            said = str(error)
        if not points.struck:
            return tally
        told = "cannot write the report (No space left on device)" in said and "\n" not in said
        tally += Tally(1, wrong=int(not told)) + kept(place, MINE) + mended(place, NEW, MINE)
    raise AssertionError


def write(place: Path, files: Files) -> None:
    """A report of these files."""
    publishing.check(place)
    with publishing.drafted(place) as new:
        put(new, files)
        publishing.publish(new, place)


def put(place: Path, files: Files) -> None:
    """The files, below a folder."""
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)


def over(place: Path) -> None:
    """A report, and the user's files in its folder."""
    write(place, OLD)
    put(place, MINE)


def cloned(place: Path) -> None:
    """The same, as git hands it on; what is no part any more is nobody's there."""
    put(place, {name: text for name, text in OLD.items() if name in NEW} | MINE)


def at_every_point(folder: Path, prepare: Callable[[Path], None], mine: Files, every: int) -> Tally:
    """Kills the writer at its 1st, (1 + every)-th, ... write point, and who mends that at another; a third ends it."""
    tally = Tally()
    for at in itertools.count(1, every):
        place = folder / str(at) / "r"
        place.parent.mkdir(parents=True)
        prepare(place)
        code = _killed(place.parent, at, lambda place=place: write(place, NEW))  # type: ignore[misc]
        if code == 0:
            return tally
        tally += Tally(1, wrong=int(code != -signal.SIGKILL)) + kept(place, mine)
        _killed(place.parent, 1 + at * 3 % 13, lambda place=place: ended_by_another(place))  # type: ignore[misc]
        tally += kept(place, mine) + whole(place, mine) + mended(place, NEW, mine)
    raise AssertionError


def _killed(root: Path, at: int, act: Callable[[], None]) -> int:
    def work() -> None:
        with Points(root, at, kill).armed():
            act()

    return ended(started(work))


def ended_by_another(place: Path) -> None:
    """What every command does first, before it writes anything of its own."""
    with publishing.drafted(place):
        pass


def kept(place: Path, mine: Files) -> Tally:
    """What of the user's was lost; hidden folders beside the report are wrong."""
    lost = [name for name, text in mine.items() if not _is(place / name, text)]
    return Tally(lost=len(lost), wrong=len([path for path in place.parent.iterdir() if path != place]))


def whole(place: Path, mine: Files) -> Tally:
    """After another command was there, the folder has the old report or the new one, and nothing half-made."""
    ended_by_another(place)
    there = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()} - mine.keys() - {RECORD}
    of_one = any(
        there == files.keys() and all(_is(place / name, text) for name, text in files.items())
        for files in ({}, OLD, NEW, {name: text for name, text in OLD.items() if name in NEW})
    )
    return Tally(wrong=int(not of_one))


def mended(place: Path, files: Files, mine: Files) -> Tally:
    """The next writer has its report there, the user's files beside it and nothing else."""
    write(place, files)
    found = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
    right = all(_is(place / name, text) for name, text in files.items())
    return Tally(wrong=int(not right) + len(found ^ {*files, *mine, RECORD})) + kept(place, mine)


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text() == text
