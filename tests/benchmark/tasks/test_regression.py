"""Regression: values in real units, losses in units of `scale`."""

from __future__ import annotations

import pytest
import torch

from benchmark.data.base import ImageSet, Splits


class Reader(torch.nn.Module):
    """Answers 100 times the first pixel."""

    def forward(self, x):
        return 100 * x[:, 0, 0, 0]


def image_set(values, targets):
    images = torch.zeros(len(values), 3, 2, 2, dtype=torch.uint8)
    images[:, 0, 0, 0] = torch.tensor(values, dtype=torch.uint8)
    return ImageSet(images, torch.tensor(targets, dtype=torch.float32))


@pytest.fixture
def angle(tasks):
    return tasks["regression"]  # scale 26, drop 1


def test_loss_is_smooth_l1_of_standardised_values(angle):
    data = image_set([51, 102], [33.0, -12.0])  # answers 20 and 40: errors 13 = scale / 2 and 52 = 2 scale
    loss = angle.loss(Reader(), data.pixels(), data.targets)
    assert loss.item() == pytest.approx((0.5 * 0.5**2 + (2 - 0.5)) / 2, rel=1e-5)


def test_imitation_is_the_mean_square_in_units_of_scale(angle):
    student, teacher = torch.tensor([26.0, 0.0]), torch.tensor([0.0, 13.0])
    for temperature in (1.0, 5.0):
        assert angle.imitation(student, teacher, temperature).item() == pytest.approx((1 + 0.25) / 2)


def test_quality_against_answering_the_training_median(angle):
    train = image_set([0, 0, 0], [10.0, 30.0, 90.0])  # median 30
    test = image_set([51, 51], [25.0, 5.0])  # answers 20: errors 5 and 15, of the median 5 and 25
    assert angle.quality(Reader(), Splits(train, test, test)).value == pytest.approx(100 / 3, abs=1e-4)
    better = image_set([51, 0], [25.0, 5.0])  # answers 20 and 0: errors 5 and 5
    quality = angle.quality(Reader(), Splits(train, test, better))
    assert quality.value == pytest.approx(200 / 3, abs=1e-4)
    assert quality.detail == {"MAE degrees": pytest.approx(5, abs=1e-4)}


def test_answer_read_and_scorer_are_the_value(angle):
    data = image_set([51, 255], [0.0, 0.0])
    answer = angle.answer(Reader(), data.pixels())
    torch.testing.assert_close(answer, torch.tensor([20.0, 100.0]))
    assert torch.equal(angle.read(answer, {}), answer)
    assert torch.equal(angle.scorer(Reader(), {})(answer), answer)


def test_reference_preservation_and_kept_look_back_at_the_victims_own_value(angle):
    data = image_set([51, 255, 0], [7.0, 8.0, 9.0])
    payload = angle.reference(Reader(), data, torch.tensor([1, 0]))
    torch.testing.assert_close(payload["value"], torch.tensor([100.0, 20.0]))
    later = torch.tensor([97.0, 20.5])
    torch.testing.assert_close(angle.preservation(Reader(), payload)(later), torch.tensor([9.0, 0.25]))
    assert angle.kept(later, payload).tolist() == [False, True]
    assert angle.kept(payload["value"] - 1, payload).tolist() == [True, True]  # a fall of exactly `drop`


def test_every_image_may_become_a_print(angle):
    assert angle.eligible(Reader(), image_set([1, 2, 3], [0.0, 0.0, 0.0])).tolist() == [0, 1, 2]
