"""Any folder of classes: `CLASS/*.png`, or `SPLIT/CLASS/*.png` where there is an official split."""

from __future__ import annotations

from collections import defaultdict
from typing import ClassVar

import numpy as np

from benchmark.data.files import Files, folder_name
from benchmark.data.sources import DividedSource, Listing, divide
from benchmark.errors import InputError
from benchmark.spec.component import setting

SPLITS = {"train": 0, "training": 0, "valid": 1, "val": 1, "validation": 1, "test": 2}


class ImageFolder(DividedSource, name="data/image_folder"):
    """Pictures with their class, numbered from 0 in order of names; a picture's folder is its class.

    Where the folders above the classes are called train, valid (or val) and test, they are the split. Without a valid
    among them, the share `valid` of the training pictures takes its place. Without any, each class is split at random.

    Attributes:
        border: so many black pixels of `size` on each side, the picture within them: MNIST's 28 pixels stay as they are
            at a size of 32 with a border of 2.
    """

    root: str = setting(default="data/image_folder", stage="runtime")
    border: int = setting(default=0, low=0, later=True)

    remedy: ClassVar[str] = (
        "Put your pictures into one folder for each class, CLASS/*.png, or TRAIN-OR-TEST/CLASS/*.png, and name the "
        "folder, or a zip file of it, by the data's setting root, or keep it in the folder of WHOSENET_DATA."
    )

    def check(self) -> None:
        super().check()
        if self.size - 2 * self.border < 8:
            raise InputError(f"border: {self.border} on each side leaves fewer than 8 of {self.size} pixels")

    def listing(self, files: Files) -> tuple[Listing, Listing, Listing]:
        pictures = files.pictures()
        for name in pictures:
            if folder_name(name).lower() in {"", *SPLITS}:
                raise InputError(
                    f"{self.root}: {name} lies in no class's folder, wants CLASS/*.png or SPLIT/CLASS/*.png"
                )
        official = [SPLITS.get(folder_name(name.rpartition("/")[0]).lower()) for name in pictures]
        if any(split is not None for split in official):
            return self._official(pictures, official)
        members = _by_class(pictures)
        parts: tuple[Listing, Listing, Listing] = ([], [], [])
        for target, of_class in enumerate(members.values()):
            _deal(parts, of_class, target, self.shares)
        return parts

    def _picture(self, files: Files, name: str) -> np.ndarray:
        inner = files.picture(name, self.size - 2 * self.border)
        return np.pad(inner, ((0, 0), (self.border, self.border), (self.border, self.border)))

    def _official(self, pictures: list[str], official: list[int | None]) -> tuple[Listing, Listing, Listing]:
        if None in official or not {0, 2} <= set(official):
            raise InputError(
                f"{self.root}: wants all classes in train and test folders (valid is optional), or in none"
            )
        number = {name: target for target, name in enumerate(_by_class(pictures))}
        parts: tuple[Listing, Listing, Listing] = ([], [], [])
        for name, split in zip(pictures, official, strict=True):
            assert split is not None
            parts[split].append((name, float(number[folder_name(name)])))
        if missing := set(number.values()) - {int(target) for _, target in parts[0]}:
            raise InputError(f"{self.root}: the class {list(number)[min(missing)]} has no training pictures")
        if parts[1]:
            return parts
        dealt: tuple[Listing, Listing] = ([], [])
        for target, of_class in enumerate(_by_class([name for name, _ in parts[0]]).values()):
            _deal(dealt, of_class, target, (1 - self.valid,))
        return *dealt, parts[2]


def _by_class(pictures: list[str]) -> dict[str, list[str]]:
    """The pictures of each class, in order of the classes' names."""
    members: dict[str, list[str]] = defaultdict(list)
    for name in pictures:
        members[folder_name(name)].append(name)
    return dict(sorted(members.items()))


def _deal(parts: tuple[Listing, ...], pictures: list[str], target: int, shares: tuple[float, ...]) -> None:
    """Adds the pictures of one class to the parts, at random in the shares given."""
    dealt = divide([[i] for i in range(len(pictures))], shares, seed=target)
    for part, members in zip(parts, dealt, strict=True):
        part += [(pictures[member], float(target)) for member in members]
