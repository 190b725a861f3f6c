"""Verification metrics: robustness, uniqueness, ARUC, ROC-AUC, thresholds, and intervals from clustered resampling.

A suspect is called positive iff its matching score MS is strictly above the threshold rho:

    R(rho) = share of positives with MS > rho          U(rho) = share of negatives with MS <= rho
    ARUC   = mean of min(R, U) over rho in {0, 1/L, ..., 1}, L = 100, that is 101 points, so at most 100/101
    exact  = integral of min(R, U) over [0, 1], at most 1

Everywhere `scores` are floats in [0, 1] and `positive` booleans of the same last axis: whether the answer to the
question is yes. NaN means that the method does not apply to that suspect, which is then left out. Thresholds of the
grid are k / L by division: k * 0.01 and `np.linspace` miss ten of the 101 by one ulp: 35/100 would be above 0.35.

`curves` has the statistics of one set of suspects, `thresholds` the threshold that the truth would choose and the one
that an owner can, `resampling` the clustered bootstrap, `intervals` what is read off it.
"""

from benchmark.metrics.curves import (
    Curve,
    aruc,
    aruc_exact,
    curve,
    levels,
    macro_auc,
    robustness,
    roc_auc,
    tpr_at_fpr,
    uniqueness,
)
from benchmark.metrics.intervals import Interval, bound, differs, holm, percentiles, widened
from benchmark.metrics.resampling import STATISTICS, Draws, Zoo, draw, resampled, resampled_shares
from benchmark.metrics.thresholds import (
    Best,
    best_threshold,
    conformal_p,
    owners_threshold,
    references_needed,
)

__all__ = [
    "STATISTICS",
    "Best",
    "Curve",
    "Draws",
    "Interval",
    "Zoo",
    "aruc",
    "aruc_exact",
    "best_threshold",
    "bound",
    "conformal_p",
    "curve",
    "differs",
    "draw",
    "holm",
    "levels",
    "macro_auc",
    "owners_threshold",
    "percentiles",
    "references_needed",
    "resampled",
    "resampled_shares",
    "robustness",
    "roc_auc",
    "tpr_at_fpr",
    "uniqueness",
    "widened",
]
