"""Curves and areas against hand-computed values, slow loops in fractions, scikit-learn, and properties."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from benchmark import metrics
from benchmark.errors import InputError

Metric = Callable[[Any, Any], Any]
SIDES = [True] * 4 + [False] * 4


@st.composite
def matches(draw: st.DrawFn) -> tuple[list[int], list[bool], int]:
    """Matched counts, ground truth with both sides present, and the number of prints."""
    total = draw(st.sampled_from([1, 3, 7, 10, 64, 100, 200, 256]))
    sides = [draw(st.integers(1, 8)), draw(st.integers(1, 8))]
    matched = draw(st.lists(st.integers(0, total), min_size=sum(sides), max_size=sum(sides)))
    return matched, [True] * sides[0] + [False] * sides[1], total


def slow_aruc(matched: list[int], positive: list[bool], total: int, rhos: list[Fraction]) -> Fraction:
    """The definition in exact arithmetic."""
    positives = [Fraction(m, total) for m, s in zip(matched, positive, strict=True) if s]
    negatives = [Fraction(m, total) for m, s in zip(matched, positive, strict=True) if not s]
    lower = [
        min(
            Fraction(sum(p > rho for p in positives), len(positives)),
            Fraction(sum(n <= rho for n in negatives), len(negatives)),
        )
        for rho in rhos
    ]
    return sum(lower, Fraction(0)) / len(rhos)


def test_positives_at_09_and_negatives_at_01_give_80_of_101() -> None:
    scores = [0.9] * 4 + [0.1] * 4
    assert metrics.aruc(scores, SIDES) == pytest.approx(80 / 101, abs=1e-15)
    assert metrics.aruc(scores, SIDES, right=True) == pytest.approx(80 / 100, abs=1e-15)
    assert metrics.aruc_exact(scores, SIDES) == pytest.approx(0.8, abs=1e-15)


def test_a_perfect_method_reaches_the_maximum_of_each_variant() -> None:
    scores = [1.0] * 4 + [0.0] * 4
    assert metrics.aruc(scores, SIDES) == pytest.approx(100 / 101, abs=1e-15)
    assert metrics.aruc(scores, SIDES, right=True) == pytest.approx(99 / 100, abs=1e-15)
    assert metrics.aruc_exact(scores, SIDES) == 1.0
    assert metrics.roc_auc(scores, SIDES) == 1.0
    assert metrics.best_threshold(scores, SIDES) == metrics.Best(0.5, 1.0, 1.0, 1.0, (0.0, 1.0))


def test_robustness_and_uniqueness_are_strict_at_the_score_itself() -> None:
    scores, positive = [0.2, 0.4, 0.6, 0.6], [True, True, False, False]
    assert metrics.robustness(scores, positive, 0.4) == 0.0
    assert metrics.robustness(scores, positive, 0.39) == 0.5
    assert metrics.uniqueness(scores, positive, 0.6) == 1.0
    assert metrics.uniqueness(scores, positive, 0.59) == 0.0
    points = metrics.curve(scores, positive)
    assert points.rho[[0, 35, 100]].tolist() == [0.0, 0.35, 1.0]
    assert points.robustness[[0, 19, 20, 39, 40]].tolist() == [1.0, 1.0, 0.5, 0.5, 0.0]
    assert points.uniqueness[[59, 60]].tolist() == [0.0, 1.0]


@pytest.mark.parametrize("denominator", [None, 100])
def test_a_share_equal_to_a_threshold_is_never_above_it(denominator: int | None) -> None:
    """The traps: 35 of 100 against 35 * 0.01 or linspace, 7 / 100 * 100 = 7.000000000000001."""
    scores = np.arange(101) / 100
    naive = np.arange(101) * 0.01
    assert np.count_nonzero(scores != naive) == 10 and np.count_nonzero(scores != np.linspace(0, 1, 101)) == 10
    assert np.any(np.ceil(scores * 100) != np.arange(101))
    assert metrics.levels(scores, denominator=denominator).tolist() == list(range(101))


def test_the_integer_path_cures_scores_that_went_through_float32() -> None:
    scores = (np.arange(101) / 100).astype(np.float32)
    assert metrics.levels(scores).tolist() != list(range(101))
    assert metrics.levels(scores, denominator=100).tolist() == list(range(101))


def test_a_denominator_that_the_scores_do_not_have_is_refused() -> None:
    with pytest.raises(InputError, match="not multiples of 1/denominator"):
        metrics.levels([0.25], denominator=10)


@given(matches())
def test_the_float_path_equals_integers_on_any_grid(case: tuple[list[int], list[bool], int]) -> None:
    matched, _, total = case
    scores = [m / total for m in matched]
    for grid in (10, 100, 97):
        expected = [sum(Fraction(m, total) > Fraction(k, grid) for k in range(grid + 1)) for m in matched]
        assert metrics.levels(scores, grid=grid).tolist() == expected
        assert metrics.levels(scores, grid=grid, denominator=total).tolist() == expected


@given(matches())
def test_aruc_equals_the_slow_loop_in_fractions(case: tuple[list[int], list[bool], int]) -> None:
    matched, positive, total = case
    scores = np.array(matched) / total
    closed = [Fraction(k, 100) for k in range(101)]
    expected = float(slow_aruc(matched, positive, total, closed))
    assert metrics.aruc(scores, positive) == pytest.approx(expected, abs=1e-12)
    assert metrics.aruc(scores, positive, denominator=total) == pytest.approx(expected, abs=1e-12)
    right = float(slow_aruc(matched, positive, total, closed[1:]))
    assert metrics.aruc(scores, positive, right=True) == pytest.approx(right, abs=1e-12)


@given(matches())
def test_the_exact_integral_is_the_left_sum_on_the_scores_own_grid_and_the_limit_of_fine_grids(
    case: tuple[list[int], list[bool], int],
) -> None:
    matched, positive, total = case
    exact = metrics.aruc_exact(np.array(matched) / total, positive)
    left = slow_aruc(matched, positive, total, [Fraction(k, total) for k in range(total)])
    assert exact == pytest.approx(float(left), abs=1e-12)
    fine = metrics.aruc(np.array(matched) / total, positive, grid=20_000)
    assert exact == pytest.approx(fine, abs=(len(matched) + 2) / 20_000)


@given(matches())
def test_curves_are_monotone_and_every_metric_stays_in_its_range(case: tuple[list[int], list[bool], int]) -> None:
    matched, positive, total = case
    scores = np.array(matched) / total
    points = metrics.curve(scores, positive)
    assert np.all(np.diff(points.robustness) <= 0) and np.all(np.diff(points.uniqueness) >= 0)
    assert points.robustness[-1] == 0.0 and points.uniqueness[-1] == 1.0
    assert 0 <= metrics.aruc(scores, positive) <= 100 / 101
    assert 0 <= metrics.aruc_exact(scores, positive) <= 1 + 1e-12
    assert 0 <= metrics.roc_auc(scores, positive) <= 1
    assert 0 <= metrics.tpr_at_fpr(scores, positive, 0.0) <= metrics.tpr_at_fpr(scores, positive, 0.05) <= 1
    for k in (0, 35, 57, 100):
        assert points.robustness[k] == metrics.robustness(scores, positive, k / 100)
        assert points.uniqueness[k] == metrics.uniqueness(scores, positive, k / 100)


@given(matches(), st.randoms(use_true_random=False))
def test_the_order_of_suspects_does_not_matter(case: tuple[list[int], list[bool], int], random: Random) -> None:
    matched, positive, total = case
    order = list(range(len(matched)))
    random.shuffle(order)
    scores, sides = np.array(matched) / total, np.array(positive)
    for metric in (metrics.aruc, metrics.aruc_exact, metrics.roc_auc, metrics.best_threshold):
        assert metric(scores, sides) == metric(scores[order], sides[order])


@given(matches())
def test_auc_equals_scikit_learn_and_ignores_increasing_maps(case: tuple[list[int], list[bool], int]) -> None:
    matched, positive, total = case
    scores = np.array(matched) / total
    auc = metrics.roc_auc(scores, positive)
    assert auc == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)
    assert auc == pytest.approx(metrics.roc_auc(scores**3 / 2 + 0.25, positive), abs=1e-12)
    assert auc == pytest.approx(1 - metrics.roc_auc(1 - scores, positive), abs=1e-12)


@given(matches(), st.sampled_from([0.0, 0.05, 0.25, 0.5]))
def test_tpr_at_fpr_equals_the_best_point_of_scikit_learns_curve(
    case: tuple[list[int], list[bool], int], fpr: float
) -> None:
    matched, positive, total = case
    scores = np.array(matched) / total
    false, true, _ = roc_curve(positive, scores, drop_intermediate=False)
    assert metrics.tpr_at_fpr(scores, positive, fpr) == pytest.approx(true[false <= fpr].max(), abs=1e-12)


def test_five_percent_of_twenty_negatives_is_one_of_them() -> None:
    scores = [0.9, 0.7, 0.5, 0.3] + [0.8, 0.6] + [0.1] * 18
    positive = [True] * 4 + [False] * 20
    assert metrics.tpr_at_fpr(scores, positive, 0.0) == 0.25
    assert metrics.tpr_at_fpr(scores, positive, 0.05) == 0.5
    assert metrics.tpr_at_fpr(scores, positive, 0.049) == 0.25


def test_suspects_without_a_score_are_left_out() -> None:
    scores = [0.9, np.nan, 0.1, np.nan]
    positive = [True, True, False, False]
    assert metrics.aruc(scores, positive) == pytest.approx(80 / 101)
    assert metrics.roc_auc(scores, positive) == 1.0
    assert metrics.robustness(scores, positive, 0.5) == 1.0


@pytest.mark.parametrize("metric", [metrics.aruc, metrics.aruc_exact, metrics.roc_auc, metrics.best_threshold])
def test_an_empty_side_is_refused_in_one_line(metric: Metric) -> None:
    with pytest.raises(InputError, match=r"^scores: no negative suspect has a score.*\Z"):
        metric([0.5, np.nan], [True, False])
    with pytest.raises(InputError, match=r"^scores: no positive suspect has a score.*\Z"):
        metric([0.5], [False])


def test_scores_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match=r"must lie in \[0, 1\], got -0.2 to 0.5"):
        metrics.aruc([-0.2, 0.5], [True, False])


def test_macro_auc_counts_every_family_once_and_is_the_mean_over_pairs_of_families() -> None:
    rng = np.random.default_rng(0)
    positive = np.arange(18) < 11
    family = np.array([*"aaaaaaabbc", "c", *"xxxxxy", "y"])
    scores = rng.integers(0, 20, 18) / 20
    scores[[0, 7, 13]] = np.nan
    expected = []
    for left, right in product("abc", "xy"):
        chosen = np.isin(family, [left, right]) & ~np.isnan(scores)
        expected.append(roc_auc_score(positive[chosen], scores[chosen]))
    assert metrics.macro_auc(scores, positive, family) == pytest.approx(np.mean(expected), abs=1e-12)
    assert metrics.macro_auc(scores, positive, family) != pytest.approx(metrics.roc_auc(scores, positive), abs=1e-3)


def test_macro_auc_leaves_out_families_without_a_score() -> None:
    scores, positive = [0.9, np.nan, 0.2, 0.5], [True, True, True, False]
    assert metrics.macro_auc(scores, positive, ["a", "gone", "b", "x"]) == 0.5
