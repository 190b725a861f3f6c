"""What lies in a store and serves nobody: found without touching it, deleted only when nobody is at work there.

That is what was damaged and moved aside, drafts and notes that a killed process left, saves of trainings whose artefact
is done, notes of failures that were made good, locks of no artefact. Artefacts and saves that an experiment does not
refer to are another's, or nobody's: they count only for whoever says which experiments there are.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from benchmark.errors import StoreError
from benchmark.store.format import check_format
from benchmark.store.manifest import MANIFEST

_KEY = "[0-9a-f]{8,64}"


@dataclass(frozen=True)
class Piece:
    """Something to delete: `kind` says why, `size` is in bytes."""

    kind: str
    path: Path
    size: int


def pieces(root: Path, referred: Collection[str] | None = None) -> list[Piece]:
    """What may be deleted of the store below `root`, which is not changed.

    Args:
        referred: keys of all that experiments refer to; what has another key counts then. None: nothing is known of it.

    Raises:
        StoreError: there is no store, or one of another format.
    """
    stated = root / "store.json"
    if not stated.is_file():
        raise StoreError(f"store {root} is none, it has no store.json: set another `store=`")
    check_format(stated)
    found = [*_leftovers(root), *(_unreferred(root, referred) if referred is not None else ())]
    known: dict[Path, Piece] = {}
    for kind, path in found:
        known.setdefault(path, Piece(kind, path, _size(path)))
    return sorted(known.values(), key=lambda piece: (piece.kind, piece.path))


def held(root: Path) -> list[str]:
    """The names of the locks that somebody holds just now."""
    return [path.stem for path in sorted((root / "locks").glob("*.lock")) if not _if_free(path, lambda: None)]


def delete(root: Path, piece: Piece) -> bool:
    """Deletes it, unless somebody has taken its lock meanwhile; returns whether it is gone."""
    key = _key_of(piece.path.name)
    if not key:
        _remove(piece.path)
        return True
    lock = root / "locks" / f"{key}.lock"
    return _if_free(lock, lambda: _remove(piece.path))


def _leftovers(root: Path) -> Iterator[tuple[str, Path]]:
    """What serves nobody, whatever experiments there are."""
    yield from (("damaged", path) for path in _inside(root / "damaged"))
    for path in _drafts(root):
        yield "abandoned draft", path
    for path in _inside(root / "unfinished"):
        if _done(root, path.name):
            yield "save of a finished training", path
    for path in _inside(root / "failures"):
        if _done(root, path.stem):
            yield "note of a failure made good", path
    for path in _inside(root / "making"):
        if _if_free(root / "locks" / f"{path.stem}.lock", lambda: None):
            yield "note of a process that is gone", path
    for path in _inside(root / "locks"):
        if re.fullmatch(_KEY, path.stem) and path.suffix == ".lock" and not _done(root, path.stem):
            yield "lock of nothing", path


def _unreferred(root: Path, referred: Collection[str]) -> Iterator[tuple[str, Path]]:
    for folder in _inside(root):
        if re.fullmatch("[0-9a-f]{2}", folder.name):
            for path in _inside(folder):
                if re.fullmatch(_KEY, path.name) and path.name not in referred:
                    yield "artefact of no named experiment", path
                    if (lock := root / "locks" / f"{path.name}.lock").exists():
                        yield "lock of nothing", lock
    for path in _inside(root / "unfinished"):
        if re.fullmatch(_KEY, path.name) and path.name not in referred:
            yield "save of no named experiment", path
    for path in _inside(root / "failures"):
        if re.fullmatch(_KEY, path.stem) and path.stem not in referred:
            yield "note of a failure in no named experiment", path


def _drafts(root: Path) -> Iterator[Path]:
    """Artefacts that were being built, of which nobody holds the lock, and what was to become store.json."""
    for folder in _inside(root):
        if re.fullmatch("[0-9a-f]{2}", folder.name):
            for path in _inside(folder):
                key = _key_of(path.name)
                if key and path.name.startswith(f".{key}.") and _if_free(root / "locks" / f"{key}.lock", lambda: None):
                    yield path
        elif folder.name == "store.tmp" or folder.name.startswith(".probe."):
            yield folder


def _inside(folder: Path) -> list[Path]:
    """What a folder of the store holds; nothing where a link stands in its place, which leads out of the store."""
    if folder.is_symlink():
        return []
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _done(root: Path, key: str) -> bool:
    return (root / key[:2] / key / MANIFEST).exists()


def _key_of(name: str) -> str:
    """The key in a name that the store gives: KEY, KEY.lock, KEY.txt, KEY-1 and .KEY.1234.make.tmp."""
    match = re.match(rf"\.?({_KEY})(?![0-9a-f])", name)
    return match[1] if match else ""


def _size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; links are not followed."""
    total = path.lstat().st_size if not path.is_dir() or path.is_symlink() else 0
    if not total and path.is_dir() and not path.is_symlink():
        for folder, _, names in os.walk(path):
            for name in names:
                with suppress(OSError):
                    total += os.lstat(os.path.join(folder, name)).st_size
    return total


def _if_free(lock: Path, act: Callable[[], None]) -> bool:
    """Does something while holding a lock, unless somebody else holds it; a lock that does not exist is not made."""
    if not lock.exists() and not lock.is_symlink():
        act()
        return True
    if lock.is_symlink() or not lock.is_file():
        return False  # none that the store has made: to open it might do anything
    try:
        with FileLock(lock, timeout=0, fallback_to_soft=False):
            act()
    except Timeout:
        return False
    return True


def _remove(path: Path) -> None:
    """Removes a file or a folder. A folder gets the name of a draft first: a kill leaves no half of an artefact."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    draft = path
    if re.fullmatch(_KEY, path.name):
        draft = path.with_name(f".{path.name}.{os.getpid()}.gc.tmp")
        os.rename(path, draft)
    shutil.rmtree(draft)
