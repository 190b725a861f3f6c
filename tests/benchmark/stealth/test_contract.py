"""What every detector promises: over all of conf/detector, so a new yaml is tested unasked."""

from __future__ import annotations

import dataclasses
import random

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from safetensors.torch import load, save

from benchmark.paths import ROOT
from benchmark.spec.build import build
from benchmark.stealth.base import Detector

FOLDER = ROOT / "conf" / "detector"
SMALL = {"widths": (4, 8, 8), "epochs": 1, "dimensions": 8}


def detectors() -> dict[str, Detector]:
    found = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        for name, node in OmegaConf.to_container(OmegaConf.load(path)).items():
            detector = build(node, f"detector.{name}")
            fields = {field.name for field in dataclasses.fields(detector)}
            found[name] = dataclasses.replace(detector, **{k: v for k, v in SMALL.items() if k in fields})
    return found


DETECTORS = detectors()


def global_states() -> tuple[object, ...]:
    return torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist()


@pytest.fixture(params=sorted(DETECTORS))
def detector(request) -> Detector:
    return DETECTORS[request.param]


@pytest.fixture
def data(tasks, splits_of):
    return splits_of(tasks["classification"])


@pytest.fixture
def victim(tasks, victim_of):
    return victim_of(tasks["classification"])


def test_distances_are_reproducible_and_touch_nothing_global(detector, data, victim):
    x = data.test.pixels(slice(9))
    weights = {name: tensor.clone() for name, tensor in victim.state_dict().items()}
    states = global_states()
    state = detector.fit(data, 1)
    distances = detector.distances(state, victim, x)
    again = detector.distances(detector.fit(data, 1), victim, x)
    assert global_states() == states
    assert all(torch.equal(weights[name], tensor) for name, tensor in victim.state_dict().items())
    assert not victim.training and torch.is_grad_enabled()
    assert distances.shape == (9,) and distances.dtype == torch.float32 and not distances.requires_grad
    assert distances.min() >= 0 and distances.unique().numel() > 1
    assert torch.equal(distances, again)


def test_the_seed_decides_what_is_learnt(detector, data):
    one, other = detector.fit(data, 1), detector.fit(data, 2)
    assert set(one) == set(other)
    assert not one or any(not torch.equal(one[name], other[name]) for name in one)


def test_the_state_is_plain_tensors_that_survive_a_file(detector, data, victim):
    x = data.test.pixels(slice(5))
    state = detector.fit(data, 1)
    assert all(isinstance(tensor, torch.Tensor) and not tensor.requires_grad for tensor in state.values())
    stored = load(save(state))
    assert torch.equal(detector.distances(stored, victim, x), detector.distances(state, victim, x))


def test_a_query_s_distance_depends_on_no_other_query(detector, data, victim):
    state, x = detector.fit(data, 1), data.test.pixels(slice(11))
    whole = detector.distances(state, victim, x)
    chunks = {"chunk": 4} if hasattr(detector, "chunk") else {}
    chunked = dataclasses.replace(detector, **chunks).distances(state, victim, x)
    turned = detector.distances(state, victim, x.flip(0)).flip(0)
    alone = torch.cat([detector.distances(state, victim, image) for image in x.split(1)])
    for other in (chunked, turned, alone):
        assert torch.allclose(whole, other, rtol=1e-4, atol=1e-5)


def test_whether_the_victim_is_asked(detector, data, victim):
    def asked(*arguments):
        raise AssertionError("the victim was asked")

    state, x = detector.fit(data, 1), data.test.pixels(slice(3))
    victim.forward = asked
    if detector.asks_victim:
        with pytest.raises(AssertionError):
            detector.distances(state, victim, x)
    else:
        assert detector.distances(state, victim, x).shape == (3,)


def test_thresholds_are_named_numbers_that_few_clean_images_exceed(detector):
    clean = torch.rand(200, generator=torch.Generator().manual_seed(0))
    thresholds = detector.thresholds(clean)
    assert thresholds and all(type(value) is float for value in thresholds.values())
    assert all((clean > value).sum() <= 10 for value in thresholds.values())


def test_it_applies_to_classification_and_gives_reasons_elsewhere(detector, tasks):
    reasons = {kind: detector.inapplicable(task) for kind, task in tasks.items()}
    assert reasons["classification"] == ""
    assert all(reason == "" or len(reason.split()) > 3 for reason in reasons.values())
