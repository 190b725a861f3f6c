"""AKH: label agreement on the victim's own mistakes (Godinot et al., AAAI 2025, QuRD), a cheap and strong baseline."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from benchmark.contracts.owner import Owner
from benchmark.contracts.prints import Prints
from benchmark.data.base import draw
from benchmark.spec.component import setting
from benchmark.tasks.base import labels
from fingerprints.labels import LabelFingerprint


class AKH(LabelFingerprint, name="fingerprint/akh"):
    """Test images that the victim gets wrong, filled up to N with flipped CutMix mixtures of them.

    A mixture is a mistake with a box of another image pasted in (Yun et al. 2019: the box has the share 1 - u of the
    area, u uniform in (0, 1), its centre is uniform), flipped left-right or up-down each with probability `flip`. The
    other image is another mistake, or any test image where the victim made fewer than `partners` mistakes.
    """

    display: ClassVar[str] = "AKH"

    flip: float = setting(default=0.5, low=0, high=1)
    partners: int = setting(default=10, low=2)

    pool: ClassVar[str] = "test"

    def generate(self, owner: Owner, count: int, generator: torch.Generator) -> Prints:
        test = owner.data.test
        everything = torch.arange(len(test), device=test.images.device)
        wrong = everything[labels(owner.victim, test.pixels()) != test.targets]
        kept = draw(wrong, count, generator)
        base = wrong if len(wrong) else everything  # a flawless victim leaves nothing but mixtures of test images
        others = wrong if len(wrong) >= self.partners else everything
        missing = count - len(kept)
        one, two = (pick[torch.randint(len(pick), (missing,), generator=generator)] for pick in (base, others))
        mixed = cutmix(test.pixels(one), test.pixels(two), generator)
        samples = torch.cat([test.pixels(kept), flip(mixed, self.flip, generator)])
        index = torch.cat([kept, one])
        payload = {"answer": labels(owner.victim, samples), "label": test.targets[index]}
        notes = {"mistakes": len(wrong), "mixtures": missing}
        return Prints(samples, test.pixels(index), payload, notes)


def cutmix(one: Tensor, two: Tensor, generator: torch.Generator) -> Tensor:
    """`one` (N, C, H, W) with a random box of `two` pasted in, the box cut off at the border."""
    count, _, height, width = one.shape
    area, centre_y, centre_x = torch.rand(3, count, generator=generator).to(one.device)
    side = (1 - area).sqrt() / 2
    rows = (torch.arange(height, device=one.device) + 0.5) / height
    columns = (torch.arange(width, device=one.device) + 0.5) / width
    inside_y = (rows[None] - centre_y[:, None]).abs() < side[:, None]
    inside_x = (columns[None] - centre_x[:, None]).abs() < side[:, None]
    box = inside_y[:, None, :, None] & inside_x[:, None, None, :]
    return torch.where(box, two, one)


def flip(images: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Each image (N, C, H, W) mirrored left-right and up-down, each with `probability`."""
    for dimension in (3, 2):
        chosen = torch.rand(len(images), generator=generator).to(images.device) < probability
        images = torch.where(chosen[:, None, None, None], images.flip(dimension), images)
    return images
