"""Content-addressed artefacts on disk. A folder that exists under its final name is complete.

    store.json                  format of the whole store
    <key[:2]>/<key>/            an artefact: its files and manifest.json
    <key[:2]>/.<key>.*.tmp      one being built; only a killed process leaves it, the key's next maker removes it
    locks/<key>.lock            held while an artefact is built or moved aside; the kernel frees it with its process
    damaged/<key>-<n>/          what no longer agreed with its manifest

No decision depends on a clock: a file whose time has changed is hashed, nothing more. Nothing is ever unpickled.

A network file system may show late what another machine wrote. So nothing is built, and nothing called damaged for want
of a file, on the word of the first look-up; nor because a disk fails to read once.
"""

from __future__ import annotations

import errno
import itertools
import logging
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import BaseFileLock, FileLock, Timeout

from benchmark.errors import Damaged, StoreError
from benchmark.spec.identity import key_of
from benchmark.store.content import Artefact as Artefact
from benchmark.store.content import write_tensors as write_tensors
from benchmark.store.disk import building, moved, one_line, present, refresh, unusable
from benchmark.store.format import check_format, state_format
from benchmark.store.manifest import FORMAT, MANIFEST, PASSING, Sealed, examine, seal, sync
from benchmark.store.manifest import write_json as write_json
from benchmark.store.provenance import provenance

LATE = 2.0  # seconds in which all files of a folder that shows have to show too and to be readable
_log = logging.getLogger(__name__)


