"""MNIST, Fashion-MNIST, CIFAR-10 and SVHN in torchvision's folders, with its checksums. Nothing is downloaded."""

from __future__ import annotations

import gzip
import hashlib
import math
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from benchmark.compat import ensure_torchvision
from benchmark.data.base import DataSource, ImageSet, Splits
from benchmark.data.files import BYTES
from benchmark.errors import InputError
from benchmark.paths import located
from benchmark.spec.component import setting

IDX = ("MNIST", "FashionMNIST")  # sets in LeCun's idx format, grey and 28 px; the others are in colour and 32 px
CLASSES = 10  # of every set
FROM = {
    "MNIST": "MNIST (LeCun, Cortes and Burges)",
    "FashionMNIST": "Fashion-MNIST (Zalando Research)",
    "CIFAR10": "CIFAR-10 (Krizhevsky 2009)",
    "SVHN": "SVHN, cropped digits (Netzer et al. 2011)",
}


class TorchVision(DataSource, name="data/torchvision"):
    """The official test split, and the official training split with a random share of it put aside for validation.

    Pictures keep their pixels: a grey one becomes three equal channels, and one smaller than `size` gets a black border
    (MNIST's 28 px at 32: two pixels all around). What torchvision has a checksum of must fit it: the `.gz` files of
    the grey sets, CIFAR-10's batches, SVHN's `.mat` files. Unpacked idx files, for which it has none, are taken as they
    are; their content is part of the identity, packed or not. CIFAR-10's batches are pickles: torchvision unpickles
    them, which is its business, after their checksums fit.

    Attributes:
        root: torchvision's `root`, the folder of `MNIST/raw/`, `FashionMNIST/raw/`, `cifar-10-batches-py/` and
            `train_32x32.mat`.
        valid: share of the training split.
        labels: only the first so many classes; None for all ten.
    """

    root: str = setting(default="data/torchvision", stage="runtime")
    name: str = setting(default="MNIST", choices=tuple(FROM))
    size: int = setting(default=32, low=28)
    valid: float = setting(default=0.1, above=0, high=0.9)
    labels: int | None = setting(default=None, low=2, high=CLASSES)

    def check(self) -> None:
        own = 28 if self.name in IDX else 32
        if self.size < own:
            raise InputError(f"size: {self.name} has {own} pixels and is not made smaller, got {self.size}")

    def classes(self) -> int | None:
        return self.labels or CLASSES

    def content(self) -> str:
        if self.name in IDX:
            return _idx_digest(self.name, self.root)
        return hashlib.sha256(" ".join(_registered(self.name).values()).encode()).hexdigest()

    def sizes(self) -> dict[str, int]:
        counts = [int((labels < self.classes()).sum()) for labels in _labels(self.name, self.root)]
        valid = int(self.valid * counts[0])
        return {"train": counts[0] - valid, "valid": valid, "test": counts[1]}

    def load(self) -> Splits:
        train, test = (self._part(*_arrays(self.name, self.root, part)) for part in ("train", "test"))
        order = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))
        cut = int(self.valid * len(train))
        valid, rest = (ImageSet(train.images[index], train.targets[index]) for index in (order[:cut], order[cut:]))
        return Splits(rest, valid, test)

    def _part(self, pictures: np.ndarray, labels: np.ndarray) -> ImageSet:
        """Pictures (N, h, w) or (N, 3, h, w) with labels (N,) as an image set of `size`, classes left out."""
        chosen = labels < self.classes()
        images = torch.from_numpy(pictures[chosen])
        if images.ndim == 3:
            images = images[:, None].expand(-1, 3, -1, -1)
        return ImageSet(_framed(images, self.size), torch.from_numpy(labels[chosen].astype(np.int64)))


def _framed(images: Tensor, size: int) -> Tensor:
    """The images (N, C, H, W) in the middle of black squares of `size` pixels."""
    left = (size - images.shape[3]) // 2
    right = size - images.shape[3] - left
    return F.pad(images, (left, right, left, right)).contiguous()


def _kind(name: str) -> Any:
    """torchvision's class of that name."""
    ensure_torchvision()
    import torchvision

    return getattr(torchvision.datasets, name)


