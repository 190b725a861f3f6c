"""Intervals, p-values and Holm's correction against worked numbers, scipy and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, binomtest

from benchmark import metrics

NAN = float("nan")


def test_the_bound_is_the_one_sided_clopper_pearson_of_none_in_n() -> None:
    for units in (1, 3, 20, 299, 2995):
        assert metrics.bound(units) == pytest.approx(beta.ppf(0.95, 1, units), abs=1e-12)
    assert [round(metrics.bound(n), 3) for n in (20, 299, 2995)] == [0.139, 0.01, 0.001]
    assert metrics.bound(0) == 1.0


def test_twenty_of_twenty_is_not_certainty() -> None:
    low, high = metrics.widened(np.ones(500), 1.0, 20)
    assert (low, high) == (pytest.approx(1 - 0.139108, abs=1e-6), 1.0)
    assert metrics.widened(np.zeros(500), 0.0, 20) == (0.0, pytest.approx(0.139108, abs=1e-6))
    exact = binomtest(20, 20, alternative="greater").proportion_ci(0.95)
    assert low == pytest.approx(exact.low)


def test_an_interval_that_has_width_far_from_both_ends_stays() -> None:
    drawn = np.linspace(0.4, 0.6, 1001)
    assert metrics.widened(drawn, 0.5, 20) == metrics.percentiles(drawn) == pytest.approx((0.405, 0.595))


def test_less_than_one_unit_from_the_end_counts_as_at_the_end() -> None:
    drawn = np.linspace(0.985, 1.0, 1001)
    low, high = metrics.widened(drawn, 0.99, 20)
    assert low == pytest.approx(0.99 * 0.05 ** (1 / 20)) and high == pytest.approx(1.0, abs=1e-3)
    whole = np.linspace(0.8, 1.0, 1001)
    assert metrics.widened(whole, 0.95, 20) == metrics.percentiles(whole)  # one of twenty: seen, so resampled


def test_a_statistic_that_never_varies_is_widened_on_both_sides_within_its_range() -> None:
    low, high = metrics.widened(np.full(100, 0.8), 0.8, 6, (0.0, 100 / 101))
    error = 1 - 0.05 ** (1 / 6)
    assert low == pytest.approx(0.8 * (1 - error)) and high == pytest.approx(0.8 + error * (100 / 101 - 0.8))
    assert metrics.widened(np.zeros(9), 0.0, 6, (-1.0, 1.0)) == pytest.approx((-error, error))


def test_nothing_known_is_no_interval() -> None:
    assert np.isnan(metrics.percentiles(np.full(5, NAN))).all()
    assert np.isnan(metrics.widened(np.full(5, NAN), NAN, 5)).all()
    assert np.isnan(metrics.differs(np.full(5, NAN), NAN, 5))


def test_the_bound_of_a_perfect_auc_covers_as_often_as_it_says() -> None:
    """Scores whose true AUC is just below the bound for 6 suspects a side are perfect in at most 5 % of samples."""
    rng, true = np.random.default_rng(0), 0.05 ** (1 / 6) - 0.005
    from scipy.stats import norm

    shift = np.sqrt(2) * norm.ppf(true)
    positives, negatives = rng.standard_normal((20_000, 6)) + shift, rng.standard_normal((20_000, 6))
    assert np.mean(positives.min(axis=1) > negatives.max(axis=1)) < 0.05


def test_p_counts_both_sides_adds_one_and_never_is_zero() -> None:
    drawn = np.array([*np.linspace(0.1, 0.2, 97), -0.1, -0.1])
    assert metrics.differs(drawn, 0.1, 20) == pytest.approx(2 * 3 / 100)
    assert metrics.differs(drawn + 0.5, 0.6, 20, (0.0, 1.0), 0.5) == pytest.approx(2 * 3 / 100)
    assert metrics.differs(np.linspace(0.1, 0.3, 99), 0.2, 20) == pytest.approx(2 / 100)
    assert metrics.differs(np.zeros(99), 0.0, 20) == 1.0
    assert metrics.differs(np.array([0.1, NAN, 0.2]), 0.1, 20) == pytest.approx(2 / 3)
    assert metrics.differs(-drawn, -0.1, 20) == metrics.differs(drawn, 0.1, 20)


def test_an_area_of_one_has_the_p_of_as_many_coins() -> None:
    for units in (1, 2, 5, 9):
        expected = max(binomtest(units, units, alternative="greater").pvalue, 2 / 2001)
        assert metrics.differs(np.ones(2000), 1.0, units, (0.0, 1.0), 0.5) == pytest.approx(expected)
        assert metrics.differs(np.zeros(2000), 0.0, units, (0.0, 1.0), 0.5) == pytest.approx(expected)
    assert metrics.differs(np.ones(2000), 1.0, 20, (0.0, 1.0), 0.5) == pytest.approx(2 / 2001)


@pytest.mark.parametrize(("span", "null"), [((0.0, 1.0), 0.5), ((-1.0, 1.0), 0.0)])
def test_p_is_below_5_percent_only_where_the_interval_leaves_null_out(span: tuple[float, float], null: float) -> None:
    rng, seen = np.random.default_rng(0), set()
    for _ in range(4000):
        units, wide = int(rng.integers(1, 12)), rng.choice([0.0, 0.01, 0.1, 0.3]) * (span[1] - span[0])
        estimate = float(rng.choice([span[1], span[0], rng.uniform(*span)]))
        drawn = np.clip(estimate + wide * rng.standard_normal(300), *span)
        low, high = metrics.widened(drawn, estimate, units, span)
        out, p = not low <= null <= high, metrics.differs(drawn, estimate, units, span, null)
        assert out or p >= 0.05
        assert p < 0.06 or not out
        seen.add((out, p < 0.05, metrics.percentiles(drawn) != (low, high)))
    assert {(True, True, False), (True, True, True), (False, False, False), (False, False, True)} <= seen


def test_holm_of_the_worked_example() -> None:
    found = metrics.holm([0.001, 0.04, 0.012, 0.03, 0.2])
    assert found == pytest.approx([0.005, 0.09, 0.048, 0.09, 0.2])
    with_gap = metrics.holm([0.001, NAN, 0.04, 0.012, 0.03, 0.2])
    assert np.isnan(with_gap[1]) and np.delete(with_gap, 1) == pytest.approx(found)
    assert metrics.holm([0.9, 0.8]).tolist() == [1.0, 1.0]
    assert metrics.holm([]).size == 0
