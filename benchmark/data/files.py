"""Data sets of picture files in a folder or a zip: a listing says which file belongs to which split and target."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import ClassVar

import numpy as np
import torch
from PIL import Image

from benchmark.data.base import DataSource, ImageSet, Splits
from benchmark.errors import InputError
from benchmark.paths import located
from benchmark.spec.component import setting

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
Listing = list[tuple[str, float]]  # (name of a file, target)
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, zipfile.BadZipFile, zlib.error)  # Pillow's and zipfile's


class Files:
    """A folder or a zip file, its entries by their path with slashes.

    `~` in `root` is the home folder, and `.zip` may be left out.

    Raises:
        InputError: there is neither at `root`; `remedy` says what to fetch, from whom, and where to put it.
    """

    def __init__(self, root: str, remedy: str) -> None:
        self.root, self.remedy = located(root), remedy
        if not self.root.exists():
            self.root = self.root.with_name(f"{self.root.name}.zip")
        if not self.root.exists():
            raise InputError(f"{root}: no such folder or zip file. {remedy}")
        try:
            self._zip = None if self.root.is_dir() else zipfile.ZipFile(self.root)
        except zipfile.BadZipFile:
            raise InputError(f"{root}: neither a folder nor a zip file. {remedy}") from None
        self.sizes = self._sizes()

    def _sizes(self) -> dict[str, int]:
        """Bytes of every file by name, in order of names."""
        if self._zip is not None:
            found = {entry.filename: entry.file_size for entry in self._zip.infolist() if not entry.is_dir()}
        else:
            files = (path for path in self.root.rglob("*") if path.is_file())
            found = {path.relative_to(self.root).as_posix(): path.stat().st_size for path in files}
        return dict(sorted(found.items()))

    def pictures(self) -> list[str]:
        """The names of all picture files, in order; not what a Mac adds (`__MACOSX/`, `._name.jpg`)."""
        found = (name for name in self.sizes if name.lower().endswith(SUFFIXES))
        return [name for name in found if not name.startswith("__MACOSX/") and not base_name(name).startswith(".")]

    def find(self, name: str) -> str:
        """The entry whose last part is `name`.

        Raises:
            InputError: there is none.
        """
        for entry in self.sizes:
            if base_name(entry) == name:
                return entry
        raise InputError(f"{self.root}: holds no {name}. {self.remedy}")

    def read(self, name: str) -> bytes:
        """The content of a file."""
        return self._zip.read(name) if self._zip is not None else (self.root / name).read_bytes()

    def picture(self, name: str, size: int) -> np.ndarray:
        """A picture as (3, size, size) uint8 RGB, both sides brought to `size` (bicubic), whatever its proportions.

        Raises:
            InputError: the file is no picture.
        """
        try:
            with Image.open(io.BytesIO(self.read(name))) as opened:
                return to_square(opened, size)
        except _UNREADABLE as error:
            raise InputError(f"{self.root}: {name} is no readable picture ({error})") from None


def base_name(name: str) -> str:
    """The last part of an entry's path."""
    return name.rsplit("/", 1)[-1]


def folder_name(name: str) -> str:
    """The last part but one of an entry's path, empty at the top."""
    return name.split("/")[-2] if "/" in name else ""


def to_square(image: Image.Image, size: int) -> np.ndarray:
    """A picture as (3, size, size) uint8 RGB, bicubic, whatever its proportions; grey becomes three equal channels."""
    square = image.convert("RGB").resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(square).transpose(2, 0, 1)


class PictureSource(DataSource):
    """What sources of picture files share; a subclass says in `listing` which file is what.

    `root` is a folder or a zip file. Where it lies is no part of a result's identity; which files are used, their
    sizes, splits and targets are.
    """

    root: str = setting(default="data", stage="runtime")
    size: int = setting(default=56, low=8)

    remedy: ClassVar[str]  # what to fetch, from whom, and where to put it
    dtype: ClassVar[torch.dtype] = torch.int64

    @abstractmethod
    def listing(self, files: Files) -> tuple[Listing, Listing, Listing]:
        """The pictures of the training, validation and test split with their targets."""

    def load(self) -> Splits:
        files = Files(self.root, self.remedy)
        return Splits(*(self._read(files, part) for part in _listed(self)))

    def classes(self) -> int | None:
        if self.dtype.is_floating_point:
            return None
        return 1 + int(max(target for _, target in _listed(self)[0]))

    def sizes(self) -> dict[str, int]:
        return dict(zip(("train", "valid", "test"), map(len, _listed(self)), strict=True))

    def content(self) -> str:
        return _digest(self)

    def _picture(self, files: Files, name: str) -> np.ndarray:
        """One picture as (3, size, size) uint8."""
        return files.picture(name, self.size)

    def _read(self, files: Files, part: Listing) -> ImageSet:
        images = np.empty((len(part), 3, self.size, self.size), np.uint8)
        for i, (name, _) in enumerate(part):
            images[i] = self._picture(files, name)
        return ImageSet(torch.from_numpy(images), torch.tensor([target for _, target in part], dtype=self.dtype))


class DividedSource(PictureSource):
    """Picture files that come without an official split: shares for training and validation, the rest is the test."""

    train: float = setting(default=0.7, above=0, high=0.98)
    valid: float = setting(default=0.1, above=0, high=0.98)

    def check(self) -> None:
        if self.train + self.valid >= 1:
            raise InputError(f"valid: train + valid must leave a share for the test, got {self.train + self.valid:g}")

    @property
    def shares(self) -> tuple[float, float]:
        """The shares of all parts but the last, as `divide` takes them."""
        return self.train, self.valid


@lru_cache(maxsize=32)
def _listed(source: PictureSource) -> tuple[Listing, Listing, Listing]:
    parts = source.listing(Files(source.root, source.remedy))
    if not all(parts):
        raise InputError(f"{source.root}: too few pictures to fill a training, validation and test split")
    return parts


@lru_cache(maxsize=32)
def _digest(source: PictureSource) -> str:
    """SHA-256 over names, sizes in bytes, splits and targets of all files that are used."""
    total, bytes_of = hashlib.sha256(), Files(source.root, source.remedy).sizes
    for split, part in enumerate(_listed(source)):
        for name, target in part:
            total.update(f"{split} {name} {bytes_of[name]} {target!r}\n".encode())
    return total.hexdigest()


def divide(groups: Sequence[Sequence[int]], shares: Iterable[float], seed: int = 0) -> list[list[int]]:
    """Members of groups (a lesion, a person) dealt into parts so that no group is torn; whole groups in random order.

    Args:
        groups: the member numbers of each group.
        shares: the share of all members for each part but the last, which takes the rest.
        seed: of the order of the groups.
    """
    total = sum(map(len, groups))
    bounds = np.cumsum([share * total for share in shares])
    parts: list[list[int]] = [[] for _ in range(len(bounds) + 1)]
    dealt = 0
    for place in torch.randperm(len(groups), generator=torch.Generator().manual_seed(seed)).tolist():
        middle = dealt + len(groups[place]) / 2
        parts[int(np.searchsorted(bounds, middle))].extend(groups[place])
        dealt += len(groups[place])
    return [sorted(part) for part in parts]
