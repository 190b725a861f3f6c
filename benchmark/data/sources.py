"""Data sets of picture files in a folder or a zip: a listing says which file belongs to which split and target."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import ClassVar

import numpy as np
import torch

from benchmark.data.base import DataSource, ImageSet, Splits
from benchmark.data.contents import digests
from benchmark.data.files import Files
from benchmark.errors import InputError
from benchmark.spec.component import setting

Listing = list[tuple[str, float]]  # (name of a file, target)

# Once names and sizes were all that a digest told of files, and results were stored under such digests. The sets that
# they were made of keep theirs, no other contents have them. Each is known by the SHA-256 over its digests and names.
FIRST = {
    "633aba0d8c38530360b1fe16a0f6c692f2789f9ec911d3c2c57926f9bfaf2175": "ham10000_200x150",
    "6392a05f7e8874b3804b0f9feea10eb889e776d07be28f8c113d783a59b6275e": "utkface1002_200",
    "f1f46d6600cbaedd5b9510d1109b45e50906beafb6485592ffc778877ff957ae": "facescrub12_112",
    "91ae0e4cea27c0fa8734c9f0ed23300940d5f32c941dcbbb7862c122d9cd7af6": "cifar10_jpeg_12000",
    "c8e358018fb41db4c6d7fc68319bb7c4aebe7309aae0982ea2e1ada24c5de3c8": "mnist_png_25000",
    "a6156bff9a1b9df20957380c373ca7f253dc44c1175b4cf79dbfcd3cf8ea6af1": "gtsrb_32_7992",
}


class PictureSource(DataSource):
    """What sources of picture files share; a subclass says in `listing` which file is what.

    `root` is a folder or a zip file. Where it lies is no part of a result's identity; which files are used, their
    contents, splits and targets are.
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
    """SHA-256 over names, sizes in bytes, splits, targets and contents of all files that are used."""
    files, parts = Files(source.root, source.remedy), _listed(source)
    total, told = hashlib.sha256(), hashlib.sha256()
    for split, part in enumerate(parts):
        for name, target in part:
            total.update(f"{split} {name} {files.sizes[name]} {target!r}\n".encode())
    for name, digest in digests(files, sorted(name for part in parts for name, _ in part)).items():
        told.update(f"{digest} {name}\n".encode())
    if told.hexdigest() not in FIRST:
        total.update(told.digest())
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
