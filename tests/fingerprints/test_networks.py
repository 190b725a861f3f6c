"""Every method on every make of network: prints and a verdict, or the reason why there can be none."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch
from omegaconf import OmegaConf

from benchmark.access.access import grant
from benchmark.access.target import Target
from benchmark.contracts.fingerprint import Fingerprint, Owner
from benchmark.contracts.suspect import Ingredients
from benchmark.data.digits import Digits
from benchmark.errors import Inapplicable
from benchmark.networks.network import Network
from benchmark.paths import ROOT
from benchmark.spec.build import build
from benchmark.tasks.base import Training
from benchmark.tasks.classification import Classification
from suspects.independent import Independent
from tests.architectures import TINY

COUNT = 4
LEAST = {"steps": 3, "images": 64, "starts": 8, "contrast": 2, "searches": 1, "copies": 1, "probes": 8, "draws": 1}
EASY = {"m": 1.01, "learning_rate": 0.05, "clip": True}  # of DeepJudge's neurons, so that few steps reach their bars
NO_MAP, NO_RECTIFIERS = "no map: its features are (tokens|vectors)", "no rectified linear units"
REFUSED = {
    ("vit", "saliency"): NO_MAP,
    ("mlp", "saliency"): NO_MAP,
    ("convnext", "saliency"): "the network's map is 1x1, all of it corner",
    **dict.fromkeys([(kind, "tafa") for kind in ("vit", "swin", "convnext")], NO_RECTIFIERS),
}


def methods() -> dict[str, Fingerprint]:
    found = {}
    for path in sorted((ROOT / "conf" / "fingerprint").glob("*.yaml")):
        for name, node in OmegaConf.to_container(OmegaConf.load(path)).items():
            if node["_target_"] != f"fingerprint/{name}":
                continue  # the same method at other settings
            wanted = LEAST | ({"steps": 40} | EASY if name == "deepjudge_white" else {})
            node = node | {key: value for key, value in wanted.items() if key in node}
            found[name] = build(node, f"fingerprint.{name}")
    return found


METHODS = methods()


def disturbed(network: Network, size: float, seed: int) -> Network:
    """A copy whose weights were moved by Gaussian noise of a relative size."""
    moved, generator = copy.deepcopy(network), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in moved.parameters():
            weight += size * weight.abs().mean() * torch.randn(weight.shape, generator=generator)
    return moved


@pytest.fixture(scope="module", params=["small_resnet", "lenet5", "vit", "swin", "convnext", "mlp"])
def owned(request, splits_of, tasks, trainer):
    """An architecture by name, and the owner of a victim that has learnt a little."""
    data = splits_of(tasks["classification"])
    training = Training(epochs=6, learning_rate=0.01, batch=32)
    task = Classification(data=Digits(), architecture=TINY[request.param], training=training)
    victim = Independent().derive(Ingredients(task, data, None, 1, trainer.fit))
    near = tuple(disturbed(victim, 0.02, seed) for seed in range(3))
    far = tuple(disturbed(victim, 2.0, seed) for seed in range(3))
    return request.param, Owner(task, data, victim, near, far)


@pytest.mark.parametrize("name", METHODS)
def test_prints_and_a_verdict_or_a_reason(owned, generator, name):
    kind, owner = owned
    method, needs = METHODS[name], METHODS[name].needs()
    owner = dataclasses.replace(
        owner, surrogates=owner.surrogates[: needs.surrogates], references=owner.references[: needs.references]
    )
    if (kind, name) in REFUSED:
        with pytest.raises(Inapplicable, match=REFUSED[kind, name]) as caught:
            method.generate(owner, COUNT, generator(4))
        assert len(str(caught.value).split()) > 3
        return
    prints = method.generate(owner, COUNT, generator(4))
    assert prints.samples.shape == (COUNT, 3, 32, 32) and prints.samples.isfinite().all()
    for verifier in method.verifiers(owner.task).values():
        measured = verifier.measure(prints, grant(verifier.access, Target.of(owner.task, owner.victim)))
        assert len(measured) == COUNT and 0 <= verifier.score(measured, prints.payload) <= 1


@pytest.mark.parametrize("kind", ["vit", "mlp", "convnext"])
def test_a_suspect_without_a_map_cannot_be_judged_by_one(classifier, generator, kind):
    method = METHODS["saliency"]
    prints = method.generate(classifier, COUNT, generator(4))
    with torch.random.fork_rng():
        torch.manual_seed(1)
        suspect = Target.of(classifier.task, TINY[kind].network(10).eval().requires_grad_(False))
    verifiers = method.verifiers(classifier.task)
    with pytest.raises(Inapplicable, match=REFUSED[kind, "saliency"]):
        verifiers["white"].measure(prints, grant("white box", suspect))
    assert len(verifiers["black"].measure(prints, grant("probability", suspect))) == COUNT