def _registered(name: str) -> dict[str, str]:
    """The MD5s that torchvision knows, by each file's path below `root`."""
    kind = _kind(name)
    if name in IDX:
        return {f"{name}/raw/{file}": md5 for file, md5 in kind.resources}
    if name == "SVHN":
        return {file: md5 for _, file, md5 in (kind.split_list["train"], kind.split_list["test"])}
    files = [*kind.train_list, *kind.test_list, (kind.meta["filename"], kind.meta["md5"])]
    return {f"{kind.base_folder}/{file}": md5 for file, md5 in files}


def _remedy(name: str) -> str:
    """What to fetch, from whom, and where to put it, in one line."""
    kind, files = _kind(name), [file.rpartition("/")[2] for file in _registered(name)]
    if name in IDX:
        what, where, address = ", ".join(files), f"{name}/raw in the folder", kind.mirrors[0]
    elif name == "SVHN":
        what, where, address = ", ".join(files), "the folder", kind.split_list["train"][0].rpartition("/")[0]
    else:
        what, where, address = kind.filename, "the folder", kind.url
    them = f"it, unpacked to {kind.base_folder}/," if name == "CIFAR10" else "them"
    return (
        f"Fetch {what} of {FROM[name]} from {address} and put {them} into {where} that `root` names, by default "
        "torchvision in the folder of WHOSENET_DATA."
    )


def _found(name: str, root: str) -> dict[str, Path]:
    """The set's files as they lie there, by their registered path; an idx file may have been unpacked.

    Raises:
        InputError: one is missing, or is not what torchvision has the checksum of.
    """
    folder, found = located(root), {}
    for file, md5 in _registered(name).items():
        path = folder / file
        if name in IDX and not path.is_file() and path.with_suffix("").is_file():
            found[file] = path.with_suffix("")
            continue
        if not path.is_file():
            raise InputError(f"{path}: no such file. {_remedy(name)}")
        if _md5(path, path.stat().st_mtime_ns) != md5:
            raise InputError(f"{path}: damaged or of another version, its MD5 differs; delete it. {_remedy(name)}")
        found[file] = path
    return found


@lru_cache(maxsize=32)
def _md5(path: Path, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _arrays(name: str, root: str, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (N, h, w) or (N, 3, h, w) uint8 and labels (N,) of the `train` or `test` part."""
    files = _found(name, root)
    if name in IDX:
        pictures, labels = (path for file, path in files.items() if ("/t10k" in file) == (part == "test"))
        images, classes = _decoded(pictures), _decoded(labels)
        if images.shape != (len(classes), 28, 28) or classes.ndim != 1 or not len(classes):
            raise InputError(f"{pictures}: no pictures of 28 pixels, one for each label; delete it and fetch it again")
        return images, classes
    where = str(located(root))
    if name == "SVHN":
        digits = _kind(name)(where, split=part)
        return digits.data, digits.labels
    objects = _kind(name)(where, train=part == "train")
    return objects.data.transpose(0, 3, 1, 2), np.array(objects.targets)


@lru_cache(maxsize=8)
def _labels(name: str, root: str) -> tuple[np.ndarray, np.ndarray]:
    """The labels of both parts."""
    return _arrays(name, root, "train")[1], _arrays(name, root, "test")[1]


@lru_cache(maxsize=8)
def _idx_digest(name: str, root: str) -> str:
    digest = hashlib.sha256()
    for path in _found(name, root).values():
        digest.update(_content(path))
    return digest.hexdigest()


def _content(path: Path) -> bytes:
    """An idx file's bytes.

    Raises:
        InputError: it is larger than any of them.
    """
    if path.stat().st_size > BYTES:
        raise InputError(f"{path}: has more than {BYTES:,} bytes; delete it and fetch it again")
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def _decoded(path: Path) -> np.ndarray:
    """An idx file of bytes: two zeros, the type 8, the number of axes, each axis's length (big-endian), the values.

    Raises:
        InputError: it is not one.
    """
    data = _content(path)
    axes = data[3] if data[:3] == b"\0\0\x08" else 0
    head = 4 + 4 * axes
    shape = [int.from_bytes(data[at : at + 4], "big") for at in range(4, head, 4)]
    if not axes or len(data) - head != math.prod(shape):
        raise InputError(f"{path}: no idx file of bytes, or cut off; delete it and fetch it again")
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)
