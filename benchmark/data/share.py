"""A data source of which the owner has a share only; the rest is for models that never saw the owner's images."""

from __future__ import annotations

import torch

from benchmark.data.base import DataSource, ImageSet, Splits
from benchmark.spec.component import setting


class Share(DataSource, name="data/share"):
    """The owner trains on a random `share` of the source's training images; the others are `Splits.rest`.

    DeepJudge gives the owner one half, the other to attackers and independent models. Validation and test images stay
    the source's.
    """

    source: DataSource
    share: float = setting(default=0.5, above=0, high=0.99)

    @property
    def private(self) -> bool:  # type: ignore[override]
        """Whether the source's pictures show people."""
        return self.source.private

    def classes(self) -> int | None:
        return self.source.classes()

    def sizes(self) -> dict[str, int]:
        whole = self.source.sizes()
        return whole | {"train": int(self.share * whole["train"])}

    def load(self) -> Splits:
        whole = self.source.load()
        train = whole.train
        order = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))
        cut = int(self.share * len(train))
        owned, rest = (ImageSet(train.images[index], train.targets[index]) for index in (order[:cut], order[cut:]))
        return Splits(owned, whole.valid, whole.test, rest)
