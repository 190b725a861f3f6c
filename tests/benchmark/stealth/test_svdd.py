"""Deep SVDD: nothing in phi that could ignore the image, the centre, the descent, and what is flagged."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from benchmark.data.base import ImageSet, Splits
from benchmark.data.digits import Digits
from benchmark.errors import InputError
from benchmark.stealth.svdd import (
    DeepSVDD,
    away_from_zero,
    decoder_of,
    encoder_of,
    normalise_contrast,
    rescale,
    resize,
    settle_statistics,
)

SMALL = DeepSVDD(size=16, widths=(8, 16), dimensions=16, epochs=4, milestone=3, learning_rate=1e-3, batch=50)


@pytest.fixture(scope="module")
def digits() -> Splits:
    return Digits().load()


@pytest.fixture(scope="module")
def fitted(digits) -> dict[str, torch.Tensor]:
    return SMALL.fit(digits, 0)


def noise(count: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


def encoder_in(state: dict[str, torch.Tensor]) -> nn.Sequential:
    encoder = encoder_of(SMALL.size, SMALL.widths, SMALL.dimensions)
    encoder.load_state_dict({name[8:]: tensor for name, tensor in state.items() if name.startswith("encoder.")})
    return encoder.eval()


@pytest.mark.parametrize("build", [encoder_of, decoder_of])
def test_no_layer_has_a_bias_or_an_affine_norm(build):
    modules = list(build(32, (32, 64, 128), 128).modules())
    weighted = [m for m in modules if isinstance(m, (nn.Conv2d, nn.Linear))]
    norms = [m for m in modules if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d))]
    assert len(weighted) == 4 and len(norms) >= 3
    assert all(m.bias is None for m in weighted)
    assert all(not m.affine and m.weight is None and m.bias is None for m in norms)
    assert sum(len(list(m.parameters(recurse=False))) for m in modules) == len(weighted)


@pytest.mark.parametrize(("size", "widths"), [(32, (32, 64, 128)), (64, (8, 8, 8, 8)), (16, (8, 16))])
def test_the_decoder_turns_codes_into_images(size, widths):
    x = noise(2)
    small = resize(x, size)
    codes = encoder_of(size, widths, 24)(small)
    pictures = decoder_of(size, widths, 24)(codes)
    assert codes.shape == (2, 24) and pictures.shape == small.shape
    assert pictures.min() >= 0 and pictures.max() <= 1


def test_the_centre_keeps_away_from_zero():
    centre = torch.tensor([0.0, -0.0, 0.05, -0.05, 0.1, -0.1, 0.7, -2.0, 1e-30, -1e-30])
    expected = [0.1, 0.1, 0.1, -0.1, 0.1, -0.1, 0.7, -2.0, 0.1, -0.1]
    assert away_from_zero(centre).tolist() == pytest.approx(expected)


def test_contrast_is_mean_0_and_mean_absolute_value_1_in_each_image():
    x = noise(5) * torch.tensor([1.0, 0.5, 0.1, 0.01, 0.0])[:, None, None, None] + 0.3
    array = x.double().numpy()
    for image, normal in zip(array[:4], normalise_contrast(x)[:4].numpy(), strict=True):
        centred = image - image.mean()
        assert np.abs(normal - centred / np.abs(centred).mean()).max() < 1e-3
    assert not normalise_contrast(x)[4].any()  # a uniform image has no contrast to bring to 1


def test_resizing_is_antialiased():
    stripes = (torch.arange(32) % 4 == 1).float().expand(1, 3, 32, 32)  # which the middle of each four misses or hits
    assert (resize(stripes, 8)[..., 1:-1] - 0.25).abs().max() < 0.02
    assert torch.equal(resize(noise(2), 32), noise(2))


def test_the_training_images_span_0_to_1(fitted, digits):
    images = normalise_contrast(resize(digits.train.pixels(), SMALL.size))
    scaled = rescale(images, fitted["low"], fitted["high"])
    assert scaled.min() == 0 and scaled.max() == pytest.approx(1, abs=1e-6)


def test_settled_statistics_are_those_of_all_images():
    encoder = encoder_of(16, (8, 16), 16)
    x = resize(noise(40), 16)
    settle_statistics(encoder, x, 10)
    first = encoder[0](x)
    assert torch.allclose(encoder[1].running_mean, first.mean(dim=(0, 2, 3)), atol=1e-5)
    assert torch.allclose(encoder[1].running_var, first.var(dim=(0, 2, 3)), rtol=0.05)
    assert encoder[1].momentum == 0.1


def test_the_centre_is_the_mean_code_before_training(digits):
    """With a rate so small that no weight moves, phi after training is phi before it."""
    still = dataclasses.replace(SMALL, epochs=1, learning_rate=1e-30, batch=len(digits.train))
    state = still.fit(digits, 3)
    encoder = encoder_of(SMALL.size, SMALL.widths, SMALL.dimensions)
    for weight, name in zip(encoder.parameters(), ("0", "4", "9"), strict=True):
        weight.data = state[f"encoder.{name}.weight"]
    x = rescale(normalise_contrast(resize(digits.train.pixels(), SMALL.size)), state["low"], state["high"])
    encoder.train()  # the statistics of all images at once
    with torch.no_grad():
        codes = encoder(x)
    assert torch.allclose(state["centre"], away_from_zero(codes.mean(dim=0)), atol=0.05)
    assert (state["centre"].abs() >= 0.1).all()


def test_the_distance_is_the_squared_norm_of_phi_minus_c(fitted, digits):
    x = digits.test.pixels(slice(30))
    scaled = rescale(normalise_contrast(resize(x, SMALL.size)), fitted["low"], fitted["high"])
    with torch.no_grad():
        codes = encoder_in(fitted)(scaled).double().numpy()
    expected = ((codes - fitted["centre"].double().numpy()) ** 2).sum(axis=1)
    assert np.allclose(SMALL.distances(fitted, None, x).numpy(), expected, rtol=1e-4)


def test_training_brings_clean_images_nearer(digits):
    means = []
    for epochs in (1, 2, 6):
        state = dataclasses.replace(SMALL, epochs=epochs, milestone=6).fit(digits, 0)
        means.append(SMALL.distances(state, None, digits.train.pixels()).mean().item())
    assert means[0] > means[1] > means[2]


def test_after_the_milestone_the_rate_is_a_tenth(digits):
    def moved(milestone: int) -> float:
        """How far the second epoch moves the first weights."""
        once, twice = (
            dataclasses.replace(SMALL, epochs=epochs, milestone=milestone).fit(digits, 0)["encoder.0.weight"]
            for epochs in (1, 2)
        )
        return (twice - once).abs().mean().item()

    assert 0.02 < moved(1) / moved(2) < 0.3


def test_noise_is_flagged_and_held_out_digits_pass(digits):
    detector = dataclasses.replace(SMALL, size=32, widths=(8, 16, 32))
    state = detector.fit(digits, 0)
    threshold = detector.thresholds(detector.distances(state, None, digits.valid.pixels()))["q95"]

    def flagged(x: torch.Tensor) -> float:
        return (detector.distances(state, None, x) > threshold).double().mean().item()

    assert flagged(digits.test.pixels()) < 0.12
    assert flagged(noise(100)) == 1
    assert flagged((noise(100) * 255).round() / 255) == 1
    assert flagged((digits.test.pixels(slice(100)) + noise(100) - 0.5).clamp(0, 1)) > 0.9


def test_each_phase_lowers_its_loss(digits, monkeypatch):
    """Pretraining its reproduction error, training its mean distance; both over all training images."""
    falls, descend = [], DeepSVDD._descend

    def watched(self, module, loss, images, epochs, generator):
        with torch.no_grad():
            before = loss(images).item()
        descend(self, module, loss, images, epochs, generator)
        with torch.no_grad():
            falls.append(loss(images).item() / before)

    monkeypatch.setattr(DeepSVDD, "_descend", watched)
    dataclasses.replace(SMALL, epochs=2, pretrain_epochs=2).fit(digits, 0)
    assert len(falls) == 2 and falls[0] < 0.8 and falls[1] < 0.5


def test_training_starts_where_pretraining_ended(digits):
    pretrained, plain = (
        dataclasses.replace(SMALL, epochs=1, pretrain_epochs=epochs).fit(digits, 0) for epochs in (1, 0)
    )
    assert {name: tensor.shape for name, tensor in pretrained.items()} == {n: t.shape for n, t in plain.items()}
    assert not torch.allclose(pretrained["centre"], plain["centre"], atol=1e-2)


def test_the_spread_is_the_relative_variance_of_validation_distances(fitted, digits):
    clean = SMALL.distances(fitted, None, digits.valid.pixels()).double().numpy()
    assert fitted["spread"].item() == pytest.approx(clean.var(ddof=1) / clean.mean() ** 2, rel=1e-3)


def test_a_diverged_encoder_is_no_detector(digits):
    with pytest.raises(InputError, match="learning_rate: .* collapsed"):
        dataclasses.replace(SMALL, learning_rate=1e30).fit(digits, 0)


def test_images_that_are_all_the_same_cannot_be_learnt_from(digits):
    same = ImageSet(digits.train.images[:1].expand(60, -1, -1, -1), digits.train.targets[:60])
    with pytest.raises(InputError, match="collapsed"):
        SMALL.fit(Splits(same, same, same), 0)


def test_the_threshold_is_numpy_s_quantile():
    clean = torch.rand(37, generator=torch.Generator().manual_seed(0))
    assert SMALL.thresholds(clean) == {"q95": pytest.approx(np.quantile(clean.double().numpy(), 0.95), abs=1e-12)}
    assert list(dataclasses.replace(SMALL, quantile=0.5).thresholds(clean)) == ["q50"]


@pytest.mark.parametrize("change", [{"size": 20, "widths": (4, 4, 4)}, {"widths": ()}])
def test_a_size_that_cannot_be_halved_is_refused(change):
    with pytest.raises(InputError, match="size: wants a multiple"):
        dataclasses.replace(DeepSVDD(), **change)


def test_it_applies_to_every_kind_of_task(tasks):
    assert all(DeepSVDD().inapplicable(task) == "" for task in tasks.values())
