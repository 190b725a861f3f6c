"""FG-NET (Lanitis et al. 2002): 1,002 pictures of 82 people at ages from 0 to 69."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import ClassVar

import torch

from benchmark.data.files import Files, base_name
from benchmark.data.sources import DividedSource, Listing, divide
from benchmark.errors import InputError
from benchmark.spec.component import setting

_NAME = re.compile(r"(?P<person>\d{1,9})A(?P<age>\d{1,3})[a-z]*\.\w+", re.IGNORECASE | re.ASCII)


class FgNet(DividedSource, name="data/fgnet"):
    """Faces with their age in years; everyone's pictures are in one split.

    `001A02.JPG` is person 1 at the age of 2; letters after the age tell several pictures of one year apart.
    """

    root: str = setting(default="data/fgnet", stage="runtime")
    size: int = setting(default=224, low=8)

    dtype: ClassVar[torch.dtype] = torch.float32
    private: ClassVar[bool] = True
    remedy: ClassVar[str] = (
        "Fetch FGNET.zip of FG-NET (Yanwei Fu, https://yanweifu.github.io/FG_NET_data; for research only); name it, or "
        "a folder of its pictures 001A02.JPG etc., by the data's setting root or keep it as fgnet.zip in the "
        "folder of WHOSENET_DATA."
    )

    def listing(self, files: Files) -> tuple[Listing, Listing, Listing]:
        pictures = files.pictures()
        people: dict[int, list[int]] = defaultdict(list)
        ages = []
        for number, name in enumerate(pictures):
            match = _NAME.fullmatch(base_name(name))
            if not match:
                raise InputError(f"{self.root}: {name} is not named like 001A02.JPG (person 1, age 2)")
            people[int(match["person"])].append(number)
            ages.append(float(match["age"]))
        train, valid, test = divide(list(people.values()), self.shares)
        return tuple([(pictures[i], ages[i]) for i in part] for part in (train, valid, test))  # type: ignore[return-value]