class Store:
    """The artefacts below one folder; any number of processes may use it at once.

    Args:
        root: the folder, made when missing.
        clock: seconds since 1970, for the manifests' `created`.

    Raises:
        StoreError: the folder cannot be made or written, or another version of whosenet wrote it.
    """

    def __init__(self, root: Path | str, clock: Callable[[], float] = time.time) -> None:
        self.root = Path(root).absolute()
        self._clock = clock
        self._verified: dict[str, Artefact] = {}
        stated = self.root / "store.json"
        try:
            check_format(stated)  # first of all, so that another version's store is left as it is
            with self._lock("store"):
                state_format(stated)
            check_format(stated)
            if not os.access(self.root, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise unusable(self.root, error) from error

    def make(
        self,
        key: str,
        spec: Mapping[str, Any],
        parents: Mapping[str, str],
        build: Callable[[Path], None],
        role: str = "",
    ) -> Artefact:
        """The artefact `key`; calls `build` with an empty folder to fill unless the store has it.

        Of several callers at once, in whatever processes, one builds and the others wait. A failure leaves nothing.

        Args:
            key: of the spec, by `key_of`.
            spec: what the artefact is, JSON values; its `parents`, if any, are those given.
            parents: keys of the artefacts it is made from, by name.
            build: writes the files, in subfolders too if it likes.
            role: the artefact's part in the experiment, for the reader of the manifest.

        Raises:
            StoreError: the disk is full or not writable. Whatever else `build` raises passes through.
        """
        if key_of(spec) != key or spec.get("parents", {}) != parents:  # what is no JSON fails here too
            raise ValueError(f"artefact {key}: its key and parents are not those of its spec")
        identity = {"format": FORMAT, "key": key, "role": role, "spec": spec, "parents": dict(parents)}
        found = self.find(key)
        if found:
            return found
        with one_line(self.root), self._lock(key):
            return self._load(key) or self._build(key, identity, build)

    def find(self, key: str) -> Artefact | None:
        """The artefact `key`, None when missing. Its files are checked when this store object first meets them.

        A damaged artefact is moved to `damaged/` with a warning and counts as missing. Contents are hashed where a
        file's time has changed; elsewhere not before they are read.

        Raises:
            StoreError: the store cannot be read or written.
        """
        known, folder = self._verified.get(key), self._folder(key)
        with one_line(self.root):
            if known and folder.is_dir():
                return known
            self._verified.pop(key, None)  # it was moved aside; what is made in its place has files of its own
            found, _ = self._look(key)
            if found:
                return self._remember(found)
            if not present(folder):
                return None
            try:
                with self._lock(key).acquire(timeout=0):
                    return self._load(key)
            except Timeout:
                return None  # somebody is replacing it just now; `make` would wait for them

    def recheck(self, key: str) -> Artefact | None:
        """`find` for an artefact that was `Damaged` when it was read: all its files are read, whatever their times.

        Waits for whoever makes or moves it.

        Raises:
            StoreError: the store cannot be read or written.
        """
        self._verified.pop(key, None)
        with one_line(self.root), self._lock(key):
            return self._load(key, whole=True)

    def has(self, key: str) -> bool:
        """Whether the artefact is there, its files unchecked."""
        with one_line(self.root):
            return present(self._folder(key) / MANIFEST)

    def building(self, key: str) -> bool:
        """Whether some process is making the artefact just now."""
        with one_line(self.root):
            if not any(self._folder(key).parent.glob(f".{key}.*.tmp")):
                return False
            try:
                with self._lock(key).acquire(timeout=0):
                    return False  # a draft that a killed process left
            except Timeout:
                return True

    def open(self, key: str) -> Artefact:
        """The artefact `key`, as `find` gives it; waits for whoever makes it, and for a server that shows it late.

        Raises:
            Damaged: it is missing, or was damaged and is aside now; to be made again before whoever needs it.
            StoreError: the store cannot be read.
        """
        found = self.find(key)
        if found is None:
            with one_line(self.root), self._lock(key):
                found = self._load(key)
        if found is None:
            raise Damaged(key, "it is gone")
        return found

    def _folder(self, key: str) -> Path:
        if not re.fullmatch("[0-9a-f]{8,64}", key):
            raise ValueError(f"{key!r} is no key: it needs 8 to 64 lower-case hex digits")
        return self.root / key[:2] / key

    def _lock(self, name: str) -> BaseFileLock:
        folder = self.root / "locks"
        with suppress(FileExistsError):
            folder.mkdir(parents=True)
        # A soft lock, made instead where the kernel has none, would outlive a process that died on another machine.
        return FileLock(folder / f"{name}.lock", fallback_to_soft=False)

    def _remember(self, found: Artefact) -> Artefact:
        self._verified[found.key] = found
        return found

    def _look(self, key: str, whole: bool = False) -> tuple[Artefact | None, str]:
        """The artefact unless something is wrong with it, and what that is; `whole`: when all files are read."""
        folder = self._folder(key)
        manifest, fault = examine(folder, key)
        if fault:
            return None, fault
        found = _artefact(folder, manifest)
        fault = found.fault() if whole else ""
        return (None if fault else found), fault

    def _settled(self, key: str, whole: bool) -> tuple[Artefact | None, str]:
        """`_look`, repeated for a while when the folder is there and something is missing in it or cannot be read."""
        waited, pause = 0.0, 0.05
        while True:
            found, fault = self._look(key, whole)
            if not fault.endswith(PASSING) or waited >= LATE or not present(self._folder(key)):
                return found, fault
            time.sleep(pause)
            waited, pause = waited + pause, 2 * pause

    def _load(self, key: str, whole: bool = False) -> Artefact | None:
        """`find` for the holder of the key's lock, who alone may move the folder aside."""
        folder = self._folder(key)
        with suppress(FileExistsError):
            folder.parent.mkdir()
        found, fault = self._settled(key, whole)
        if fault and not present(folder):
            refresh(self._draft(key, "look"))
            found, fault = self._settled(key, whole)
        if found:
            return self._remember(found)
        if present(folder):
            with suppress(FileExistsError):
                (self.root / "damaged").mkdir()
            places = (self.root / "damaged" / f"{key}-{n}" for n in itertools.count(1))
            aside = next(place for place in places if not present(place))
            os.rename(folder, aside)
            _log.warning("artefact %s is damaged (%s): moved to %s, to be made again", key, fault, aside)
        return None

    def _draft(self, key: str, purpose: str = "make") -> Path:
        return self._folder(key).with_name(f".{key}.{os.getpid()}.{purpose}.tmp")

    def _build(self, key: str, identity: Mapping[str, Any], build: Callable[[Path], None]) -> Artefact:
        final = self._folder(key)
        for stale in final.parent.glob(f".{key}.*.tmp"):
            shutil.rmtree(stale, ignore_errors=True)  # a network file system may list one that is gone
        draft = self._draft(key)
        try:
            draft.mkdir()
            start = time.monotonic()
            with building(self.root):
                build(draft)
            seconds = round(time.monotonic() - start, 3)
            created = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds")
            manifest = seal(draft, {**identity, "created": created, "seconds": seconds, "provenance": provenance()})
            taken = not moved(draft, final)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        if taken:
            shutil.rmtree(draft, ignore_errors=True)
            _log.warning("artefact %s was made elsewhere meanwhile: locks of this file system do not reach there", key)
            found = self._load(key)
            if found is None:
                raise StoreError(f"store {self.root} has an artefact {key} that is damaged or does not show: run again")
            return found
        sync(final.parent)
        sync(self.root)
        return self._remember(_artefact(final, manifest))


def _artefact(folder: Path, manifest: Mapping[str, Any]) -> Artefact:
    files = {name: Sealed(facts["sha256"], facts["bytes"]) for name, facts in manifest["files"].items()}
    return Artefact(manifest["key"], folder, manifest["seconds"], files)
