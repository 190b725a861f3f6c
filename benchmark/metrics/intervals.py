"""What is read off a bootstrap: intervals that do not collapse, p-values of differences, and Holm's correction.

Resampling knows only what was seen: a method that is right on 20 of 20 is right on all 20 in every resample, and the
interval [1, 1] says that it never errs. What n equal observations do say (rule of three, the exact bound of Clopper and
Pearson for n of n): with confidence 95 % a further one differs with a probability of at most

    e(n) = 1 - 0.05^(1/n)          0.139 for 20, 0.0100 for 299, 0.632 for 3

and the mean of something in [a, b] that was x every time lies in [x - e (x - a), x + e (b - x)]. For the share of
positives or negatives that are accused, n is their number. For AUC the smaller side counts: of P positives and N
negatives one can form n = min(P, N) pairs that share no suspect, each ordered rightly with probability AUC, so that
P(AUC^ = 1) <= AUC^n, and AUC < 0.05^(1/n) is refuted at 5 %. For ARUC, with all positives above b and all negatives up
to a, P(that) = R(b)^P U(a)^N <= min(R, U)^n throughout [a, b), which bounds the integrand. Suspects are the unit, each
counted once however many victims and repeats it was judged with: this is a statement on other suspects. Over victims
the same rule has n = 3 for three victims, a bound that every method has, whatever its score; it stands in a note.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmark.metrics.curves import TINY, Floats

LEVEL = 0.95


class Interval(NamedTuple):
    """Both ends."""

    low: float
    high: float


def bound(units: int) -> float:
    """e(n), the 95 % upper bound on what was seen in none of n; 1 for none at all.

    >>> round(bound(20), 4), round(bound(299), 4)
    (0.1391, 0.01)
    """
    return float(1 - (1 - LEVEL) ** (1 / units)) if units > 0 else 1.0


def percentiles(drawn: NDArray[np.floating]) -> Interval:
    """The 2.5 and 97.5 percentiles of a bootstrap (resamples,), NaN left out; NaN where nothing is known."""
    known = drawn[~np.isnan(drawn)]
    if known.size == 0:
        return Interval(float("nan"), float("nan"))
    low, high = np.percentile(known, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return Interval(float(low), float(high))


def widened(
    drawn: NDArray[np.floating], estimate: float, units: int, span: tuple[float, float] = (0.0, 1.0)
) -> Interval:
    """The percentile interval, an end that has collapsed moved out to what `units` equal observations leave open.

    Collapsed is an interval without width, and one around an estimate that is less than one unit, (b - a) / units,
    from an end of its range: the bootstrap has then not seen one whole unit that differs. Ends only move outwards.

    Args:
        drawn: (resamples,) the statistic of each resample.
        estimate: of the sample itself.
        units: how many independent observations there are, see above.
        span: [a, b], the range of the statistic.
    """
    low, high = percentiles(drawn)
    if np.isnan(low):
        return Interval(low, high)
    (least, most), error = span, bound(units)
    lower, upper = _collapsed(Interval(low, high), estimate, units, span)
    if lower:
        low = min(low, estimate - error * (estimate - least))
    if upper:
        high = max(high, estimate + error * (most - estimate))
    return Interval(low, high)


def differs(
    drawn: NDArray[np.floating], estimate: float, units: int, span: tuple[float, float] = (-1.0, 1.0), null: float = 0.0
) -> float:
    """Two-sided p of the statistic being `null`, of the same rule as `widened`: below 0.05 only if that leaves it out.

    Twice the smaller share of resamples on either side of null, a resample at null on both; with one added to
    numerator and denominator, since a p of 0 is never an honest one (Davison and Hinkley 1997, section 4.2). Where the
    end of the interval that faces null has collapsed, at least the level at which it would reach null: e(n) of that
    level is the share of the way from the estimate to the end of the range at which null lies, so for an AUC of 1

        1 - p^(1/n) = (1 - 0.5) / (1 - 0),  p = 0.5^n          0.25 for 2 suspects, 0.031 for 5

    Arguments as of `widened`; NaN where nothing is known.
    """
    known = drawn[~np.isnan(drawn)]
    if known.size == 0:
        return float("nan")
    sides = (np.count_nonzero(known <= null + TINY), np.count_nonzero(known >= null - TINY))
    p = min(1.0, 2 * (1 + min(sides)) / (known.size + 1))
    lower, upper = _collapsed(percentiles(drawn), estimate, units, span)
    if lower if estimate > null else upper:
        end = span[0] if estimate > null else span[1]
        p = max(p, ((null - end) / (estimate - end)) ** units)
    return float(p)


def _collapsed(ends: Interval, estimate: float, units: int, span: tuple[float, float]) -> tuple[bool, bool]:
    """Whether the lower and the upper end of a percentile interval have."""
    (least, most), flat = span, ends.high - ends.low < TINY
    unit = (most - least) / max(units, 1) - TINY
    return flat or most - estimate < unit, flat or estimate - least < unit


def holm(p: ArrayLike | Sequence[float]) -> Floats:
    """Holm's step-down correction of m p-values: p_(i) (m - i + 1), running maximum, at most 1; NaN stays.

    >>> holm([0.001, 0.04, 0.012, 0.03, 0.2]).round(3).tolist()
    [0.005, 0.09, 0.048, 0.09, 0.2]
    """
    values = np.asarray(p, dtype=float)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    result = np.full(values.shape, np.nan)
    result[order] = np.minimum(1.0, np.maximum.accumulate(values[order] * np.arange(len(order), 0, -1)))
    return result
