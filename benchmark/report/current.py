"""Is what was drawn the same as would be drawn now? Then it need not be drawn again."""

from __future__ import annotations

import hashlib
from pathlib import Path

import matplotlib

from benchmark import metrics
from benchmark.errors import InputError
from benchmark.report import reading, record


def is_current(folder: Path, published: Path | None) -> bool:
    """Whether `folder` holds what would be drawn, every file of the report as it was written."""
    kept = record.read(folder)
    try:
        same = kept is not None and kept.digest == digest(folder, published, has_reading(folder))
    except (OSError, InputError, LookupError, TypeError):
        return False
    return same and kept is not None and kept.files == record.sums(folder, kept.files)


def has_reading(folder: Path) -> bool:
    """Whether somebody wrote what the results mean: the page leads to it."""
    return (folder / reading.READING).is_file()


def digest(folder: Path, published: Path | None, read: bool) -> str:
    """SHA-256 over all that is drawn from: the data part, published numbers, the report's own code, matplotlib.

    Args:
        read: whether the page leads to a reading.
    """
    total = hashlib.sha256(f"{matplotlib.__version__} {read}".encode())
    code = [*Path(metrics.__file__).parent.rglob("*"), *Path(__file__).parent.rglob("*")]
    papers = published.glob("*.csv") if published is not None else ()
    data = [folder / name for name in reading.files(folder)]
    for path in (*sorted(code), *sorted(papers), *data):
        if path.is_file() and path.suffix != ".pyc":
            total.update(path.read_bytes())
    return total.hexdigest()
