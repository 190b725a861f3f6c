"""Content-addressed artefacts on disk. A folder that exists under its final name is complete.

    store.json                  format of the whole store
    <key[:2]>/<key>/            an artefact: its files and manifest.json
    <key[:2]>/.<key>.<pid>.tmp  one being built; only a killed process leaves it, the key's next maker removes it
    locks/<key>.lock            held while an artefact is built or moved aside; the kernel frees it with its process
    damaged/<key>-<n>/          what no longer agreed with its manifest

No decision depends on a clock: recorded times are for the reader only. Nothing is ever unpickled.
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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import BaseFileLock, FileLock, Timeout

from benchmark.errors import StoreError
from benchmark.identity import canonical
from benchmark.manifest import FORMAT, MANIFEST, examine, seal, sync
from benchmark.manifest import write_json as write_json
from benchmark.provenance import provenance

if TYPE_CHECKING:
    import torch

_FULL = (errno.ENOSPC, errno.EDQUOT)
_CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS)
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
            raise _unusable(self.root, error) from error
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
        with _one_line(self.root), self._lock(key):
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
        with _one_line(self.root):
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
        """The artefact `key`, as `find` gives it.

        Raises:
            StoreError: it is missing or damaged, or the store cannot be read.
        """
        found = self.find(key)
        if found is None:
            raise StoreError(f"store {self.root} has no intact artefact {key}: run its experiment again to make it")
        return found

    def _folder(self, key: str) -> Path:
        if not re.fullmatch("[0-9a-f]{8,64}", key):
            raise ValueError(f"{key!r} is no key: wants 8 to 64 lower-case hex digits")
        return self.root / key[:2] / key

    def _lock(self, name: str) -> BaseFileLock:
        folder = self.root / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / f"{name}.lock")

    def _remember(self, key: str, manifest: Mapping[str, Any]) -> Artefact:
        self._verified[key] = Artefact(key, self._folder(key), manifest)
        return self._verified[key]

    def _load(self, key: str) -> Artefact | None:
        """`find` for the holder of the key's lock, who alone may move the folder aside."""
        folder = self._folder(key)
        manifest, fault = examine(folder, key)
        if not fault:
            return self._remember(key, manifest)
        if folder.exists():
            (self.root / "damaged").mkdir(exist_ok=True)
            places = (self.root / "damaged" / f"{key}-{n}" for n in itertools.count(1))
            aside = next(place for place in places if not place.exists())
            os.rename(folder, aside)
            _log.warning("artefact %s is damaged (%s): moved to %s, to be made again", key, fault, aside)
        return None

    def _build(self, key: str, identity: Mapping[str, Any], build: Callable[[Path], None]) -> Artefact:
        final = self._folder(key)
        final.parent.mkdir(exist_ok=True)
        for stale in final.parent.glob(f".{key}.*.tmp"):
            shutil.rmtree(stale)
        draft = final.with_name(f".{key}.{os.getpid()}.tmp")
        try:
            draft.mkdir()
            start = time.monotonic()
            build(draft)
            seconds = round(time.monotonic() - start, 3)
            created = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds")
            manifest = seal(draft, {**identity, "created": created, "seconds": seconds, "provenance": provenance()})
            os.rename(draft, final)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        sync(final.parent)
        sync(self.root)
        return self._remember(key, manifest)


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


@contextmanager
def _one_line(root: Path) -> Iterator[None]:
    """Turns a full or closed disk below `root` into one clear line; other errors pass through."""
    try:
        yield
    except OSError as error:
        # A failed write names no file: then it is ours, since builds write nowhere else.
        ours = error.filename is None or Path(os.fsdecode(error.filename)).absolute().is_relative_to(root)
        if error.errno in (*_FULL, *_CLOSED) and ours:
            raise _unusable(root, error) from error
        raise


def _unusable(root: Path, error: OSError) -> StoreError:
    remedy = "free space there" if error.errno in _FULL else "give write permission"
    reason = error.strerror or str(error)
    return StoreError(f"store {root} cannot be used ({reason}): {remedy} or set another `store=`")
