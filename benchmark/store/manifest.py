"""The manifest of an artefact's folder: written last, and every file is held against it before it is believed.

Besides what the maker says of the artefact it lists `files` (SHA-256, bytes and time of change of each). Its first line
is the seal of the rest.

A file of the right size and time is believed until it is read: then its content is hashed. So to look through a store
takes no longer for large files than for small ones.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FORMAT = 2
MISSING = "is missing"  # how a fault ends that may be nothing but a network file system's delay
MANIFEST = "manifest.json"


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Writes JSON with sorted keys, two spaces and a final newline; NaN and infinity are refused (ValueError)."""
    path.write_bytes(_text(content))


def _text(content: Mapping[str, Any]) -> bytes:
    return f"{json.dumps(content, sort_keys=True, indent=2, allow_nan=False)}\n".encode()


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
        sync(path)  # before its time is read: a network file system sets that when the file arrives
    rest = _text({**facts, "files": {name: _facts_of(path) for name, path in files.items()}}).removeprefix(b"{\n")
    content = _first_line(rest) + rest
    (folder / MANIFEST).write_bytes(content)
    sync(folder / MANIFEST)
    sync(folder)
    return json.loads(content)


def _facts_of(path: Path) -> dict[str, Any]:
    found = path.stat()
    return {"sha256": _digest(path), "bytes": found.st_size, "mtime_ns": found.st_mtime_ns}


def _first_line(rest: bytes) -> bytes:
    """The opening of a manifest that goes on with `rest`; it has no other guard against a flipped bit."""
    return b'{"seal": "%s",\n' % hashlib.sha256(rest).hexdigest().encode()


def examine(folder: Path, key: str, hashed: bool = False) -> tuple[dict[str, Any], str]:
    """The manifest and what is wrong with the artefact: an empty text when all of it is as it was written.

    Args:
        hashed: hash every file; otherwise only those whose time has changed, as in a store that was copied.
    """
    try:
        with open(f"{folder}/{MANIFEST}", "rb") as file:
            first, rest = file.readline(), file.read()
    except OSError as error:
        return {}, _unreadable(error, MANIFEST)
    if first != _first_line(rest):
        return {}, f"{MANIFEST} is not as it was written"
    manifest = json.loads(first + rest)
    if (manifest["key"], manifest["format"]) != (key, FORMAT):
        return {}, f"{MANIFEST} is of artefact {manifest['key']} in format {manifest['format']}"
    faults = (_fault(f"{folder}/{name}", name, wants, hashed) for name, wants in manifest["files"].items())
    return manifest, next(filter(None, faults), "")


def _fault(path: str, name: str, wants: Mapping[str, Any], hashed: bool) -> str:
    try:
        found = os.stat(path)
        if found.st_size != wants["bytes"]:
            return f"{name} has {found.st_size} bytes instead of {wants['bytes']}"
        if found.st_mtime_ns == wants["mtime_ns"] and not hashed:
            return ""
        return "" if _digest(path) == wants["sha256"] else f"{name} has another checksum"
    except OSError as error:
        return _unreadable(error, name)


def read(path: Path, name: str, sha256: str) -> tuple[bytes, str]:
    """A file's content, and what is wrong with it: an empty text when it is as it was written."""
    try:
        content = path.read_bytes()
    except OSError as error:
        return b"", _unreadable(error, name)
    return content, "" if hashlib.sha256(content).hexdigest() == sha256 else f"{name} has another checksum"


def _unreadable(error: OSError, name: str) -> str:
    """The fault of a file that is not there, or no longer the one that was opened; other errors are raised again."""
    if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ESTALE):
        raise error
    return f"{name} {MISSING}"


def _digest(path: Path | str) -> str:
    with open(path, "rb") as file:
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
