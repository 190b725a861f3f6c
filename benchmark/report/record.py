"""Which files of results/<experiment>/ are the report's own: what it wrote it lists in .drawn.json, with their sums.

The list is of this machine (a figure's bytes are), so git ignores it. A clone has none: there the report owns what it
draws, since all of that was drawn by a report before it was committed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from benchmark.errors import InputError
from benchmark.report import reading

RECORD = ".drawn.json"
WRITTEN = (reading.READING, "claims.toml")  # by people, about the results: a report never touches them
OF_A_MANIFEST = {"experiment", "seeds", "failures"}  # keys that every version's manifest has


@dataclass(frozen=True)
class Record:
    """What a report wrote.

    Attributes:
        digest: of all that it was drawn from, "" where that is not looked at.
        files: SHA-256 by name below the folder.
    """

    digest: str
    files: Mapping[str, str]


def read(folder: Path) -> Record | None:
    """What the report in `folder` wrote; None where no whole record says so."""
    try:
        kept: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        found = Record(str(kept["digest"]), dict(kept["files"]))
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return found if all(map(_below, found.files)) else None


def _below(name: object) -> bool:
    """Whether a name leads below its folder, to no file of the user's: a record is data, and may come from anywhere."""
    path = PurePosixPath(str(name))
    return not path.is_absolute() and ".." not in path.parts and str(path) not in (*WRITTEN, RECORD, ".")


def save(record: Record, folder: Path) -> None:
    """Writes the record of `folder`, whole or not at all."""
    draft = folder / f"{RECORD}.tmp"
    draft.write_text(json.dumps(asdict(record)), encoding="utf-8")
    sync(draft)
    os.replace(draft, folder / RECORD)
    sync(folder)


def files(folder: Path) -> list[str]:
    """Everything below a folder that a report alone has filled, by name."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def sums(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """SHA-256 of those of the files that are there."""
    paths = ((name, folder / name) for name in names)
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in paths if path.is_file()}


def is_report(folder: Path) -> bool:
    """Whether `folder` holds a report: one that this machine wrote, or a manifest that none but a report has."""
    found = read(folder)
    if found is not None and "manifest.json" in found.files:
        return True
    try:
        return reading.manifest(folder).keys() >= OF_A_MANIFEST
    except InputError:
        return False


def owner(folder: Path) -> Callable[[str], bool]:
    """Tells of a name whether the file of that name in `folder` is the report's to write over."""
    found = read(folder)
    if found is not None:
        return found.files.__contains__
    whole = is_report(folder)
    return lambda name: whole


def sync(path: Path) -> None:
    """Waits until a file, or a folder's list of names, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        if not path.is_dir():  # some network file systems cannot sync a folder
            raise
    finally:
        os.close(handle)
