"""Statistics of one set of suspects: R, U, ARUC, AUC, TPR at a bounded FPR. The symbols are explained in the package.

The same sweeps serve the bootstrap: a resample is a count of how often each suspect is drawn. Counts are summed before
anything is divided, and sums of whole numbers are exact, so that no verdict hangs on a rounding.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmark.errors import InputError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Counts = NDArray[np.float32]  # whole numbers below 2^24, exact in single precision, and summed twice as fast
Denominator = ArrayLike | None  # N where scores are shares m / N of N prints

EMPTY = "scores: no {} suspect has a score, at least one is needed"
TINY = 1e-9  # of a suspect: less than any share of suspects can differ by


class Curve(NamedTuple):
    """The R-U curve: thresholds, R and U there, three arrays of shape (L + 1,) in [0, 1]."""

    rho: Floats
    robustness: Floats
    uniqueness: Floats


def robustness(scores: ArrayLike, positive: ArrayLike, rho: float) -> float:
    """R(rho), the share of positives strictly above rho; scores and positive (suspects,)."""
    positives, _ = split(scores, positive)
    return float(np.mean(positives > rho))


def uniqueness(scores: ArrayLike, positive: ArrayLike, rho: float) -> float:
    """U(rho), the share of negatives not above rho; scores and positive (suspects,)."""
    _, negatives = split(scores, positive)
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
    values = checked(scores)
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
    values, flags = _judged(scores, positive)
    reached = levels(values, grid=grid, denominator=denominator)
    found = sweep(reached[None, :, None] > np.arange(grid + 1), flags, ~np.isnan(values), _once(flags))
    return Curve(np.arange(grid + 1) / grid, found.robustness[0, 0], found.uniqueness[0, 0])


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
    values, flags = _judged(scores, positive)
    found, widths = exact_sweep(values[None], flags, ~np.isnan(values), _once(flags))
    return float((np.minimum(found.robustness, found.uniqueness) * widths).sum())


def roc_auc(scores: ArrayLike, positive: ArrayLike) -> float:
    """Mann-Whitney: the probability that a positive scores above a negative, ties counted one half."""
    positives, negatives = split(scores, positive)
    return float(np.mean(outranked(positives[None], negatives[None]), dtype=float) / 2)


def macro_auc(scores: ArrayLike, positive: ArrayLike, family: ArrayLike) -> float:
    """Mean of AUC(f, g) over all pairs of a family f of positives and a family g of negatives.

    A pooled AUC weighs families by how many suspects of each the zoo happens to hold; here each counts once. With one
    family of negatives it is the mean over the families of positives. `family` (suspects,) holds any labels.
    """
    values, flags = _judged(scores, positive)
    known, labels = ~np.isnan(values), np.asarray(family)
    weights = [
        even(_once(flags)[:, flags == side], labels[flags == side], known[flags == side]) for side in (True, False)
    ]
    return float(area(outranked(values[None, flags], values[None, ~flags]), *weights)[0, 0])


def tpr_at_fpr(scores: ArrayLike, positive: ArrayLike, fpr: float) -> float:
    """The best R over all thresholds whose share of negatives above is at most `fpr`: no interpolation between them.

    With 20 negatives, fpr 0.05 allows one of them above the threshold and 0.049 none.
    """
    values, flags = _judged(scores, positive)
    found, _ = exact_sweep(values[None], flags, ~np.isnan(values), _once(flags))
    return float(found.power(fpr)[0, 0])


class Sweep(NamedTuple):
    """How many positives lie above each threshold and how many negatives do not.

    Attributes:
        above: (resamples, cells, K) positives, each as often as it was drawn.
        below: the same of negatives.
        positives: (resamples,) how many were drawn.
        negatives: (resamples,).
    """

    above: Counts
    below: Counts
    positives: Counts
    negatives: Counts

    @property
    def robustness(self) -> Floats:
        """R, (resamples, cells, K); NaN where no positive was drawn."""
        return share(self.above, self.positives[:, None, None])

    @property
    def uniqueness(self) -> Floats:
        """U, (resamples, cells, K); NaN where no negative was drawn."""
        return share(self.below, self.negatives[:, None, None])

    def power(self, fpr: float) -> Floats:
        """The largest R among thresholds that at most floor(fpr * negatives) exceed, (resamples, cells)."""
        allowed = np.floor(fpr * self.negatives.astype(float) + TINY)
        fewest = (self.negatives - allowed).astype(np.float32)[:, None, None]  # whole, as all that is compared
        reached = np.where(self.below >= fewest, self.above, np.float32(0)).max(axis=-1)
        return np.where(self.negatives[:, None] > 0, share(reached, self.positives[:, None]), np.nan)


def sweep(above: Bools, positive: Bools, known: Bools, weights: Counts) -> Sweep:
    """Counts at K thresholds for cells that lack the same suspects.

    Args:
        above: (cells, suspects, K) whether a suspect's score is above a threshold.
        positive: (suspects,).
        known: (suspects,) which of them have a score.
        weights: (resamples, suspects) how often each is drawn.
    """
    counts = []
    for side, hit in ((positive & known, above), (~positive & known, ~above)):
        members, cells = np.moveaxis(hit[:, side], 0, 1), weights[:, side]
        summed = cells @ members.reshape(len(members), above.shape[0] * above.shape[2]).astype(np.float32)
        counts.append((summed.reshape(len(weights), above.shape[0], above.shape[2]), cells.sum(axis=1)))
    return Sweep(counts[0][0], counts[1][0], counts[0][1], counts[1][1])


def exact_sweep(
    scores: Floats, positive: Bools, known: Bools, weights: Counts, top: float = 1.0
) -> tuple[Sweep, Floats]:
    """The sweep over 0, `top` and the scores themselves, (cells, suspects) in [0, top], and the widths between them."""
    ends = [np.full((len(scores), 1), end) for end in (-1.0, 0.0, top)]
    thresholds = np.sort(np.concatenate([*ends, scores[:, known]], axis=1), axis=1)
    widths = np.diff(np.maximum(thresholds, 0), axis=1, append=top)
    return sweep(scores[:, :, None] > thresholds[:, None, :], positive, known, weights), widths


def outranked(positives: Floats, negatives: Floats) -> Counts:
    """Twice the share of each pair that goes to the positive: 2, 1 for a tie, 0; (cells, positives, negatives).

    Pairs with a NaN get 0: give them no weight.
    """
    left, right = positives[:, :, None], negatives[:, None, :]
    return (left > right).astype(np.float32) + (left >= right).astype(np.float32)


def area(pairs: Counts, positives: NDArray[np.floating], negatives: NDArray[np.floating]) -> Floats:
    """AUC of every resample and cell, (resamples, cells); NaN where a side has no weight.

    Args:
        pairs: as `outranked` returns them.
        positives: (resamples, positives) weights, 0 for those without a score.
        negatives: (resamples, negatives).
    """
    cells, rows, columns = pairs.shape
    won = positives @ np.moveaxis(pairs, 0, 1).reshape(rows, cells * columns)
    won = np.einsum("bcn,bn->bc", won.reshape(len(positives), cells, columns), negatives)
    areas = share(won, 2.0 * (positives.sum(axis=1) * negatives.sum(axis=1))[:, None])
    return np.minimum(areas, 1.0)  # weights that are no whole numbers may sum to a last digit more


def even(weights: NDArray[np.floating], family: NDArray[np.generic], known: Bools) -> Floats:
    """Weights of one side that count each family as often as it was drawn, whatever its size.

    A family of n suspects that was drawn d times has d * n draws; they are shared among its members that have a score.
    """
    result = np.zeros(weights.shape)
    for label in np.unique(family):
        members = family == label
        seen = weights[:, members & known]
        drawn = weights[:, members].sum(axis=1) / members.sum()
        result[:, members & known] = seen * np.nan_to_num(share(drawn, seen.sum(axis=1)))[:, None]
    return result


def share(part: NDArray[np.floating], whole: NDArray[np.floating]) -> Floats:
    """The quotient in double precision; NaN where the whole is 0."""
    filled = np.broadcast_to(whole, part.shape)
    return np.divide(part, filled, out=np.full(part.shape, np.nan), where=filled > 0, dtype=float)


def checked(scores: ArrayLike) -> Floats:
    """The scores as doubles; InputError where one is outside of [0, 1]."""
    values = np.asarray(scores, dtype=float)
    if np.any((values < 0) | (values > 1)):
        raise InputError(f"scores: must lie in [0, 1], got {np.nanmin(values):g} to {np.nanmax(values):g}")
    return values


def split(scores: ArrayLike, positive: ArrayLike) -> tuple[Floats, Floats]:
    """Scores of the positives and of the negatives that have one; InputError when either is empty."""
    values, flags = checked(scores), np.asarray(positive, dtype=bool)
    sides = (values[flags & ~np.isnan(values)], values[~flags & ~np.isnan(values)])
    for side, name in zip(sides, ("positive", "negative"), strict=True):
        if side.size == 0:
            raise InputError(EMPTY.format(name))
    return sides


def _judged(scores: ArrayLike, positive: ArrayLike) -> tuple[Floats, Bools]:
    """Both as arrays, with a score on either side."""
    split(scores, positive)
    return checked(scores), np.asarray(positive, dtype=bool)


def _once(positive: Bools) -> Counts:
    """The sample itself as its only resample."""
    return np.ones((1, positive.size), dtype=np.float32)
