"""Classification: every number against a loop or a hand-made network."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from benchmark.data.base import ImageSet, Splits


class Brightness(torch.nn.Module):
    """Logits (0, 10 b - 5) of two classes, b the first pixel: class 1 above one half."""

    def forward(self, x):
        bright = 10 * x[:, 0, 0, 0] - 5
        return torch.stack([torch.zeros_like(bright), bright], dim=1)


@pytest.fixture
def two(tasks):
    return tasks["classification"]


@pytest.fixture
def bright_set():
    """Four images with first pixels 0, 255, 0, 255, of which the last is labelled wrongly."""
    images = torch.zeros(4, 3, 2, 2, dtype=torch.uint8)
    images[[1, 3], :, 0, 0] = 255
    return ImageSet(images, torch.tensor([0, 1, 0, 0]))


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_imitation_is_hintons_divergence_sample_by_sample(two, temperature):
    student, teacher = torch.randn(2, 6, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 3
    total = 0.0
    for s, t in zip(student.tolist(), teacher.tolist(), strict=True):
        p, q = [[math.exp(v / temperature) for v in row] for row in (t, s)]
        p, q = [v / sum(p) for v in p], [v / sum(q) for v in q]
        total += sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
    assert two.imitation(student, teacher, temperature).item() == pytest.approx(temperature**2 * total / 6, rel=1e-9)


def test_imitation_ends_where_the_logits_agree_up_to_a_constant(two):
    logits = torch.randn(4, 10, generator=torch.Generator().manual_seed(1))
    assert two.imitation(logits + 3, logits, 2.0).item() == pytest.approx(0, abs=1e-6)


def test_loss_is_the_mean_cross_entropy(two, victim_of):
    x = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    network, y = victim_of(two), torch.tensor([2, 0, 9])
    logits = network(x)
    by_hand = [-math.log(F.softmax(row, dim=0)[c].item()) for row, c in zip(logits, y.tolist(), strict=True)]
    assert two.loss(network, x, y).item() == pytest.approx(sum(by_hand) / 3, rel=1e-4)


def test_quality_is_accuracy(two, bright_set):
    wrong = ImageSet(bright_set.images, 1 - bright_set.targets)
    quality = two.quality(Brightness(), Splits(wrong, wrong, bright_set))
    assert quality.value == 75.0
    assert quality.detail == {"accuracy %": 75.0}


def test_eligible_are_the_images_that_the_network_gets_right(two, bright_set):
    assert two.eligible(Brightness(), bright_set).tolist() == [0, 1, 2]


def test_answer_is_probabilities_and_read_takes_the_prints_class(two, bright_set):
    answer = two.answer(Brightness(), bright_set.pixels())
    high = 1 / (1 + math.exp(-5))
    torch.testing.assert_close(answer[:2], torch.tensor([[high, 1 - high], [1 - high, high]]))
    read = two.read(answer, {"label": bright_set.targets})
    torch.testing.assert_close(read, torch.tensor([high, high, high, 1 - high]))


def test_scorer_is_the_logit_or_the_probability_of_the_prints_class(two, bright_set):
    output, payload = Brightness()(bright_set.pixels()), {"label": torch.tensor([1, 1, 0, 0])}
    assert two.scorer(Brightness(), payload)(output).tolist() == [-5.0, 5.0, 0.0, 0.0]
    low, high = 1 / (1 + math.exp(5)), 1 / (1 + math.exp(-5))
    probability = two.scorer(Brightness(), payload, probability=True)(output)
    torch.testing.assert_close(probability, torch.tensor([low, high, high, low]))


def test_preservation_is_the_cross_entropy_of_each_print(two, bright_set):
    loss = two.preservation(Brightness(), {"label": bright_set.targets})(Brightness()(bright_set.pixels()))
    right, wrong = math.log(1 + math.exp(-5)), math.log(1 + math.exp(5))
    torch.testing.assert_close(loss, torch.tensor([right, right, right, wrong]))


def test_kept_is_the_same_class(two):
    answer = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    assert two.kept(answer, {"label": torch.tensor([0, 0, 1])}).tolist() == [True, False, False]


def test_reference_is_the_true_class(two, bright_set):
    reference = two.reference(Brightness(), bright_set, torch.tensor([3, 1]))
    assert reference.keys() == {"label"} and reference["label"].tolist() == [0, 1]
