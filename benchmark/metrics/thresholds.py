"""Thresholds: the best one, which takes the truth to choose, and the one that an owner can set before any suspect.

The owner has m independent models of his own, the references, and accepts that a share `rate` of innocents is accused.
Their scores r_1, ..., r_m and the score s of an innocent suspect are exchangeable, so (split conformal prediction)

    rho = the k-th smallest reference score, k = ceil((1 - rate) (m + 1))        accuse iff s > rho
    p   = (1 + #{r_i >= s}) / (m + 1)                                            P(p <= rate) <= rate

and s > rho iff p <= rate. If k > m no threshold keeps the rate, and the smallest p is 1 / (m + 1) above it.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from benchmark.errors import InputError
from benchmark.metrics.curves import Floats, checked, split


class Best(NamedTuple):
    """The threshold with the largest min(R, U), that value, R and U there, and [low, high) where R = U = 1, if any."""

    rho: float
    value: float
    robustness: float
    uniqueness: float
    clean: tuple[float, float] | None


def best_threshold(scores: ArrayLike, positive: ArrayLike) -> Best:
    """The rho in [0, 1) that maximises min(R, U).

    R and U are constant on [a, b) between neighbouring scores; of the intervals that reach the maximum the one with
    the larger R + U is taken, then the widest, then the lowest, and rho is its middle. Ties are frequent and must not
    go to chance: R = r / P and U = u / N are compared as the whole numbers r N and u P, and widths up to 1e-9, since
    0.06 - 0.05 is less than 0.07 - 0.06 as floats.
    """
    positives, negatives = split(scores, positive)
    edges = np.unique(np.concatenate(([0.0], positives, negatives, [1.0])))
    start, width = edges[:-1], np.diff(edges)
    above, below = (positives > start[:, None]).sum(axis=1), (negatives <= start[:, None]).sum(axis=1)
    high, low = above * negatives.size, below * positives.size
    best = int(np.lexsort((start, -np.round(width, 9), -(high + low), -np.minimum(high, low)))[0])
    robust, unique = float(above[best] / positives.size), float(below[best] / negatives.size)
    gap = (float(negatives.max()), float(positives.min()))
    rho = float(start[best] + width[best] / 2)
    return Best(rho, min(robust, unique), robust, unique, gap if gap[0] < gap[1] else None)


def owners_threshold(references: ArrayLike, rate: float) -> float:
    """The rho above which at most a share `rate` of innocents is expected; NaN where there are too few references.

    `references` (m,) scores, NaN left out. `references_needed` says how many it takes.

    >>> owners_threshold([0.1, 0.2, 0.3], 0.25)
    0.3
    """
    values = _known(references)
    place = ceil((1 - _exact(rate)) * (values.size + 1))
    return float(np.sort(values)[place - 1]) if place <= values.size else float("nan")


def references_needed(rate: float) -> int:
    """The smallest number of references that allows a threshold: 19 at 5 %.

    >>> [references_needed(rate) for rate in (0.05, 0.01, 0.001)]
    [19, 99, 999]
    """
    exact = _exact(rate)
    return ceil((1 - exact) / exact)


def conformal_p(scores: ArrayLike, references: ArrayLike) -> Floats:
    """(1 + how many references score at least as high) / (m + 1), of any shape; NaN without score or references."""
    values, known = checked(scores), np.sort(_known(references))
    reached = known.size - np.searchsorted(known, values, side="left")
    return np.where(np.isnan(values) | (known.size == 0), np.nan, (1 + reached) / (known.size + 1))


def _known(references: ArrayLike) -> Floats:
    values = checked(references)
    return values[~np.isnan(values)]


def _exact(rate: float) -> Fraction:
    """The rate as it is written: 0.05 is 1/20, not the double beside it."""
    if not 0 < rate < 1:
        raise InputError(f"accusation_rate: must lie between 0 and 1, got {rate}")
    return Fraction(str(rate))
