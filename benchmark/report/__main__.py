"""`whosenet report EXPERIMENT [only=page] [methods=a,b] [width=column|page]`: draws results again.

It needs results/EXPERIMENT alone, as it is committed: neither the store nor torch. With `methods` or `width` it draws
figures for a paper, into results/EXPERIMENT/paper, and leaves the report as it is.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmark.errors import InputError, fail, near_misses
from benchmark.paths import ROOT
from benchmark.report.results import redraw, redraw_figures, redraw_page
from benchmark.report.view import WHOLE, WIDTHS, View

SELDOM = 50_000  # a figure is many small objects that all live until it is saved: to look for garbage at every 700 new
# ones takes a tenth of the time
KEYS = ("only", "methods", "width")


def report(arguments: Sequence[str]) -> Path:
    """Does what the command line says; returns what was drawn, a file or a folder.

    Raises:
        InputError: the command line, or the experiment's folder, has to be mended.
    """
    folder, settings = _read(arguments)
    view, published = _view(settings), ROOT / "results" / "published"
    if view != WHOLE:
        return redraw_figures(folder, view)
    if "only" in settings:
        redraw_page(folder, published)
    else:
        redraw(folder, published)
    return folder / "index.html"


def main(arguments: Sequence[str]) -> int:
    """Draws and says where it is; what the user can mend is one line and exit code 2."""
    gc.set_threshold(SELDOM)
    try:
        print(f"drawn: {report(arguments)}", file=sys.stderr)
    except InputError as error:
        fail(str(error))
    return 0


def _read(arguments: Sequence[str]) -> tuple[Path, dict[str, str]]:
    """The folder of the experiment, given by name or as a path, and the settings."""
    names = [word for word in arguments if "=" not in word]
    if len(names) != 1:
        raise InputError(f"report: wants one experiment, such as digits, got {' '.join(names) or 'none'}")
    pairs = (word.partition("=") for word in arguments if "=" in word)
    settings = {key.removeprefix("report."): value for key, _, value in pairs}
    for key in settings:
        if key not in KEYS:
            raise InputError(f"report: {key}= is no setting, {near_misses(key, KEYS)}")
    if settings.get("only", "page") != "page" or ("only" in settings and len(settings) > 1):
        raise InputError("report: only=page stands alone, there is no other")
    folder = Path(names[0]) if "/" in names[0] else ROOT / "results" / names[0]
    if not folder.is_dir():
        known = sorted(path.parent.name for path in (ROOT / "results").glob("*/manifest.json"))
        raise InputError(f"{folder}: no results there, {near_misses(names[0], known)}")
    return folder, settings


def _view(settings: dict[str, str]) -> View:
    width = settings.get("width", WHOLE.width)
    if width not in WIDTHS:
        raise InputError(f"width={width}: wants one of {', '.join(WIDTHS)}")
    names = settings.get("methods", "").strip("[]").split(",")
    return View(tuple(name.strip() for name in names if name.strip()), "column" if width == "column" else "page")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
