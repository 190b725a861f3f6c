"""The manifest of an artefact's folder: written last, and every file is held against it before it is believed.

Besides what the maker says of the artefact it lists `files` (SHA-256 and bytes of each) and its own `seal`.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.spec.identity import canonical

FORMAT = 1
MISSING = "is missing"  # how a fault ends that may be nothing but a network file system's delay
MANIFEST = "manifest.json"


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Writes JSON with sorted keys, two spaces and a final newline; NaN and infinity are refused (ValueError)."""
    text = json.dumps(content, sort_keys=True, indent=2, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def seal(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Brings the folder's files to the disk, then its manifest, and returns the manifest as a reader will see it.

    Raises:
        ValueError: the facts are no JSON, or the folder has a manifest already.
    """
    inside = sorted(folder.rglob("*"))
    files = {path.relative_to(folder).as_posix(): path for path in inside if path.is_file()}
    if MANIFEST in files:
        raise ValueError(f"{MANIFEST} is the store's own file, build must not write it")
    for path in inside:
        sync(path)
    sums = {name: {"sha256": _digest(path), "bytes": path.stat().st_size} for name, path in files.items()}
    manifest = json.loads(canonical({**facts, "files": sums}))
    manifest["seal"] = _seal_of(manifest)
    write_json(folder / MANIFEST, manifest)
    sync(folder / MANIFEST)
    sync(folder)
    return manifest


def _seal_of(manifest: Mapping[str, Any]) -> str:
    """Checksum of everything else in the manifest, which has no other guard against a flipped bit."""
    return hashlib.sha256(canonical({k: v for k, v in manifest.items() if k != "seal"}).encode()).hexdigest()


def examine(folder: Path, key: str) -> tuple[dict[str, Any], str]:
    """The manifest and what is wrong with the artefact: an empty text when all of it is as it was written."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        if manifest["seal"] != _seal_of(manifest):
            return {}, f"{MANIFEST} is not as it was written"
    except OSError as error:
        return {}, _unreadable(error, MANIFEST)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return {}, f"{MANIFEST} is no manifest"
    if (manifest["key"], manifest["format"]) != (key, FORMAT):
        return {}, f"{MANIFEST} is of artefact {manifest['key']} in format {manifest['format']}"
    faults = (_fault(folder / name, name, wants) for name, wants in manifest["files"].items())
    return manifest, next(filter(None, faults), "")


def _fault(path: Path, name: str, wants: Mapping[str, Any]) -> str:
    try:
        size = path.stat().st_size
        if size != wants["bytes"]:
            return f"{name} has {size} bytes instead of {wants['bytes']}"
        return "" if _digest(path) == wants["sha256"] else f"{name} has another checksum"
    except OSError as error:
        return _unreadable(error, name)


def _unreadable(error: OSError, name: str) -> str:
    """The fault of a file that is not there, or no longer the one that was opened; other errors are raised again."""
    if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ESTALE):
        raise error
    return f"{name} {MISSING}"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Waits until the file, or the folder's list of names, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot sync a folder
            raise
    finally:
        os.close(handle)
