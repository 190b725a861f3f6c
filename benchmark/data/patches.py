"""Patches of the pictures that scikit-image ships: a query set for extraction. No download."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import as_file, files

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from benchmark.data.base import DataSource, ImageSet, Splits
from benchmark.errors import InputError
from benchmark.spec.component import setting

PICTURES = (
    *("astronaut.png", "brick.png", "camera.png", "cell.png", "chelsea.png", "clock_motion.png", "coffee.png"),
    *("coins.png", "grass.png", "gravel.png", "horse.png", "hubble_deep_field.jpg", "ihc.png", "moon.png"),
    *("motorcycle_left.png", "page.png", "phantom.png", "retina.jpg", "rocket.jpg", "text.png"),
)


class Patches(DataSource, name="data/patches"):
    """Random square crops of twenty pictures (photographs, textures, text), `size` pixels wide, at full contrast.

    `patches` training images, and a tenth as many each for validation and test. Targets are 0: patches have no label.

    Attributes:
        widest: a crop's side is uniform from the patch's own width to so many times that, as far as the picture goes.
        margin: width of a black frame around the patch, within `size`, for tasks whose pictures have one.
    """

    size: int = setting(default=32, low=8, high=224)
    patches: int = setting(default=4000, low=10)
    widest: float = setting(default=6.0, low=1)
    margin: int = setting(default=0, low=0)

    def check(self) -> None:
        if self.size - 2 * self.margin < 4:
            raise InputError(f"margin: leaves less than 4 of size={self.size} pixels")

    def sizes(self) -> dict[str, int]:
        return {"train": self.patches, "valid": self.patches // 10, "test": self.patches // 10}

    def load(self) -> Splits:
        generator = torch.Generator().manual_seed(0)
        return Splits(*(self._draw(self.sizes()[part], generator) for part in ("train", "valid", "test")))

    def _draw(self, count: int, generator: torch.Generator) -> ImageSet:
        """Crops whose picture, side and place are uniform."""
        width = self.size - 2 * self.margin
        crops = []
        for kind, size, top, left in torch.rand(count, 4, generator=generator).tolist():
            picture = _pictures()[int(kind * len(PICTURES))]
            most = min(self.widest * width, *picture.shape[1:])
            side = round(width + size * (most - width))
            y, x = (int(place * (full - side + 1)) for place, full in zip((top, left), picture.shape[1:], strict=True))
            crops.append(F.interpolate(picture[None, :, y : y + side, x : x + side].float(), width, mode="area"))
        images = F.pad(stretched(torch.cat(crops)), [self.margin] * 4)
        return ImageSet(images.round().to(torch.uint8), torch.zeros(count, dtype=torch.int64))


def stretched(images: Tensor) -> Tensor:
    """Images (N, C, H, W) with each one's least and largest value brought to 0 and 255; a plain one becomes black."""
    least = images.amin(dim=(1, 2, 3), keepdim=True)
    span = images.amax(dim=(1, 2, 3), keepdim=True) - least
    return 255 * (images - least) / torch.where(span > 0, span, 1.0)


@lru_cache(maxsize=1)
def _pictures() -> tuple[Tensor, ...]:
    """The pictures (3, H, W) as uint8, in the order of PICTURES."""
    found = []
    for name in PICTURES:
        with as_file(files("skimage") / "data" / name) as path:
            if not path.is_file():
                raise InputError(f"query_set: this scikit-image does not ship {name}; use another data source")
            with Image.open(path) as image:
                found.append(torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1))
    return tuple(found)
