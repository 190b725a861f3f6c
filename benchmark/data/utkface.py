"""UTKFace (Zhang et al. 2017): faces whose file names begin with the age."""

from __future__ import annotations

from typing import ClassVar

import torch

from benchmark.data.files import Files, base_name
from benchmark.data.sources import DividedSource, Listing, divide
from benchmark.errors import InputError
from benchmark.spec.component import setting


class UtkFace(DividedSource, name="data/utkface"):
    """Faces with their age in years, the number before the first `_` of `26_0_1_20170116.jpg`.

    The names do not say who is shown, so the split is by picture: one person may be in two splits.
    """

    root: str = setting(default="data/utkface", stage="runtime")
    size: int = setting(default=64, low=8)

    dtype: ClassVar[torch.dtype] = torch.float32
    private: ClassVar[bool] = True
    remedy: ClassVar[str] = (
        "Fetch UTKFace, aligned and cropped (https://susanqq.github.io/UTKFace; for non-commercial research) and put "
        "its pictures AGE_*.jpg into one folder or zip file; name that by the data's setting root or keep it "
        "in the folder of WHOSENET_DATA."
    )

    def listing(self, files: Files) -> tuple[Listing, Listing, Listing]:
        pictures = [(name, self._age(name)) for name in files.pictures()]
        parts = divide([[i] for i in range(len(pictures))], self.shares)
        train, valid, test = ([pictures[i] for i in part] for part in parts)
        return train, valid, test

    def _age(self, name: str) -> float:
        age, underscore, _ = base_name(name).partition("_")
        if not (underscore and age.isascii() and age.isdecimal() and len(age) <= 3):
            raise InputError(f"{self.root}: {name} is not named AGE_*.jpg")
        return float(age)
