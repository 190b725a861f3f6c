"""HAM10000 (Tschandl et al. 2018): 10,015 dermatoscopic pictures of skin lesions in seven classes."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from typing import ClassVar

from benchmark.data.files import Files, base_name
from benchmark.data.sources import DividedSource, Listing, divide
from benchmark.errors import InputError
from benchmark.spec.component import setting

CLASSES = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")  # DermaMNIST's order
METADATA = "HAM10000_metadata.csv"


class Ham10000(DividedSource, name="data/ham10000"):
    """Pictures with their diagnosis, about 7 : 1 : 2 in training, validation and test, split by lesion.

    Many lesions were photographed several times; all pictures of one are in the same split. Each class is split by
    itself, so that the rare ones are in every split. Like DermaMNIST's, the pictures are brought to a square.
    """

    root: str = setting(default="data/ham10000", stage="runtime")

    remedy: ClassVar[str] = (
        "Fetch HAM10000 (doi:10.7910/DVN/DBW86T, Harvard Dataverse; CC BY-NC 4.0) and put its pictures ISIC_*.jpg and "
        "HAM10000_metadata.csv into one folder or zip file; name that by the data's setting root or keep it "
        "in the folder of WHOSENET_DATA."
    )

    def classes(self) -> int | None:
        return len(CLASSES)

    def listing(self, files: Files) -> tuple[Listing, Listing, Listing]:
        pictures = {base_name(name).rsplit(".", 1)[0]: name for name in files.pictures()}
        rows = self._rows(files)
        if not rows or not {"lesion_id", "image_id", "dx"} <= set(rows[0]):
            raise InputError(f"{self.root}: {METADATA} lacks lesion_id, image_id or dx")
        lesions: dict[str, dict[str, list[int]]] = {name: defaultdict(list) for name in CLASSES}
        for number, row in enumerate(rows):
            if row["image_id"] not in pictures:
                raise InputError(f"{self.root}: {METADATA} lists {row['image_id']}, whose picture is missing")
            if row["dx"] not in lesions:
                raise InputError(f"{self.root}: {METADATA} has the unknown diagnosis {row['dx']!r}")
            lesions[row["dx"]][row["lesion_id"]].append(number)
        parts: tuple[Listing, Listing, Listing] = ([], [], [])
        for target, name in enumerate(CLASSES):
            dealt = divide(list(lesions[name].values()), self.shares, seed=target)
            for part, members in zip(parts, dealt, strict=True):
                part += [(pictures[rows[member]["image_id"]], float(target)) for member in members]
        return parts

    def _rows(self, files: Files) -> list[dict[str, str]]:
        try:
            return list(csv.DictReader(io.StringIO(files.read(files.find(METADATA)).decode("utf-8"))))
        except (UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"{self.root}: {METADATA} is no csv in UTF-8 ({error}); fetch it again") from None
