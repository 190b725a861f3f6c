"""How a report comes into its folder: made whole in .new/ within, then moved out of there file by file.

The draft is complete once it has its record (`benchmark.report.record`), which is moved last. Whoever comes after a
process that was killed finds a complete draft and moves the rest, or an incomplete one and throws it away. Nothing else
of the folder is touched but files that a former report wrote, that are as it wrote them, and that are no part any more.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from benchmark.errors import InputError
from benchmark.report import record
from benchmark.report.record import RECORD, WRITTEN, Record

DRAFT, LOCK = ".new", ".lock"  # below the report's folder; git ignores them


def check(folder: Path) -> None:
    """Looks whether a report may be written to `folder`, before the work for it; leaves nothing there.

    Raises:
        InputError: it holds files and no report, or is no folder.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise InputError(f"{folder}: is no folder, move it away or write the report elsewhere")
    try:
        inside = {path.name for path in folder.iterdir()} if folder.exists() else set()
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror or error})") from error
    if not inside - {DRAFT, LOCK, *WRITTEN} or record.read(folder / DRAFT) or record.is_report(folder):
        return
    other = ": its manifest.json is another's" if "manifest.json" in inside else ""
    raise InputError(
        f"{folder}: holds files but no report{other}; move them away, or choose an empty or a new folder "
        "(`results=`, `name=`)"
    )


def pending(folder: Path) -> bool:
    """Whether somebody is writing the report, or was killed while he did."""
    return os.path.lexists(folder / DRAFT)


@contextmanager
def drafted(folder: Path) -> Iterator[Path]:
    """A new folder to be made and filled, then published; meanwhile nobody else writes to `folder`.

    First it brings to an end what was left by a process that was killed.

    Raises:
        InputError: `folder` cannot be written.
    """
    new = folder / DRAFT
    try:
        with _alone(folder):
            _settle(new, folder)
            try:
                yield new
            finally:
                if record.read(new) is None:
                    shutil.rmtree(new, ignore_errors=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot write the report ({error.strerror or error})") from error


def publish(new: Path, folder: Path, digest: str = "") -> None:
    """Moves a draft that has become whole to where it belongs.

    Args:
        digest: of all that it was drawn from.

    Raises:
        InputError: the folder has a file of the user's where the report's would stand; nothing was moved.
    """
    names = record.files(new)
    found = Record(digest, record.sums(new, names))
    _check_places(found, folder)
    for path in (*(new / name for name in names), *{(new / name).parent for name in names}):
        record.sync(path)
    record.save(found, new)
    _move(found, new, folder)
    shutil.rmtree(new, ignore_errors=True)


def _settle(new: Path, folder: Path) -> None:
    """What a killed process left: a complete draft is published, any other thrown away."""
    found = record.read(new)
    if found is not None and record.sums(new, found.files).items() <= found.files.items():
        _check_places(found, folder)
        _move(found, new, folder)
    shutil.rmtree(new, ignore_errors=True)


def _check_places(found: Record, folder: Path) -> None:
    """Looks whether each file can be moved to its place and writes over nothing of the user's."""
    owned, there = record.owner(folder), record.sums(folder, found.files)
    for name, digest in found.files.items():
        path = folder / name
        if os.path.lexists(path) and there.get(name) != digest and not (owned(name) and path.is_file()):
            raise InputError(f"{path}: is in the report's way and no report wrote it, move it away")
        if os.path.lexists(path.parent) and not _takes(path.parent, folder):
            raise InputError(
                f"{path.parent}: is in the report's way, make it a folder of this disk that can be written"
            )


def _takes(place: Path, folder: Path) -> bool:
    """Whether a file of `folder` can be moved to `place`."""
    return place.is_dir() and place.stat().st_dev == folder.stat().st_dev and os.access(place, os.W_OK)


def _move(found: Record, new: Path, folder: Path) -> None:
    """Moves what differs, removes what the former report had besides, and ends with the record."""
    former, there = record.read(folder), record.sums(folder, found.files)
    for name, digest in found.files.items():  # in order: a sweep looks for summary.csv, which comes after manifest.json
        if (new / name).exists() and there.get(name) != digest:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(new / name, folder / name)
    gone = {} if former is None else {name: former.files[name] for name in former.files.keys() - found.files.keys()}
    for name, digest in record.sums(folder, gone).items():
        if digest == gone[name]:
            (folder / name).unlink()
    for place in {(folder / name).parent for name in found.files}:
        record.sync(place)
    os.replace(new / RECORD, folder / RECORD)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keeps others from writing; a folder that was made for it and stayed empty is not left behind."""
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK, fallback_to_soft=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        logging.getLogger(__name__).warning("%s: another process is writing this report, waiting for it", folder)
        lock.acquire()
    try:
        yield
    finally:
        (folder / LOCK).unlink(missing_ok=True)  # while it is held: who waits sees that it is gone and makes another
        lock.release()
        if made:
            with suppress(OSError):
                folder.rmdir()
