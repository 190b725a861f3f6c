"""Grad-CAM against captum, its second derivative against finite differences, norms and masks against hand values."""

from __future__ import annotations

import math

import pytest
import torch
from captum.attr import LayerGradCam

from benchmark.crafting.gradcam import class_map, class_map_pooled, normalise, rasterise
from benchmark.errors import Inapplicable
from benchmark.networks.small import SmallVGG


@pytest.fixture
def explained(task, owner_of):
    """A victim, six images and the scorer of their own payload."""
    owner = owner_of(task)
    index = torch.arange(6)
    payload = task.reference(owner.victim, owner.data.train, index)
    return owner.victim, owner.data.train.pixels(index), task.scorer(owner.victim, payload), payload


def test_class_map_is_captum_s_grad_cam(explained):
    victim, x, scorer, _ = explained
    captum = LayerGradCam(lambda image: scorer(victim(image)), victim.body).attribute(x, relu_attributions=False)
    combined, output = class_map(victim, victim.features(x), scorer)
    assert combined.abs().max() > 1e-3
    torch.testing.assert_close(combined, captum[:, 0], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(output, victim(x))
    assert not combined.requires_grad and not output.requires_grad


def test_class_map_of_a_probability_is_captum_s(classifier):
    x, label = classifier.data.train.pixels(slice(6)), classifier.data.train.targets[:6]
    victim, scorer = classifier.victim, classifier.task.scorer(classifier.victim, {"label": label}, probability=True)
    captum = LayerGradCam(lambda image: victim(image).softmax(1), victim.body).attribute(x, target=label)
    torch.testing.assert_close(class_map(victim, victim.features(x), scorer)[0], captum[:, 0], rtol=1e-4, atol=1e-7)


def test_closed_form_equals_the_derivative(classifier):
    victim, train = classifier.victim, classifier.data.train
    maps, label = victim.features(train.pixels(slice(20))), train.targets[:20]
    closed, output = class_map_pooled(victim, maps, label)
    derived, same = class_map(victim, maps, classifier.task.scorer(victim, {"label": label}))
    torch.testing.assert_close(closed, derived, rtol=1e-5, atol=1e-5)
    assert torch.equal(output, same)


def test_closed_form_refuses_another_head():
    network = SmallVGG(widths=(4, 4, 4), hidden=4).network(3)
    with pytest.raises(ValueError, match="global mean pool"):
        class_map_pooled(network, torch.rand(1, 4, 4, 4), torch.tensor([0]))


@pytest.mark.parametrize("probability", [False, True])
def test_gradient_of_the_map_is_that_of_finite_differences(task, owner_of, generator, probability):
    owner = owner_of(task)
    index = torch.arange(3)
    payload = task.reference(owner.victim, owner.data.train, index)
    payload = {name: value.double() if value.is_floating_point() else value for name, value in payload.items()}
    victim = owner.victim.double()
    x = torch.rand(3, 3, 32, 32, generator=generator(2)).double()  # a flat background would sit on max-pool's kinks
    scorer = task.scorer(victim, payload, probability=probability)
    contrast = torch.randn(3, 4, 4, generator=generator(1)).double()

    def value(image: torch.Tensor) -> torch.Tensor:
        return (class_map(victim, victim.features(image), scorer, create_graph=True)[0] * contrast).sum()

    x.requires_grad_(True)
    (gradient,) = torch.autograd.grad(value(x), x)
    assert gradient.abs().max() > 1e-4
    for seed in range(4):
        way = torch.randn(x.shape, generator=generator(seed)).double() * 1e-6
        difference = (value(x + way) - value(x - way)).item() / 2
        assert (gradient * way).sum().item() == pytest.approx(difference, rel=1e-3, abs=1e-10)


CROSS = torch.tensor([[[-2.0, 1.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]], [[-1.0, -2.0], [-3.0, -4.0]]])


@pytest.mark.parametrize(
    ("norm", "expected"),
    [
        ("max", [[[0, 1 / 4], [3 / 4, 1]], [[0, 0], [0, 0]], [[0, 0], [0, 0]]]),
        ("l2", [[[0, 1 / math.sqrt(26)], [3 / math.sqrt(26), 4 / math.sqrt(26)]], [[0, 0], [0, 0]], [[0, 0], [0, 0]]]),
        ("minmax", [[[0, 1 / 2], [5 / 6, 1]], [[0, 0], [0, 0]], [[1, 2 / 3], [1 / 3, 0]]]),
    ],
)
def test_normalise(norm, expected):
    torch.testing.assert_close(normalise(CROSS, norm), torch.tensor(expected, dtype=torch.float32))


@pytest.mark.parametrize(("side", "lit"), [(4, 1), (7, 1), (8, 2), (14, 2), (32, 5), (224, 32)])
def test_rasterise_lights_the_top_left_seventh(side, lit):
    expected = torch.zeros(side, side)
    expected[:lit, :lit] = 1
    assert torch.equal(rasterise(7, side, side), expected)


def test_rasterise_of_an_oblong():
    assert torch.equal(rasterise(2, 2, 4), torch.tensor([[1.0, 1, 0, 0], [0, 0, 0, 0]]))


def test_a_map_that_is_all_corner_is_refused():
    with pytest.raises(Inapplicable, match="map is 1x1, all of it corner"):
        rasterise(7, 1, 1)
