"""No better than a blind answer? The p of each task's test against sums and resamples that know nothing of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from benchmark.data.base import ImageSet, Splits
from benchmark.errors import InputError
from benchmark.tasks.base import better_than_chance
from benchmark.tasks.regression import smaller


class Told(torch.nn.Module):
    """Answers image i, which bears its number in its first pixel, with the i-th of the given answers."""

    def __init__(self, answers):
        super().__init__()
        self.answers = answers

    def forward(self, x):
        return self.answers[(x[:, 0, 0, 0] * 255).round().long()]


def numbered(targets):
    images = torch.zeros(len(targets), 3, 2, 2, dtype=torch.uint8)
    images[:, 0, 0, 0] = torch.arange(len(targets), dtype=torch.uint8)
    return ImageSet(images, targets)


def tail(right, count, chance):
    """P(X >= right) of a binomial, term by term."""
    return sum(math.comb(count, k) * chance**k * (1 - chance) ** (count - k) for k in range(right, count + 1))


@pytest.mark.parametrize(("right", "count", "chance"), [(0, 9, 0.3), (5, 9, 0.3), (9, 9, 0.3), (60, 100, 0.5)])
def test_the_binomial_tail_is_its_sum(right, count, chance):
    assert better_than_chance(right, count, chance) == pytest.approx(tail(right, count, chance), rel=1e-9)
    assert better_than_chance(right, count, chance) == pytest.approx(stats.binom.sf(right - 1, count, chance))


def classified(task, right, targets):
    """The quality of a model that is right about the first images alone."""
    given = torch.where(torch.arange(len(targets)) < right, targets, (targets + 1) % 3)
    data = numbered(targets)
    train = ImageSet(data.images[:5], torch.tensor([2, 2, 2, 0, 1]))  # the blind answer is 2
    return task.quality(Told(torch.nn.functional.one_hot(given, 3).double()), Splits(train, data, data))


def test_classification_is_held_against_the_majority_class_of_training(tasks):
    targets = torch.tensor([2] * 30 + [0] * 10 + [1] * 10)  # of test images 0.6 are of class 2
    for right in (29, 30, 36, 50):
        quality = classified(tasks["classification"], right, targets)
        assert quality.p == pytest.approx(tail(right, 50, 0.6), rel=1e-9)
    assert classified(tasks["classification"], 36, targets).skill > 0.05
    assert classified(tasks["classification"], 36, targets).p > 0.05  # above the blind answer, but by luck
    assert classified(tasks["classification"], 50, targets).p < 1e-9
    assert classified(tasks["classification"], 50, torch.full((50,), 2)).p == 1  # nothing here tells them apart


def test_regression_is_held_against_the_training_median_image_by_image(tasks):
    generator = np.random.default_rng(3)
    targets = torch.from_numpy(generator.normal(40, 10, 80)).float()
    data, train = numbered(targets), numbered(torch.tensor([30.0, 40.0, 50.0]))
    found = {}
    for noise in (1.0, 9.5, 30.0):
        answers = targets + torch.from_numpy(generator.normal(0, noise, 80)).float()
        found[noise] = tasks["regression"].quality(Told(answers), Splits(train, data, data)).p
        apart = ((answers - targets).abs() - (targets - 40).abs()).double().numpy()
        t = apart.mean() / (apart.std(ddof=1) / math.sqrt(80))
        assert found[noise] == pytest.approx(stats.t.cdf(t, 79), rel=1e-6)
        flipped = stats.permutation_test(
            (apart,), np.mean, permutation_type="samples", alternative="less", n_resamples=4000, rng=generator
        )
        assert found[noise] == pytest.approx(flipped.pvalue, abs=0.02)
    assert found[1.0] < 1e-9 and 0.05 < found[9.5] < found[30.0] and found[30.0] > 0.999


def test_without_any_spread_errors_are_smaller_or_not():
    errors = torch.full((5,), 2.0, dtype=torch.double)
    assert smaller(errors, errors) == 1 and smaller(errors, errors + 1) == 0 and smaller(errors + 1, errors) == 1


def test_similarity_is_held_against_a_coin_on_as_many_pairs_as_share_no_image(tasks):
    task, targets = tasks["similarity"], torch.arange(80) % 8
    data, embedded = numbered(targets), torch.nn.functional.one_hot(targets, 8).float()
    right, blind = (task.quality(Told(each), Splits(data, data, data)) for each in (embedded, torch.ones(80, 8)))
    assert right.value == 100 and right.p == pytest.approx(0.5**40)
    assert blind.value == 50 and blind.p == pytest.approx(tail(20, 40, 0.5))


@pytest.mark.parametrize("kind", ["classification", "regression", "similarity"])
def test_answers_that_are_no_numbers_have_no_quality(tasks, kind):
    shape = {"classification": (20, 10), "regression": (20,), "similarity": (20, 4)}[kind]
    answers = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    answers[3] = math.nan
    data = numbered((torch.arange(20) % 2).float() if kind == "regression" else torch.arange(20) % 2)
    with pytest.raises(InputError, match=r"^its answers to 1 of 20 images are not finite; a lower learning_rate"):
        tasks[kind].quality(Told(answers), Splits(data, data, data))
