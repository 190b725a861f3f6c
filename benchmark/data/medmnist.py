"""MedMNIST v2 (Yang et al. 2023): medical pictures of 28 px, and of 64 to 224 px in MedMNIST+; official splits."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from PIL import Image

from benchmark.compat import ensure_torchvision
from benchmark.data.base import DataSource, ImageSet, Splits
from benchmark.data.pictures import to_square
from benchmark.errors import InputError, near_misses
from benchmark.paths import located
from benchmark.spec.component import setting

RESOLUTIONS = (28, 64, 128, 224)
PARTS = ("train", "val", "test")


class MedMnist(DataSource, name="data/medmnist"):
    """Any single-label 2-D set; grey pictures become three equal channels, `size` other than `resolution` is bicubic.

    The file's MD5 is checked before it is used. `download: true` fetches it once, which is never done unasked.
    """

    root: str = setting(default="data/medmnist", stage="runtime")
    flag: str = "dermamnist"
    resolution: int = setting(default=28)
    size: int = setting(default=224, low=8)
    download: bool = setting(default=False, stage="runtime")

    def check(self) -> None:
        if self.resolution not in RESOLUTIONS:
            raise InputError(f"resolution: {self.resolution} is none of {', '.join(map(str, RESOLUTIONS))}")
        known = {name for name in _info() if not name.endswith("3d")}
        if self.flag not in known:
            raise InputError(f"flag: {self.flag!r} is no 2-D set of MedMNIST, {near_misses(self.flag, known)}")
        if "multi-label" in _info()[self.flag]["task"]:
            raise InputError(f"flag: {self.flag} has several labels a picture, classification wants exactly one")

    def classes(self) -> int | None:
        return len(_info()[self.flag]["label"])

    def content(self) -> str:
        return self._published("MD5")

    def sizes(self) -> dict[str, int]:
        with np.load(self._file()) as arrays:
            counts = [len(arrays[f"{part}_labels"]) for part in PARTS]
        return dict(zip(("train", "valid", "test"), counts, strict=True))

    def load(self) -> Splits:
        with np.load(self._file()) as arrays:
            return Splits(*(self._read(arrays[f"{part}_images"], arrays[f"{part}_labels"]) for part in PARTS))

    def _read(self, pictures: np.ndarray, labels: np.ndarray) -> ImageSet:
        images = np.empty((len(pictures), 3, self.size, self.size), np.uint8)
        for i, picture in enumerate(pictures):
            images[i] = to_square(Image.fromarray(picture), self.size)
        return ImageSet(torch.from_numpy(images), torch.from_numpy(labels.astype(np.int64)).squeeze(1))

    def _file(self) -> Path:
        """The npz file, fetched first if that is asked for. Of one that is not what was published nothing is opened.

        Raises:
            InputError: it is not there, cannot be fetched, or has another MD5.
        """
        path = located(self.root) / self._name()
        if not path.exists() and self.download:
            self._fetch(path)
        if not path.is_file():
            raise InputError(f"{path}: no such file. {self._remedy()}")
        if _md5(path, path.stat().st_mtime_ns) != self._published("MD5"):
            raise InputError(f"{path}: damaged or of another version, its MD5 differs; delete it. {self._remedy()}")
        return path

    def _fetch(self, path: Path) -> None:
        """Downloads, with a bar, to a name of its own first, so that half a file is never taken for the whole."""
        ensure_torchvision()
        from torchvision.datasets.utils import download_url

        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):
            if path.exists():
                return
            try:
                download_url(self._published("url"), str(path.parent), f"{path.name}.part", self._published("MD5"))
            except (OSError, RuntimeError) as error:
                raise InputError(f"{path}: the download failed ({error}). {self._remedy()}") from None
            os.replace(f"{path}.part", path)

    def _name(self) -> str:
        return f"{self.flag}{self._suffix()}.npz"

    def _suffix(self) -> str:
        return "" if self.resolution == 28 else f"_{self.resolution}"

    def _published(self, key: str) -> str:
        return str(_info()[self.flag][f"{key}{self._suffix()}"])

    def _remedy(self) -> str:
        licence = _info()[self.flag].get("license", "CC BY 4.0")
        return (
            f"Fetch {self._name()} of MedMNIST (Zenodo, {self._published('url')}; {licence}) and put it into the "
            "folder that the data's setting root names, by default medmnist in the folder of WHOSENET_DATA; or set "
            "download=true there."
        )


def _info() -> dict[str, Any]:
    """MedMNIST's own register: by flag the labels, the kind of task, addresses and MD5s."""
    from medmnist.info import INFO

    return INFO


@lru_cache(maxsize=8)
def _md5(path: Path, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()
