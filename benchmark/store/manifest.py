"""The manifest of an artefact's folder: written last, and every file is held against it before it is believed.

Besides what the maker says of the artefact it lists `files` (SHA-256, bytes and time of change of each). Its first line
is the seal of the rest. That tells of accidents, not of intent: so what a sealed manifest says is checked too. It is
data and never names what is imported, and files that it does not list have no business in the folder.

A file of the right size and time is believed until it is read: then its content is hashed. So to look through a store
takes no longer for large files than for small ones.

A fault that ends in one of `PASSING` may be nothing but a delay or a failure of the moment, and is looked at again.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmark.spec.identity import key_of
from benchmark.store.disk import ROTTEN, bytes_of, opened, shown

FORMAT = 2
MANIFEST = "manifest.json"
LONGEST = 2**24  # bytes of a manifest; those of an experiment have some thousands
LARGEST = 2**36  # bytes of a file: it is read as a whole
DEEPEST = 8  # folders within folders that a build may make
MISSING, UNREADABLE, NO_FILE = "is missing", "cannot be read", "is no plain file"
PASSING = (MISSING, UNREADABLE)
_REMOVED = re.compile(r"\.nfs[0-9a-f]+")  # what NFS leaves of a file that was removed while a process has it open


class Sealed(NamedTuple):
    """What is known of a file when it is read."""

    sha256: str
    bytes: int


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Writes JSON with sorted keys, two spaces and a final newline; NaN and infinity are refused (ValueError)."""
    path.write_bytes(_text(content))


def _text(content: Mapping[str, Any]) -> bytes:
    return f"{json.dumps(content, sort_keys=True, indent=2, allow_nan=False)}\n".encode()


