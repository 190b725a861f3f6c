"""Verification metrics: robustness, uniqueness, ARUC, ROC-AUC, TPR at a bounded FPR, bootstrap intervals over suspects.

A suspect is called positive iff its matching score MS is strictly above the threshold rho:

    R(rho) = share of positives with MS > rho          U(rho) = share of negatives with MS <= rho
    ARUC   = mean of min(R, U) over rho in {0, 1/L, ..., 1}, L = 100, that is 101 points, so at most 100/101
    exact  = integral of min(R, U) over [0, 1], at most 1

Everywhere `scores` are floats in [0, 1] and `positive` booleans of the same last axis: whether the answer to the
question is yes. NaN means that the method does not apply to that suspect, which is then left out. Thresholds of the
grid are k / L by division: k * 0.01 and `np.linspace` miss ten of the 101 by one ulp: 35/100 would be above 0.35.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmark.errors import InputError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Denominator = ArrayLike | None  # N where scores are shares m / N of N prints

EMPTY = "scores: no {} suspect has a score, at least one is needed"
CHUNK_CELLS = 4_000_000  # doubles that one chunk of resampled curves may take: 32 MB


class Curve(NamedTuple):
    """The R-U curve: thresholds, R and U there, three arrays of shape (L + 1,) in [0, 1]."""

    rho: Floats
    robustness: Floats
    uniqueness: Floats


class Best(NamedTuple):
    """The threshold with the largest min(R, U), that value, R and U there, and [low, high) where R = U = 1, if any."""

    rho: float
    value: float
    robustness: float
    uniqueness: float
    clean: tuple[float, float] | None


class Intervals(NamedTuple):
    """Percentile intervals, one per method: low, high, and how many positives and negatives had a score."""

    low: Floats
    high: Floats
    positives: NDArray[np.int64]
    negatives: NDArray[np.int64]


def robustness(scores: ArrayLike, positive: ArrayLike, rho: float) -> float:
    """R(rho), the share of positives strictly above rho; scores and positive (suspects,)."""
    positives, _ = _split(scores, positive)
    return float(np.mean(positives > rho))


def uniqueness(scores: ArrayLike, positive: ArrayLike, rho: float) -> float:
    """U(rho), the share of negatives not above rho; scores and positive (suspects,)."""
    _, negatives = _split(scores, positive)
    return float(np.mean(negatives <= rho))


def levels(scores: ArrayLike, *, grid: int = 100, denominator: Denominator = None) -> NDArray[np.int64]:
    """How many of the thresholds 0/L, 1/L, ..., L/L lie strictly below each score: ceil(L * score), in 0..L.

    MS > k/L iff level > k. With scores m/N and N known, m is recovered by rounding and ceil(m * L / N) is computed in
    integers, so float32 scores and products are no trap. Without N the score is compared with the quotients k / L: a
    quotient m / N in double precision is the double next to the rational, as k / L is, so equal rationals compare
    equal and different ones, at least 1 / (N * L) apart, keep their order as long as N * L < 2^50.

    `scores` of any shape, NaN gives level 0 (mask it yourself); `denominator` N is broadcast against them.

    >>> levels([0.0, 0.07, 0.35, 1.0]).tolist()
    [0, 7, 35, 100]
    """
    values = _checked(scores)
    known = np.nan_to_num(values)
    if denominator is None:
        return np.searchsorted(np.arange(grid + 1) / grid, known, side="left").astype(np.int64)
    total = np.broadcast_to(np.asarray(denominator, dtype=np.int64), known.shape)
    matched = np.rint(known * total).astype(np.int64)
    if np.any(total < 1) or np.any(np.abs(known - matched / total) > 1e-6):
        raise InputError("scores: not multiples of 1/denominator, leave denominator out for scores that are no shares")
    return -(-matched * grid // total)


def curve(scores: ArrayLike, positive: ArrayLike, *, grid: int = 100, denominator: Denominator = None) -> Curve:
    """R and U at rho = 0, 1/L, ..., 1; scores and positive (suspects,), denominator as in `levels`."""
    sweep = _grid_sweep(_checked(scores)[None, None], np.asarray(positive, dtype=bool), grid, denominator)
    return Curve(np.arange(grid + 1) / grid, sweep.positives[0, 0], sweep.uniqueness[0, 0])


def aruc(
    scores: ArrayLike, positive: ArrayLike, *, grid: int = 100, denominator: Denominator = None, right: bool = False
) -> float:
    """Mean of min(R, U) over the closed grid (L + 1 points, at most L / (L + 1)).

    With `right` over rho = 1/L, ..., 1 alone, as IPGuard's sum is written (L points, at most (L - 1) / L).

    >>> aruc([0.9, 0.9, 0.1], [True, True, False]) == 80 / 101
    True
    """
    points = curve(scores, positive, grid=grid, denominator=denominator)
    lower = np.minimum(points.robustness, points.uniqueness)
    return float(np.mean(lower[1:] if right else lower))


def aruc_exact(scores: ArrayLike, positive: ArrayLike) -> float:
    """Integral of min(R, U) over [0, 1]: constant between sorted scores, so a finite sum; at most 1."""
    return float(_integral(_single(scores, positive))[0, 0])


def roc_auc(scores: ArrayLike, positive: ArrayLike) -> float:
    """Mann-Whitney: the probability that a positive scores above a negative, ties counted one half."""
    return float(_area(_single(scores, positive))[0, 0])


def tpr_at_fpr(scores: ArrayLike, positive: ArrayLike, fpr: float) -> float:
    """The best R over all thresholds whose share of negatives above is at most `fpr`: no interpolation between them.

    With 20 negatives, fpr 0.05 allows one of them above the threshold and 0.049 none.
    """
    return float(_power(_single(scores, positive), fpr)[0, 0])


def best_threshold(scores: ArrayLike, positive: ArrayLike) -> Best:
    """The rho in [0, 1) that maximises min(R, U).

    R and U are constant on [a, b) between neighbouring scores; of the intervals that reach the maximum the one with
    the larger R + U is taken, then the widest, then the lowest, and rho is its middle.
    """
    positives, negatives = _split(scores, positive)
    edges = np.unique(np.concatenate(([0.0], positives, negatives, [1.0])))
    start, width = edges[:-1], np.diff(edges)
    high, low = np.mean(positives > start[:, None], axis=1), np.mean(negatives <= start[:, None], axis=1)
    lower = np.minimum(high, low)
    best = int(np.lexsort((start, -width, -(high + low), -lower))[0])
    gap = (float(negatives.max()), float(positives.min()))
    rho, value, robust, unique = (float(value[best]) for value in (start + width / 2, lower, high, low))
    return Best(rho, value, robust, unique, gap if gap[0] < gap[1] else None)


def bootstrap(
    scores: ArrayLike,
    positive: ArrayLike,
    statistics: Sequence[str] = ("aruc", "auc"),
    *,
    resamples: int = 2000,
    level: float = 0.95,
    grid: int = 100,
    denominator: Denominator = None,
    seed: int = 0,
) -> dict[str, Intervals]:
    """Percentile bootstrap over suspects, of statistics averaged over repeats.

    Positives and negatives are resampled separately (stratified); one resample serves all methods and repeats (paired).
    A resample that holds no scored positive or no scored negative of a method is left out there.

    Args:
        scores: (methods, repeats, suspects), NaN where a method does not apply.
        positive: (suspects,).
        statistics: names of STATISTICS.
        level: mass of the interval; 0.95 gives the 2.5 and 97.5 percentiles.
        denominator: as in `levels`.
    """
    values, flags = _checked(scores), np.asarray(positive, dtype=bool)
    known = ~np.isnan(values)
    counts = [(known & (flags == side)).any(axis=1).sum(axis=-1) for side in (True, False)]
    if values.size == 0 or min(count.min() for count in counts) < 1:
        raise InputError("scores: every method needs at least one scored positive and one scored negative")
    drawn = _resampled(statistics, values, flags, _draws(flags, resamples, seed), grid, denominator)
    ends = np.nanpercentile(drawn, [50 * (1 - level), 50 * (1 + level)], axis=1)
    return {name: Intervals(ends[0, i], ends[1, i], counts[0], counts[1]) for i, name in enumerate(statistics)}


class _Sweep(NamedTuple):
    """Shares strictly above each of K ascending thresholds, (..., methods, repeats, K), and the widths between them."""

    positives: Floats
    negatives: Floats
    uniqueness: Floats  # not 1 - negatives: 1 - 19/20 is above 0.05 in floats
    widths: Floats


def _grid_sweep(
    scores: Floats, positive: Bools, grid: int, denominator: Denominator, weights: Floats | None = None
) -> _Sweep:
    reached = levels(scores, grid=grid, denominator=denominator)
    above = reached[..., None] > np.arange(grid + 1)
    return _shares(above, np.full((1, 1, grid + 1), 1 / (grid + 1)), ~np.isnan(scores), positive, weights)


def _exact_sweep(scores: Floats, positive: Bools, weights: Floats | None = None) -> _Sweep:
    shape = (*scores.shape[:-1], 1)
    ends = [np.full(shape, -np.inf), np.zeros(shape), np.nan_to_num(scores, nan=1.0), np.ones(shape)]
    thresholds = np.sort(np.concatenate(ends, axis=-1), axis=-1)
    widths = np.diff(np.clip(thresholds, 0, 1), axis=-1, append=1.0)
    above = np.nan_to_num(scores, nan=-np.inf)[..., None] > thresholds[..., None, :]
    return _shares(above, widths, ~np.isnan(scores), positive, weights)


def _shares(above: Bools, widths: Floats, known: Bools, positive: Bools, weights: Floats | None) -> _Sweep:
    """`above` (methods, repeats, suspects, K) summed with weights (resamples, suspects), or unweighted for None."""
    shares: list[Floats] = []
    chosen = np.ones((1, positive.size)) if weights is None else weights
    for side, upper in ((True, True), (False, True), (False, False)):
        members = known & (positive == side)
        hit = (above if upper else ~above) & members[..., None]
        total = np.tensordot(chosen, members.astype(float), axes=(1, 2))[..., None]
        summed = np.tensordot(chosen, hit.astype(float), axes=(1, 2))
        share = np.divide(summed, total, out=np.full(summed.shape, np.nan), where=total > 0)
        if weights is None and np.isnan(share).any():
            raise InputError(EMPTY.format("positive" if side else "negative"))
        shares.append(share[0] if weights is None else share)
    return _Sweep(shares[0], shares[1], shares[2], widths)


def _integral(sweep: _Sweep) -> Floats:
    return np.asarray((np.minimum(sweep.positives, sweep.uniqueness) * sweep.widths).sum(axis=-1))


def _area(sweep: _Sweep) -> Floats:
    heights = (sweep.positives[..., :-1] + sweep.positives[..., 1:]) / 2
    return np.asarray((heights * -np.diff(sweep.negatives, axis=-1)).sum(axis=-1))


def _power(sweep: _Sweep, fpr: float) -> Floats:
    reached = np.where(sweep.negatives <= fpr, sweep.positives, 0.0).max(axis=-1)
    return np.where(np.isnan(sweep.positives[..., 0]) | np.isnan(sweep.negatives[..., 0]), np.nan, reached)


STATISTICS: dict[str, Callable[[_Sweep], Floats]] = {
    "aruc": _integral,  # the grid's widths are 1 / (L + 1) each
    "aruc_exact": _integral,
    "auc": _area,
    "tpr_at_0": lambda sweep: _power(sweep, 0.0),
    "tpr_at_5": lambda sweep: _power(sweep, 0.05),
    "best": lambda sweep: np.asarray(np.minimum(sweep.positives, sweep.uniqueness).max(axis=-1)),
}


def _draws(positive: Bools, resamples: int, seed: int) -> Floats:
    """How often each suspect is drawn, (resamples, suspects); each side keeps its size."""
    rng, weights = np.random.default_rng(seed), np.zeros((resamples, positive.size))
    for side in (True, False):
        members = np.flatnonzero(positive == side)
        weights[:, members] = rng.multinomial(members.size, np.full(members.size, 1 / members.size), size=resamples)
    return weights


def _resampled(
    names: Sequence[str], scores: Floats, positive: Bools, weights: Floats, grid: int, denominator: Denominator
) -> Floats:
    """The statistics averaged over the repeats that have them, (statistics, resamples, methods)."""
    cells = scores.shape[0] * scores.shape[1] * max(grid + 1, positive.size + 3)
    parts = []
    for chunk in np.array_split(weights, -(-len(weights) * cells // CHUNK_CELLS)):
        on_grid = _grid_sweep(scores, positive, grid, denominator, chunk) if "aruc" in names else None
        exact = _exact_sweep(scores, positive, chunk) if set(names) - {"aruc"} else None
        sweeps = [on_grid if name == "aruc" else exact for name in names]
        pairs = zip(names, sweeps, strict=True)
        parts.append([_mean_known(STATISTICS[name](sweep)) for name, sweep in pairs if sweep is not None])
    return np.concatenate(parts, axis=1)


def _mean_known(values: Floats) -> Floats:
    """Mean over the last axis without NaN; NaN where all are."""
    count = (~np.isnan(values)).sum(axis=-1)
    return np.asarray(np.divide(np.nansum(values, axis=-1), count, out=np.full(count.shape, np.nan), where=count > 0))


def _checked(scores: ArrayLike) -> Floats:
    values = np.asarray(scores, dtype=float)
    if np.any((values < 0) | (values > 1)):
        raise InputError(f"scores: must lie in [0, 1], got {np.nanmin(values):g} to {np.nanmax(values):g}")
    return values


def _single(scores: ArrayLike, positive: ArrayLike) -> _Sweep:
    """(suspects,) as one method with one repeat."""
    return _exact_sweep(_checked(scores)[None, None], np.asarray(positive, dtype=bool))


def _split(scores: ArrayLike, positive: ArrayLike) -> tuple[Floats, Floats]:
    """Scores of the positives and of the negatives that have one; InputError when either is empty."""
    values, flags = _checked(scores), np.asarray(positive, dtype=bool)
    sides = (values[flags & ~np.isnan(values)], values[~flags & ~np.isnan(values)])
    for side, name in zip(sides, ("positive", "negative"), strict=True):
        if side.size == 0:
            raise InputError(EMPTY.format(name))
    return sides
