"""Feature squeezing: each squeezer and the distance against loops, thresholds against sorted lists."""

from __future__ import annotations

import dataclasses
import math
import statistics

import numpy as np
import pytest
import torch
from skimage.restoration import denoise_nl_means

from benchmark.errors import InputError
from benchmark.stealth.base import false_positive_threshold
from benchmark.stealth.squeezing import FeatureSqueezing, reduce_depth, smooth_median, smooth_non_local


def images(count: int, height: int = 12, width: int = 10, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("bits", [1, 5])
def test_reduced_depth_is_the_nearest_of_2_to_the_bits_levels(bits):
    levels = [i / (2**bits - 1) for i in range(2**bits)]
    x = images(2)
    expected = [min(levels, key=lambda level: abs(level - value)) for value in x.flatten().tolist()]
    assert reduce_depth(x, bits).flatten().tolist() == pytest.approx(expected, abs=1e-6)
    assert torch.equal(reduce_depth(torch.tensor([0.0, 1.0]), bits), torch.tensor([0.0, 1.0]))


def mirrored(i: int, length: int) -> int:
    """The pixel that stands in for pixel i outside of the image: d c b a | a b c d | d c b a."""
    return -1 - i if i < 0 else 2 * length - 1 - i if i >= length else i


def slow_median(channel: list[list[float]], size: int) -> list[list[float]]:
    height, width, reach = len(channel), len(channel[0]), range(-(size // 2), size - size // 2)
    middle = statistics.median_high  # the upper of two
    return [
        [
            middle([channel[mirrored(i + a, height)][mirrored(j + b, width)] for a in reach for b in reach])
            for j in range(width)
        ]
        for i in range(height)
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_the_median_mirrors_the_border_reaches_up_left_and_takes_the_upper_middle(size):
    x = images(2)
    expected = torch.tensor([[slow_median(channel.tolist(), size) for channel in image] for image in x])
    assert torch.allclose(smooth_median(x, size), expected, atol=1e-7)


def test_the_2x2_median_by_hand():
    x = torch.tensor([[0.0, 0.1], [0.2, 0.3]]).expand(1, 3, 2, 2)
    # top left: four times 0; top right: 0, .1, 0, .1; bottom left: 0, 0, .2, .2; bottom right: 0, .1, .2, .3
    assert torch.equal(smooth_median(x, 2)[0, 0], torch.tensor([[0.0, 0.1], [0.2, 0.2]]))


def slow_non_local(image: np.ndarray, search: int, patch: int, strength: float) -> np.ndarray:
    """Weighted means by loops; of a patch only its lower right (patch - 1)^2 pixels count, as in the fast mode."""
    reach, half = search // 2, patch // 2
    edge = reach + half
    padded = np.pad(image, ((0, 0), (edge, edge), (edge, edge)), mode="reflect")

    def patch_at(i, j):
        return padded[:, i + 1 - half : i + 1 + half, j + 1 - half : j + 1 + half]

    result = np.empty_like(image)
    for i, j in np.ndindex(image.shape[1:]):
        total, weights, here = 0.0, 0.0, patch_at(i + edge, j + edge)
        for a in range(i + edge - reach, i + edge + reach + 1):
            for b in range(j + edge - reach, j + edge + reach + 1):
                squared = ((patch_at(a, b) - here) ** 2).sum() / (3 * patch**2)
                weight = math.exp(-squared / (strength / 255) ** 2)
                total, weights = total + weight * padded[:, a, b], weights + weight
        result[:, i, j] = total / weights
    return result


@pytest.mark.parametrize(("search", "patch", "strength"), [(13, 3, 2.0), (5, 5, 20.0)])
def test_non_local_means_are_the_weighted_means(search, patch, strength):
    x = 0.5 + 0.04 * images(1, 9, 8)
    expected = slow_non_local(x[0].double().numpy(), search, patch, strength)
    squeezed = smooth_non_local(x, search, patch, strength)[0].numpy()
    assert np.abs(squeezed - x[0].numpy()).max() > 0.01
    assert np.abs(squeezed - expected).max() < 5e-4  # scikit-image approximates exp


def test_non_local_means_are_scikit_image_s_a_window_of_13_reaching_6_pixels():
    x = images(3) * 0.1
    ours = smooth_non_local(x, 13, 3, 4.0)
    for squeezed, image in zip(ours, x, strict=True):
        last = image.permute(1, 2, 0).double().numpy()
        theirs = denoise_nl_means(last, patch_size=3, patch_distance=6, h=4 / 255, fast_mode=True, channel_axis=-1)
        assert np.abs(squeezed.permute(1, 2, 0).numpy() - theirs).max() < 1e-6


def slow_distances(detector, victim, x):
    """Image by image, max over squeezers of the sum of |p_i - q_i|."""
    found = []
    for image in x.split(1):
        squeezed = [
            reduce_depth(image, detector.bits),
            smooth_median(image, detector.median),
            smooth_non_local(image, detector.search, detector.patch, detector.strength),
        ]
        p = victim(image).softmax(dim=1)[0].tolist()
        qs = [victim(other).softmax(dim=1)[0].tolist() for other in squeezed]
        found.append(max(sum(abs(a - b) for a, b in zip(p, q, strict=True)) for q in qs))
    return found


def test_the_distance_is_the_largest_l1_of_probabilities(tasks, victim_of):
    victim, x = victim_of(tasks["classification"]), images(7, 32, 32)
    detector = FeatureSqueezing(chunk=3)
    distances = detector.distances({}, victim, x)
    assert distances.tolist() == pytest.approx(slow_distances(detector, victim, x), abs=1e-5)
    assert distances.min() > 0


def test_only_the_squeezers_that_are_switched_on_count(tasks, victim_of):
    victim, x = victim_of(tasks["classification"]), images(6, 32, 32)
    off = {"bits": None, "median": None, "strength": None}
    alone = [
        FeatureSqueezing(**(off | one)).distances({}, victim, x)
        for one in ({"bits": 5}, {"median": 2}, {"strength": 2.0})
    ]
    assert torch.allclose(FeatureSqueezing().distances({}, victim, x), torch.stack(alone).amax(dim=0), atol=1e-6)
    assert not torch.allclose(alone[0], alone[1], atol=1e-3)


def test_squeezers_that_change_nothing_leave_a_distance_of_0(tasks, victim_of, splits_of):
    task = tasks["classification"]
    detector = FeatureSqueezing(bits=8, median=1, strength=None)
    x = splits_of(task).test.pixels(slice(20))  # 8-bit pixels are on the 8-bit levels
    assert detector.distances({}, victim_of(task), x).abs().max() < 1e-5


def test_an_answer_that_turns_over_is_2_away():
    class Threshold(torch.nn.Module):
        """Class 1 iff the first pixel is above 0.7, with certainty."""

        def forward(self, x):
            sure = torch.where(x[:, 0, 0, 0] > 0.7, 1e4, -1e4)
            return torch.stack([-sure, sure], dim=1)

    x = torch.tensor([0.6, 0.75, 0.4]).reshape(3, 1, 1, 1).expand(3, 3, 4, 4)  # 1 bit: 1, 1, 0
    detector = FeatureSqueezing(bits=1, median=None, strength=None)
    assert detector.distances({}, Threshold(), x).tolist() == [2.0, 0.0, 0.0]


@pytest.mark.parametrize(("count", "fpr"), [(1, 0.05), (19, 0.05), (20, 0.05), (100, 0.07), (1000, 0.05), (150, 0.18)])
def test_the_fitted_threshold_is_an_order_statistic(count, fpr):
    clean = torch.rand(count, generator=torch.Generator().manual_seed(count))
    allowed = count * round(100 * fpr) // 100  # in integers: how many clean images may be flagged
    threshold = false_positive_threshold(clean, fpr)
    assert threshold == np.sort(clean.double().numpy())[count - allowed - 1]
    assert (clean > threshold).sum() == allowed


def test_the_thresholds_by_name():
    clean = torch.arange(1.0, 101.0)[torch.randperm(100, generator=torch.Generator().manual_seed(0))]
    assert FeatureSqueezing().thresholds(clean) == {"fixed": 1.0, "fpr05": 95.0}
    assert FeatureSqueezing(fixed=0.5, fpr=0.1).thresholds(clean) == {"fixed": 0.5, "fpr10": 90.0}


def test_ties_at_the_threshold_are_not_flagged():
    clean = torch.zeros(100)
    assert not (clean > FeatureSqueezing().thresholds(clean)["fpr05"]).any()


@pytest.mark.parametrize("kind", ["regression", "similarity"])
def test_it_wants_class_probabilities(tasks, kind):
    assert "probabilities" in FeatureSqueezing().inapplicable(tasks[kind])
    assert FeatureSqueezing().inapplicable(tasks["classification"]) == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bits": None, "median": None, "strength": None}, "at least one"),
        ({"search": 12}, "search: 12 .* odd"),
        ({"patch": 2}, "patch: 2 .* odd"),
    ],
)
def test_settings_that_squeeze_nothing_or_have_no_middle_are_refused(change, words):
    with pytest.raises(InputError, match=words):
        dataclasses.replace(FeatureSqueezing(), **change)
