"""The images of a source under fewer labels."""

from __future__ import annotations

import dataclasses

from benchmark.data.base import DataSource, ImageSet, Splits
from benchmark.spec.component import setting


class Regrouped(DataSource, name="data/regrouped"):
    """Class c of the source becomes class c mod `labels`; a source with no more classes than that stays as it is."""

    source: DataSource
    labels: int = setting(default=5, low=2)

    @property
    def private(self) -> bool:  # type: ignore[override]
        """Whether the source's pictures show people."""
        return self.source.private

    def classes(self) -> int | None:
        known = self.source.classes()
        return known if known is None else min(known, self.labels)

    def sizes(self) -> dict[str, int]:
        return self.source.sizes()

    def load(self) -> Splits:
        return self.regroup(self.source.load())

    def regroup(self, splits: Splits) -> Splits:
        """The same images with the new labels."""

        def new(part: ImageSet) -> ImageSet:
            return ImageSet(part.images, part.targets % self.labels)

        rest = None if splits.rest is None else new(splits.rest)
        return dataclasses.replace(
            splits, train=new(splits.train), valid=new(splits.valid), test=new(splits.test), rest=rest
        )
