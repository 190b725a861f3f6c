"""Thresholds: ties against exact arithmetic, conformal p against worked numbers and by simulation."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import ceil
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark import metrics
from benchmark.errors import InputError

REFERENCES = [0.12, 0.20, 0.08, 0.31, 0.15, 0.22, 0.10, 0.18, 0.27, 0.05, 0.14, 0.19, 0.25, 0.11, 0.16, 0.09, 0.21]
REFERENCES += [0.13, 0.17]


@st.composite
def matches(draw: st.DrawFn) -> tuple[list[int], list[bool], int]:
    """Matched counts, ground truth with both sides present, and the number of prints."""
    total = draw(st.sampled_from([1, 3, 7, 10, 64, 100, 200, 256]))
    sides = [draw(st.integers(1, 8)), draw(st.integers(1, 8))]
    matched = draw(st.lists(st.integers(0, total), min_size=sum(sides), max_size=sum(sides)))
    return matched, [True] * sides[0] + [False] * sides[1], total


def slow_best(matched: list[int], positive: list[bool], total: int) -> Fraction:
    """The best rho in fractions: largest min(R, U), then R + U, then width, then the lowest."""
    positives = [m for m, side in zip(matched, positive, strict=True) if side]
    negatives = [m for m, side in zip(matched, positive, strict=True) if not side]
    edges = sorted({0, total, *matched})
    found = []
    for low, high in pairwise(edges):
        r = Fraction(sum(p > low for p in positives), len(positives))
        u = Fraction(sum(n <= low for n in negatives), len(negatives))
        found.append((min(r, u), r + u, high - low, -low))
    _, _, width, low = max(found)
    return Fraction(-2 * low + width, 2 * total)


def test_best_threshold_takes_the_middle_of_the_widest_best_interval() -> None:
    best = metrics.best_threshold([0.9, 0.2, 0.6, 0.1], [True, True, False, False])
    assert best.value == 0.5 and best.clean is None
    assert (best.robustness, best.uniqueness) == (0.5, 1.0)  # [0.6, 0.9) beats [0.2, 0.6): its R + U is larger
    assert best.rho == pytest.approx(0.75)
    assert metrics.best_threshold([0.4, 0.6, 0.1], [True, True, False]).clean == (0.1, 0.4)


@given(matches())
def test_best_threshold_is_no_worse_than_any_and_says_what_holds_there(case: tuple[list[int], list[bool], int]) -> None:
    matched, positive, total = case
    scores = np.array(matched) / total
    best = metrics.best_threshold(scores, positive)
    assert best.robustness == metrics.robustness(scores, positive, best.rho)
    assert best.uniqueness == metrics.uniqueness(scores, positive, best.rho)
    points = metrics.curve(scores, positive)
    assert best.value == min(best.robustness, best.uniqueness)
    assert best.value >= np.minimum(points.robustness, points.uniqueness).max()
    assert (best.clean is not None) == (best.value == 1.0)


@given(matches(), st.randoms(use_true_random=False))
def test_the_best_rho_is_that_of_exact_arithmetic_in_any_order(
    case: tuple[list[int], list[bool], int], random: Random
) -> None:
    matched, positive, total = case
    order = list(range(len(matched)))
    random.shuffle(order)
    scores = np.array(matched)[order] / total
    best = metrics.best_threshold(scores, np.array(positive)[order])
    assert best.rho == pytest.approx(float(slow_best(matched, positive, total)), abs=1e-12)


def test_intervals_of_equal_width_do_not_go_to_the_one_that_floats_make_wider() -> None:
    """[0.02, 0.03) and [0.03, 0.04) are as good and as wide, but 0.04 - 0.03 is the larger double."""
    matched, positive = [3, 4, 4, 2, 3, 2], [True, True, True, False, False, False]
    widths = np.diff(np.array([2, 3, 4]) / 100)
    assert widths[1] > widths[0]
    assert slow_best([2, 3, 4, 4, 2, 2, 3, 4], [True] * 4 + [False] * 4, 100) == Fraction(25, 1000)
    scores = np.array([2, 3, 4, 4, 2, 2, 3, 4]) / 100  # R, U = 3/4, 2/4 and 2/4, 3/4
    assert metrics.best_threshold(scores, [True] * 4 + [False] * 4).rho == pytest.approx(0.025, abs=1e-12)
    assert metrics.best_threshold(np.array(matched) / 100, positive).rho == pytest.approx(0.025, abs=1e-12)


def test_conformal_p_of_the_worked_example() -> None:
    found = metrics.conformal_p([0.55, 0.31, 0.20, np.nan], REFERENCES)
    assert found[:3] == pytest.approx([0.05, 0.10, 0.35]) and np.isnan(found[3])
    assert np.isnan(metrics.conformal_p([0.5], [])).all()


def test_the_number_of_references_that_a_rate_takes() -> None:
    assert [metrics.references_needed(rate) for rate in (0.05, 0.01, 0.001, 0.1, 0.03)] == [19, 99, 999, 9, 33]
    for rate in (0.05, 0.1, 0.03):
        needed = metrics.references_needed(rate)
        assert np.isnan(metrics.owners_threshold(np.linspace(0, 0.5, needed - 1), rate))
        assert metrics.owners_threshold(np.linspace(0, 0.5, needed), rate) == 0.5


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.2, 0.3])
def test_the_threshold_is_the_kth_smallest_in_exact_arithmetic(rate: float) -> None:
    exact = Fraction(str(rate))
    for count in range(metrics.references_needed(rate), 130):
        scores = np.random.default_rng(count).permutation(count) / 1000
        assert metrics.owners_threshold(scores, rate) == (ceil((1 - exact) * (count + 1)) - 1) / 1000


@given(st.lists(st.integers(0, 20), min_size=1, max_size=60), st.sampled_from([0.05, 0.1, 0.25]))
def test_a_suspect_is_accused_iff_its_p_is_at_most_the_rate(matched: list[int], rate: float) -> None:
    references = np.array(matched) / 20
    rho = metrics.owners_threshold(references, rate)
    suspects = np.arange(21) / 20
    accused = suspects > rho if not np.isnan(rho) else np.zeros(21, bool)
    assert accused.tolist() == (metrics.conformal_p(suspects, references) <= rate).tolist()


def test_innocents_are_accused_at_most_at_the_stated_rate() -> None:
    rng = np.random.default_rng(0)
    draws = np.round(rng.beta(2, 20, (20_000, 26)), 2)  # ties, as shares of 100 prints have them
    accused = [row[0] > metrics.owners_threshold(row[1:], 0.05) for row in draws]
    assert 0.02 < np.mean(accused) <= 0.05


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(InputError, match=f"accusation_rate: must lie between 0 and 1, got {rate}"):
        metrics.references_needed(rate)
