"""results/<experiment>/: what was found, and what is drawn of it, written aside and swapped in whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmark.errors import InputError
from benchmark.report import current, data, reading
from benchmark.report.drawing import PRINTED, draw, draw_figures
from benchmark.report.findings import Findings, checked
from benchmark.report.view import View

PAPER = "paper"  # the folder below a report's own for figures that show some of the methods, or fit a column


def write(findings: Findings, folder: Path, published: Path | None) -> None:
    """Writes all of a report; `published` is the folder of the papers' csv files.

    The report is made in a hidden sibling and swapped in by renaming: `folder` holds the old report or the new one,
    never half of one. Files that would say nothing new stay as they are.

    Raises:
        InputError: the findings lack something, `folder` holds files that are no report, or it cannot be written.
    """
    ready, folder = checked(findings), folder.absolute()
    same = data.same_numbers(ready, folder) and data.same_pictures(ready, folder)
    if same and current.is_current(folder, published):
        return
    if folder.exists() and any(folder.iterdir()) and not (folder / "manifest.json").is_file():
        raise InputError(f"{folder}: holds files but no report (manifest.json), choose an empty or a new folder")

    def fill(new: Path) -> None:
        data.save(ready, new, folder)
        _finish(new, folder, published)

    _swapped(folder, fill)


def redraw(folder: Path, published: Path | None) -> None:
    """Draws a report again from its csv, manifest and pictures of prints, unless it is as it would be drawn.

    Raises:
        InputError: the data part is missing or damaged, or the folder cannot be written.
    """
    folder = folder.absolute()
    if not current.is_current(folder, published):
        _swapped(folder, lambda new: _again(folder, new, published))


def redraw_page(folder: Path, published: Path | None) -> None:
    """index.html alone, from the same; raises as `redraw`."""
    folder = folder.absolute()
    with _aside(folder) as aside:
        _again(folder, aside / "new", published, ("png",))
        os.replace(aside / "new" / "index.html", folder / "index.html")


def redraw_figures(folder: Path, view: View) -> Path:
    """Figures alone, in another view than the whole, into a folder of their own, which is returned.

    Raises:
        InputError: as `redraw`, or the experiment has no such method.
    """
    findings, place = reading.read(folder.absolute()), folder.absolute() / PAPER
    _swapped(place, lambda new: draw_figures(findings, new, view))
    return place


def _again(folder: Path, new: Path, published: Path | None, kinds: Sequence[str] = PRINTED) -> None:
    reading.read(folder)  # its faults are told by the names that the user knows
    data.copy(folder, new)
    _finish(new, folder, published, kinds)


def _finish(new: Path, folder: Path, published: Path | None, kinds: Sequence[str] = PRINTED) -> None:
    """What people wrote comes along from `folder`, the rest is drawn."""
    for name in current.WRITTEN:
        if (folder / name).is_file():
            shutil.copy2(folder / name, new)
    draw(new, published, kinds)
    current.stamp(new, published)


def _swapped(folder: Path, fill: Callable[[Path], None]) -> None:
    """Has `fill` make a folder aside, and puts it in the place of `folder`."""
    with _aside(folder) as aside:
        fill(aside / "new")
        _swap(aside / "new", folder, aside / "old")


@contextmanager
def _aside(folder: Path) -> Iterator[Path]:
    """A hidden sibling of `folder`, removed in the end."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            yield aside
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot write the report ({error.strerror or error})") from error


def _swap(new: Path, folder: Path, old: Path) -> None:
    """Puts `new` in the place of `folder`; the former content goes to `old`, and comes back if that fails."""
    if folder.exists():
        os.replace(folder, old)
    try:
        os.replace(new, folder)
    except OSError:
        if old.exists():
            os.replace(old, folder)
        raise