def seal(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Brings the folder's files to the disk, then its manifest, and returns the manifest as a reader will see it.

    Raises:
        ValueError: the facts are no JSON, or the folder has a manifest already, or what is neither file nor folder, or
            a file that is too large.
    """
    files, folders = _inside(folder), [path for path in folder.rglob("*") if path.is_dir()]
    if MANIFEST in files:
        raise ValueError(f"{MANIFEST} is the store's own file, build must not write it")
    for name, entry in files.items():
        if not entry.is_file(follow_symlinks=False):
            raise ValueError(f"{shown(name)} is no plain file, build must not write it")
        if entry.stat().st_size > LARGEST:
            raise ValueError(f"{shown(name)} has more than {LARGEST} bytes, build must not write it")
    for path in (*map(folder.joinpath, files), *folders):
        sync(path)  # before its time is read: a network file system sets that when the file arrives
    rest = _text({**facts, "files": {name: _facts_of(folder / name) for name in sorted(files)}}).removeprefix(b"{\n")
    content = _first_line(rest) + rest
    (folder / MANIFEST).write_bytes(content)
    sync(folder / MANIFEST)
    sync(folder)
    return json.loads(content)


def _inside(folder: Path | str, within: str = "", depth: int = 0) -> dict[str, os.DirEntry[str]]:
    """All that is in a folder and below it but folders, by name; links are not followed."""
    found: dict[str, os.DirEntry[str]] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            name = f"{within}{entry.name}"
            if entry.is_dir(follow_symlinks=False) and depth < DEEPEST:
                found |= _inside(entry.path, f"{name}/", depth + 1)
            elif not _REMOVED.fullmatch(entry.name):
                found[name] = entry
    return found


def _facts_of(path: Path) -> dict[str, Any]:
    found = path.stat()
    return {"sha256": _digest(path), "bytes": found.st_size, "mtime_ns": found.st_mtime_ns}


def _first_line(rest: bytes) -> bytes:
    """The opening of a manifest that goes on with `rest`; it has no other guard against a flipped bit."""
    return b'{"seal": "%s",\n' % hashlib.sha256(rest).hexdigest().encode()


def examine(folder: Path, key: str) -> tuple[dict[str, Any], str]:
    """The manifest and what is wrong with the artefact: an empty text when all of it is as it was written.

    Files are hashed whose time has changed, as in a store that was copied.
    """
    try:
        sealed, inside = bytes_of(f"{folder}/{MANIFEST}", LONGEST), _inside(folder)
    except OSError as error:
        return {}, f"{MANIFEST} {_unreadable(error)}"
    if not sealed.startswith(_first_line(sealed.partition(b"\n")[2])):
        return {}, f"{MANIFEST} is not as it was written"
    manifest, fault = _understood(sealed, key)
    return manifest, fault or _fault_inside(inside, manifest["files"])


def _understood(content: bytes, key: str) -> tuple[dict[str, Any], str]:
    """A sealed manifest, and what is wrong with it: whoever writes one can seal it too."""
    try:
        manifest = json.loads(content)
        stated, version, spec = manifest["key"], manifest["format"], manifest["spec"]
        if (stated, version) != (key, FORMAT):
            return {}, f"{MANIFEST} is of artefact {shown(stated)} in format {shown(version)}"
        if key_of(spec) != key:
            return {}, f"{MANIFEST} tells of another artefact than its key"
        if spec.get("parents", {}) != manifest["parents"]:
            return {}, f"{MANIFEST} names other parents than its key"
        if _typed(manifest):
            return manifest, ""
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        pass
    return {}, f"{MANIFEST} is no manifest"


def _typed(manifest: Mapping[str, Any]) -> bool:
    """Whether the store can reckon with what it takes from a manifest."""
    seconds, files = manifest["seconds"], manifest["files"].values()
    return (
        type(seconds) in (int, float)
        and 0 <= seconds <= sys.float_info.max
        and all(type(facts["sha256"]) is str for facts in files)
        and all(type(facts["mtime_ns"]) is int for facts in files)
        and all(type(facts["bytes"]) is int and 0 <= facts["bytes"] <= LARGEST for facts in files)
    )


def _fault_inside(inside: dict[str, os.DirEntry[str]], wanted: Mapping[str, Mapping[str, Any]]) -> str:
    """What is wrong with the files, which are exactly those that the manifest lists."""
    inside.pop(MANIFEST, None)  # a server may list it later than it hands it out
    for name, entry in inside.items():
        if name not in wanted:
            return f"{shown(name)} is not in its {MANIFEST}"
        if fault := _fault(entry, wanted[name]):
            return f"{shown(name)} {fault}"
    absent = next((name for name in wanted if name not in inside), None)
    return "" if absent is None else f"{shown(absent)} {MISSING}"


def _fault(entry: os.DirEntry[str], wants: Mapping[str, Any]) -> str:
    try:
        if not entry.is_file(follow_symlinks=False):
            return NO_FILE
        found = entry.stat(follow_symlinks=False)
        if found.st_size != wants["bytes"]:
            return f"has {found.st_size} bytes instead of {wants['bytes']}"
        if found.st_mtime_ns == wants["mtime_ns"]:
            return ""
        return "" if _digest(entry.path) == wants["sha256"] else "has another checksum"
    except OSError as error:
        return _unreadable(error)


def read(path: Path, wants: Sealed) -> tuple[bytes, str]:
    """A file's content, and what is wrong with it: an empty text when it is as it was written."""
    try:
        found = bytes_of(path, wants.bytes)
    except OSError as error:
        return b"", _unreadable(error)
    return found, "" if hashlib.sha256(found).hexdigest() == wants.sha256 else "has another checksum"


def _unreadable(error: OSError) -> str:
    """The fault of a file that is not there, no file, rotten, or not the one that was opened; others are raised again.

    What is closed to this user is not damaged.
    """
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ESTALE):
        return MISSING
    if error.errno in (errno.EISDIR, errno.ELOOP, errno.ENXIO, errno.ENAMETOOLONG):
        return NO_FILE
    if error.errno in ROTTEN:
        return UNREADABLE
    raise error


def _digest(path: Path | str) -> str:
    with opened(path) as file:
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
