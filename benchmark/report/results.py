"""results/<experiment>/: what was found, and what is drawn of it, made aside and moved in when it is whole."""

from __future__ import annotations

import os
from pathlib import Path

from benchmark.report import current, data, publishing, reading
from benchmark.report.drawing import draw, draw_figures
from benchmark.report.findings import Findings, checked
from benchmark.report.view import View

PAPER = "paper"  # the folder below a report's own for figures that show some of the methods, or fit a column
PAGE = "index.html"


def write(findings: Findings, folder: Path, published: Path | None) -> None:
    """Writes all of a report; `published` is the folder of the papers' csv files.

    Only files that a report wrote are replaced or removed, and those that would say nothing new stay as they are. A
    process that is killed leaves the old report, or what the next call makes the new one of. Waits for another process
    that writes to `folder`.

    Raises:
        InputError: the findings lack something, `folder` holds files that are no report, or it cannot be written.
    """
    ready, folder = checked(findings), folder.absolute()
    publishing.check(folder)
    with publishing.drafted(folder) as new:
        same = data.same_numbers(ready, folder) and data.same_pictures(ready, folder)
        if not (same and current.is_current(folder, published)):
            data.save(ready, new, folder)
            _publish(new, folder, published)


def redraw(folder: Path, published: Path | None) -> None:
    """Draws a report again from its csv, manifest and pictures of prints, unless it is as it would be drawn.

    Raises:
        InputError: the data part is missing or damaged, or the folder cannot be written.
    """
    folder = folder.absolute()
    publishing.check(folder)
    if not publishing.pending(folder) and current.is_current(folder, published):
        return  # a folder that nobody may write need not be
    with publishing.drafted(folder) as new:
        if not current.is_current(folder, published):
            _copy(folder, new)
            _publish(new, folder, published)


def redraw_page(folder: Path, published: Path | None) -> None:
    """index.html alone, from the same; raises as `redraw`."""
    folder = folder.absolute()
    publishing.check(folder)
    with publishing.drafted(folder) as new:
        _copy(folder, new)
        draw(new, published, current.has_reading(folder), ("png",))
        os.replace(new / PAGE, folder / PAGE)


def redraw_figures(folder: Path, view: View) -> Path:
    """Figures alone, in another view than the whole, into a folder of their own, which is returned.

    Raises:
        InputError: as `redraw`, or the experiment has no such method.
    """
    folder = folder.absolute()
    publishing.check(folder)
    with publishing.drafted(folder), publishing.drafted(folder / PAPER) as new:
        draw_figures(reading.read(folder), new, view)
        publishing.publish(new, folder / PAPER)
    return folder / PAPER


def _copy(folder: Path, new: Path) -> None:
    reading.read(folder)  # its faults are told by the names that the user knows
    data.copy(folder, new)


def _publish(new: Path, folder: Path, published: Path | None) -> None:
    """Draws all that the data part in `new` gives, and has it take its place in `folder`."""
    read = current.has_reading(folder)
    draw(new, published, read)
    publishing.publish(new, folder, current.digest(new, published, read))
