"""PSNR against scikit-image and hand values; label accuracy."""

from __future__ import annotations

import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from benchmark.contracts.prints import Prints
from benchmark.stealth.visibility import label_accuracy, psnr


def images(count: int, seed: int) -> torch.Tensor:
    return torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(seed))


def test_psnr_is_the_mean_of_scikit_image_s():
    one, other = images(5, 0), images(5, 1)
    other = one + (other - one) * torch.tensor([1e-3, 1e-2, 0.1, 0.5, 1.0])[:, None, None, None]
    pairs = zip(one.double().numpy(), other.double().numpy(), strict=True)
    expected = [peak_signal_noise_ratio(a, b, data_range=1.0) for a, b in pairs]
    assert psnr(other, one) == pytest.approx(sum(expected) / 5, rel=1e-5)


@pytest.mark.parametrize(("change", "decibels"), [(0.1, 20.0), (0.01, 40.0), (1.0, 0.0)])
def test_psnr_by_hand(change, decibels):
    origin = torch.zeros(2, 3, 4, 4)
    assert psnr(origin + change, origin) == pytest.approx(decibels, abs=1e-5)


def test_an_unchanged_image_counts_100_db_alone_and_in_a_mean():
    origin = torch.zeros(2, 3, 4, 4)
    samples = torch.cat([origin[:1], origin[1:] + 0.1])
    assert psnr(origin, origin) == 100.0
    assert psnr(samples, origin) == pytest.approx(60.0, abs=1e-5)
    assert psnr(origin + 1e-7, origin) == 100.0  # 140 dB are capped


def test_without_an_origin_there_is_no_psnr():
    assert psnr(images(2, 0), None) is None


def test_label_accuracy_is_the_share_that_the_victim_reads_right(tasks, victim_of, splits_of):
    task = tasks["classification"]
    victim, x = victim_of(task), splits_of(task).test.pixels(slice(8))
    answers = victim(x).argmax(dim=1)
    labels = torch.where(torch.arange(8) < 6, answers, (answers + 1) % 10)
    assert label_accuracy(task, victim, Prints(x, None, {"label": labels})) == 6 / 8
    assert label_accuracy(task, victim, Prints(x, None, {"answer": labels})) is None


@pytest.mark.parametrize("kind", ["regression", "similarity"])
def test_without_labels_there_is_no_label_accuracy(tasks, victim_of, kind):
    prints = Prints(images(2, 0), None, {"label": torch.tensor([0, 1])})
    assert label_accuracy(tasks[kind], victim_of(tasks[kind]), prints) is None
