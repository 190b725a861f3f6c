"""The clustered bootstrap: victims, families and suspects are resampled together, for all methods alike.

What may differ if the experiment were done again: the owner's victim, the families of copies and of independent models
that someone thought of, and the suspects of each. One resample draws, with replacement,

    V victims out of V                                                        (nothing where there is one)
    F families out of the F of the positives, F' out of the F' of the negatives     (nothing where there is one)
    from every family that was drawn d times d n of its n suspects

and counts. A suspect's label is the same recipe for every victim, and independent models are the same networks, so one
draw of suspects serves all victims (crossed); one resample serves all methods (paired). The statistic of a resample is
the mean over its victims of the mean over each victim's repeats, which are never resampled: they are not replication.

Checked against an independent loop and against worked numbers in tests/benchmark/metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import InputError
from benchmark.metrics.curves import (
    Bools,
    Counts,
    Floats,
    Sweep,
    area,
    checked,
    even,
    exact_sweep,
    levels,
    outranked,
    share,
)

GRID = 100  # thresholds of ARUC above 0
CHUNK_CELLS = 4_000_000  # numbers that the resampled curves of one chunk may take: 16 MB a curve


class Zoo(NamedTuple):
    """The suspects, each label once: which are positive and of what family, two arrays of shape (suspects,)."""

    positive: Bools
    family: NDArray[np.str_]

    def families(self, side: bool) -> int:
        """How many families the positives, or the negatives, come of."""
        return len(np.unique(self.family[self.positive == side]))


class Draws(NamedTuple):
    """How often each is drawn: victims (resamples, victims), suspects (resamples, suspects)."""

    victims: Counts
    suspects: Counts


def draw(zoo: Zoo, victims: int, *, resamples: int = 2000, seed: int = 0) -> Draws:
    """The same draws for the same zoo, number of victims and seed."""
    rng = np.random.default_rng(seed)
    of_victims = rng.multinomial(victims, np.full(victims, 1 / victims), size=resamples)
    suspects = np.zeros((resamples, zoo.positive.size), dtype=np.float32)
    for side in (True, False):
        names = np.unique(zoo.family[zoo.positive == side])
        times = rng.multinomial(len(names), np.full(len(names), 1 / max(len(names), 1)), size=resamples)
        for name, drawn in zip(names, times.T, strict=True):
            members = np.flatnonzero((zoo.positive == side) & (zoo.family == name))
            suspects[:, members] = rng.multinomial(drawn * members.size, np.full(members.size, 1 / members.size))
    return Draws(of_victims.astype(np.float32), suspects)


def resampled(statistics: Sequence[str], scores: NDArray[np.floating], zoo: Zoo, draws: Draws) -> dict[str, Floats]:
    """The statistics of every resample and method, (resamples, methods) each.

    A victim without a score on one side in a resample is left out there; NaN where all are.

    Args:
        statistics: names of STATISTICS.
        scores: (methods, victims, repeats, suspects), NaN where a method does not apply.
    """
    values = checked(scores)
    sides = [(~np.isnan(values) & (zoo.positive == side)).any(axis=(1, 2, 3)) for side in (True, False)]
    if values.size == 0 or not np.all(sides):
        raise InputError("scores: every method needs at least one scored positive and one scored negative")
    flat = values.reshape(-1, zoo.positive.size)
    found = {name: np.full((len(draws.suspects), len(flat)), np.nan) for name in statistics}
    for known, cells in _alike(~np.isnan(flat)):
        if known[zoo.positive].any() and known[~zoo.positive].any():
            for rows in _chunks(len(draws.suspects), len(cells) * (zoo.positive.size + 3)):
                group = Group(flat[cells], zoo, known, draws.suspects[rows])
                for name in statistics:
                    found[name][rows, cells] = STATISTICS[name](group)
    shape = (-1, *values.shape[:3])
    return {name: _over_victims(each.reshape(shape), draws.victims) for name, each in found.items()}


def resampled_shares(hits: NDArray[np.floating], zoo: Zoo, side: bool, draws: Draws) -> Floats:
    """The share of the positives, or of the negatives, that are hit, in every resample, (resamples, methods).

    `hits` (methods, victims, repeats, suspects): 1, 0, or NaN where there is no verdict.
    """
    flat = hits.reshape(-1, hits.shape[-1])[:, zoo.positive == side]
    weights, known = draws.suspects[:, zoo.positive == side], ~np.isnan(flat)
    hit = weights @ np.nan_to_num(flat).T.astype(np.float32)
    shares = share(hit, weights @ known.T.astype(np.float32))
    return _over_victims(shares.reshape(-1, *hits.shape[:3]), draws.victims)


class Group:
    """Cells that lack the same suspects, with the resamples of one chunk; what several statistics need is made once."""

    def __init__(self, scores: Floats, zoo: Zoo, known: Bools, weights: Counts) -> None:
        self.scores, self.zoo, self.known, self.weights = scores, zoo, known, weights

    @cached_property
    def exact(self) -> tuple[Sweep, Floats, Floats]:
        """The sweep over the scores themselves, min(R, U) there, and the widths between them."""
        found, widths = exact_sweep(self.scores, self.zoo.positive, self.known, self.weights)
        return found, np.minimum(found.robustness, found.uniqueness), widths

    @cached_property
    def pairs(self) -> Counts:
        """Who outranks whom."""
        return outranked(self.scores[:, self.zoo.positive], self.scores[:, ~self.zoo.positive])

    def aruc(self) -> Floats:
        """On the grid, (resamples, cells) as all that follow; from one level to the next the terms are equal."""
        reached = levels(self.scores, grid=GRID).astype(float)
        found, steps = exact_sweep(reached, self.zoo.positive, self.known, self.weights, top=GRID + 1.0)
        return (np.minimum(found.robustness, found.uniqueness) * steps).sum(axis=-1) / (GRID + 1)

    def aruc_exact(self) -> Floats:
        """Its integral."""
        _, lower, widths = self.exact
        return (lower * widths).sum(axis=-1)

    def best(self) -> Floats:
        """The largest min(R, U)."""
        return self.exact[1].max(axis=-1)

    def power(self, fpr: float) -> Floats:
        """TPR at a bounded FPR."""
        return self.exact[0].power(fpr)

    def area(self, macro: bool) -> Floats:
        """AUC, pooled or with every family counted as often as it was drawn."""
        sides = []
        for side in (self.zoo.positive, ~self.zoo.positive):
            weights, known = self.weights[:, side], self.known[side]
            sides.append(even(weights, self.zoo.family[side], known) if macro else weights * known)
        return area(self.pairs, *sides)


STATISTICS: dict[str, Callable[[Group], Floats]] = {
    "aruc": Group.aruc,
    "aruc_exact": Group.aruc_exact,
    "auc": lambda group: group.area(macro=False),
    "auc_macro": lambda group: group.area(macro=True),
    "tpr_at_0": lambda group: group.power(0.0),
    "tpr_at_5": lambda group: group.power(0.05),
    "best": Group.best,
}


def _alike(known: Bools) -> Iterator[tuple[Bools, NDArray[np.intp]]]:
    """Each pattern of known suspects, and the cells (rows) that have it."""
    patterns, places = np.unique(known, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        yield pattern, np.flatnonzero(places.ravel() == number)


def _chunks(rows: int, cells: int) -> Iterator[slice]:
    """Slices of the resamples whose curves of so many cells fit into a chunk."""
    step = max(1, CHUNK_CELLS // cells)
    for start in range(0, rows, step):
        yield slice(start, start + step)


def _over_victims(values: Floats, victims: Counts) -> Floats:
    """(resamples, methods, victims, repeats): the mean over drawn victims of the mean over repeats, where known."""
    known = ~np.isnan(values)
    of_victim = share(np.nansum(values, axis=3), known.sum(axis=3).astype(float))
    weights = victims[:, None, :] * ~np.isnan(of_victim)
    return share(np.nansum(of_victim * weights, axis=2), weights.sum(axis=2))
