"""Frames as arrays: one axis for methods, victims, repeats and suspects, which is what the metrics resample."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark import metrics

Method = tuple[str, str]  # fingerprint and verifier


@dataclass(frozen=True)
class Cube:
    """Scores of the suspects of one task.

    Attributes:
        methods: in order of appearance.
        suspects: their labels, sorted, so that draws do not depend on the order of rows.
        scores: (methods, victims, repeats, suspects), NaN where there is none.
        accused: the same shape, 1 or 0, NaN where there is no verdict.
    """

    methods: list[Method]
    suspects: list[str]
    zoo: metrics.Zoo
    scores: NDArray[np.float64]
    accused: NDArray[np.float64]

    @property
    def victims(self) -> int:
        """How many victims the owner has."""
        return self.scores.shape[1]

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Where there is a score."""
        return ~np.isnan(self.scores)

    def count(self, side: bool) -> NDArray[np.int64]:
        """How many positives, or negatives, each method has a score of, each label once; (methods,)."""
        return np.any(self.known & (self.zoo.positive == side), axis=(1, 2)).sum(axis=-1)

    def sizes(self, side: bool) -> NDArray[np.int64]:
        """The fewest and the most positives, or negatives, of the sets of prints that judged anyone; (2, methods).

        `count` may be larger than both: another suspect may be missing for each victim.
        """
        counted, done = (self.known & (self.zoo.positive == side)).sum(axis=-1), self.known.any(axis=-1)
        fewest = np.where(done, counted, len(self.suspects)).min(axis=(1, 2)) * np.any(done, axis=(1, 2))
        return np.stack([fewest, counted.max(axis=(1, 2))])

    @property
    def able(self) -> list[int]:
        """The places of the methods that have a score on both sides, in one victim and repeat."""
        sides = [(self.known & (self.zoo.positive == side)).any(axis=-1) for side in (True, False)]
        return [int(place) for place in np.flatnonzero((sides[0] & sides[1]).any(axis=(1, 2)))]

    def only(self, places: list[int]) -> Cube:
        """The cube of some methods."""
        chosen = [self.methods[place] for place in places]
        return replace(self, methods=chosen, scores=self.scores[places], accused=self.accused[places])

    def among(self, known: NDArray[np.bool_]) -> Cube:
        """Scores and verdicts elsewhere are forgotten; `known` is broadcast against the scores."""
        return replace(self, scores=np.where(known, self.scores, np.nan), accused=np.where(known, self.accused, np.nan))

    def of(self, chosen: NDArray[np.bool_]) -> Cube:
        """The cube of some suspects (suspects,)."""
        labels = [label for label, kept in zip(self.suspects, chosen, strict=True) if kept]
        zoo = metrics.Zoo(self.zoo.positive[chosen], self.zoo.family[chosen])
        return replace(
            self, suspects=labels, zoo=zoo, scores=self.scores[..., chosen], accused=self.accused[..., chosen]
        )

    def draws(self, resamples: int) -> metrics.Draws:
        """The resamples that serve all methods."""
        return metrics.draw(self.zoo, self.victims, resamples=resamples)

    def covers(self) -> str:
        """What an interval of these draws speaks of, and of what it does not."""
        levels = {"victims": self.victims}
        levels |= {f"families of {side}s": self.zoo.families(side == "positive") for side in ("positive", "negative")}
        covered = [name for name, size in levels.items() if size > 1] + ["suspects"]
        absent = [name for name, size in levels.items() if size <= 1]
        return f"other {', '.join(covered)}" + (f"; not other {', '.join(absent)} (one only)" if absent else "")


def cube(rows: pd.DataFrame) -> Cube:
    """The rows of one task and channel with a column `accused`, without the victim's own."""
    sides = rows.drop_duplicates("suspect").sort_values("suspect")
    pairs = rows[["fingerprint", "verifier"]].drop_duplicates()
    methods = [(str(f), str(v)) for f, v in pairs.itertuples(index=False)]
    victims, repeats = sorted(rows["victim"].unique()), sorted(rows["repeat"].unique())
    places = {pair: number for number, pair in enumerate(methods)}
    where = (
        np.array([places[str(f), str(v)] for f, v in zip(rows["fingerprint"], rows["verifier"], strict=True)], int),
        np.searchsorted(victims, rows["victim"]),
        np.searchsorted(repeats, rows["repeat"]),
        np.searchsorted(sides["suspect"].to_numpy(dtype=str), rows["suspect"].to_numpy(dtype=str)),
    )
    arrays = []
    for column in ("score", "accused"):
        array = np.full((len(methods), len(victims), len(repeats), len(sides)), np.nan)
        array[where] = rows[column].to_numpy(dtype=float)
        arrays.append(array)
    zoo = metrics.Zoo(sides["positive"].to_numpy(dtype=bool), sides["family"].to_numpy(dtype=str))
    return Cube(methods, list(sides["suspect"].astype(str)), zoo, arrays[0], arrays[1])


def common(whole: Cube) -> NDArray[np.bool_]:
    """The pairs of victim and suspect that all able methods can judge, (1, victims, 1, suspects).

    A repeat in which a method judged nobody counts as not done; a victim in which it judged nobody is no common one.
    """
    known = whole.known[whole.able]
    idle = ~known.any(axis=-1, keepdims=True)
    judged = np.all(known | idle, axis=2) & np.any(known, axis=(2, 3))[:, :, None]
    return np.all(judged, axis=0)[None, :, None, :]


def over_victims(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """(..., victims, repeats): the mean over victims of the mean over repeats, where known."""
    return mean_known(mean_known(values))


def mean_known(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean over the last axis without NaN; NaN where all are."""
    count = (~np.isnan(values)).sum(axis=-1)
    return np.divide(np.nansum(values, axis=-1), count, out=np.full(count.shape, np.nan), where=count > 0)
