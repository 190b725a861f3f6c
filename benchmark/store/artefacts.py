"""Content-addressed artefacts on disk. A folder that exists under its final name is complete.

    store.json                  format of the whole store
    <key[:2]>/<key>/            an artefact: its files and manifest.json
    <key[:2]>/.<key>.*.tmp      one being built; only a killed process leaves it, the key's next maker removes it
    locks/<key>.lock            held while an artefact is built or moved aside; the kernel frees it with its process
    damaged/<key>-<n>/          what no longer agreed with its manifest

No decision depends on a clock: recorded times are for the reader only. Nothing is ever unpickled.

A network file system may show late what another machine wrote. So nothing is built, and nothing called damaged for want
of a file, on the word of the first look-up.
"""

from __future__ import annotations

import errno
import itertools
import json
import logging
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import BaseFileLock, FileLock, Timeout

from benchmark.errors import StoreError
from benchmark.spec.identity import canonical
from benchmark.store.disk import moved, one_line, refresh, unusable
from benchmark.store.manifest import FORMAT, MANIFEST, MISSING, examine, seal, sync
from benchmark.store.manifest import write_json as write_json
from benchmark.store.provenance import provenance

if TYPE_CHECKING:
    import torch

LATE = 2.0  # seconds in which a network file system has to show all files of a folder that it shows
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Artefact:
    """A complete artefact: where it lies and what its manifest says."""

    key: str
    folder: Path
    manifest: Mapping[str, Any]

    def tensors(self, name: str) -> dict[str, torch.Tensor]:
        """The tensors of a file that `write_tensors` wrote, on the CPU and in order of their names."""
        from safetensors.torch import load_file

        return dict(sorted(load_file(self.folder / name).items()))

    def json(self, name: str) -> dict[str, Any]:
        """The object of a file that `write_json` wrote."""
        return json.loads((self.folder / name).read_bytes())


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Writes a safetensors file whose bytes depend on the values only; tied tensors become separate copies."""
    import torch
    from safetensors.torch import save

    plain = {
        name: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    path.write_bytes(save(plain))  # not save_file, which hides a full disk in an error of its own type


class Store:
    """The artefacts below one folder; any number of processes may use it at once.

    Args:
        root: the folder, made when missing.
        clock: seconds since 1970, for the manifests' `created`.

    Raises:
        StoreError: the folder cannot be made or written, or a newer version of whosenet wrote it.
    """

    def __init__(self, root: Path | str, clock: Callable[[], float] = time.time) -> None:
        self.root = Path(root).absolute()
        self._clock = clock
        self._verified: dict[str, Artefact] = {}
        try:
            with self._lock("store"):
                found = _store_format(self.root / "store.json")
            if not os.access(self.root, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise unusable(self.root, error) from error
        if found > FORMAT:
            remedy = "update whosenet or set another `store=`"
            raise StoreError(f"store {self.root} has format {found}, this whosenet knows up to {FORMAT}: {remedy}")

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
            key: lower-case hex digits, unique to the artefact.
            spec: what the artefact is, JSON values.
            parents: keys of the artefacts it is made from, by name.
            build: writes the files, in subfolders too if it likes.
            role: the artefact's part in the experiment, for the reader of the manifest.

        Raises:
            StoreError: the disk is full or not writable. Whatever else `build` raises passes through.
        """
        identity = {"format": FORMAT, "key": key, "role": role, "spec": spec, "parents": dict(parents)}
        canonical(identity)  # what is no JSON fails here, not after hours of building
        found = self.find(key)
        if found:
            return found
        with one_line(self.root), self._lock(key):
            return self._load(key) or self._build(key, identity, build)

    def find(self, key: str) -> Artefact | None:
        """The artefact `key`, None when missing. Its files are checked when this store object first meets them.

        A damaged artefact is moved to `damaged/` with a warning and counts as missing.

        Raises:
            StoreError: the store cannot be read or written.
        """
        known, folder = self._verified.get(key), self._folder(key)
        if known and folder.is_dir():
            return known
        with one_line(self.root):
            manifest, fault = examine(folder, key)
            if not fault:
                return self._remember(key, manifest)
            if not folder.exists():
                return None
            try:
                with self._lock(key).acquire(timeout=0):
                    return self._load(key)
            except Timeout:
                return None  # somebody is replacing it just now; `make` would wait for them

    def has(self, key: str) -> bool:
        """Whether the artefact is there, its files unchecked."""
        return (self._folder(key) / MANIFEST).exists()

    def building(self, key: str) -> bool:
        """Whether some process is making the artefact just now."""
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
            StoreError: it is missing or damaged, or the store cannot be read.
        """
        found = self.find(key)
        if found is None:
            with one_line(self.root), self._lock(key):
                found = self._load(key)
        if found is None:
            raise StoreError(f"store {self.root} has no intact artefact {key}: run its experiment again to make it")
        return found

    def _folder(self, key: str) -> Path:
        if not re.fullmatch("[0-9a-f]{8,64}", key):
            raise ValueError(f"{key!r} is no key: wants 8 to 64 lower-case hex digits")
        return self.root / key[:2] / key

    def _lock(self, name: str) -> BaseFileLock:
        folder = self.root / "locks"
        with suppress(FileExistsError):
            folder.mkdir(parents=True)
        # A soft lock, made instead where the kernel has none, would outlive a process that died on another machine.
        return FileLock(folder / f"{name}.lock", fallback_to_soft=False)

    def _remember(self, key: str, manifest: Mapping[str, Any]) -> Artefact:
        self._verified[key] = Artefact(key, self._folder(key), manifest)
        return self._verified[key]

    def _load(self, key: str) -> Artefact | None:
        """`find` for the holder of the key's lock, who alone may move the folder aside."""
        folder = self._folder(key)
        with suppress(FileExistsError):
            folder.parent.mkdir()
        manifest, fault = _settled(folder, key)
        if fault and not folder.exists():
            refresh(self._draft(key, "look"))
            manifest, fault = _settled(folder, key)
        if not fault:
            return self._remember(key, manifest)
        if folder.exists():
            with suppress(FileExistsError):
                (self.root / "damaged").mkdir()
            places = (self.root / "damaged" / f"{key}-{n}" for n in itertools.count(1))
            aside = next(place for place in places if not place.exists())
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
        return self._remember(key, manifest)


def _settled(folder: Path, key: str) -> tuple[dict[str, Any], str]:
    """`examine`, repeated for a while when the folder is there and something is missing in it."""
    waited, pause = 0.0, 0.05
    while True:
        manifest, fault = examine(folder, key)
        if not fault.endswith(MISSING) or waited >= LATE or not folder.exists():
            return manifest, fault
        time.sleep(pause)
        waited, pause = waited + pause, 2 * pause


def _store_format(path: Path) -> int:
    """The format that `store.json` names; a new store gets the current one. The caller holds the store's lock."""
    if not path.exists():
        draft = path.with_suffix(".tmp")
        write_json(draft, {"format": FORMAT})
        sync(draft)
        os.replace(draft, path)
    try:
        return int(json.loads(path.read_bytes())["format"])
    except (ValueError, TypeError, LookupError):
        raise StoreError(f"{path} does not say the store's format: delete it or set another `store=`") from None
