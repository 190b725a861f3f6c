"""What every method promises, on every kind of task: over all of conf/fingerprint, so a new yaml is tested unasked."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from benchmark.access.access import grant
from benchmark.access.channels import EightBit
from benchmark.access.target import Target
from benchmark.contracts.fingerprint import Fingerprint
from benchmark.contracts.owner import Asset, Needs, Owner, Preparation, State
from benchmark.paths import ROOT
from benchmark.spec.build import build
from benchmark.tasks.classification import Classification
from benchmark.tasks.regression import Regression
from benchmark.tasks.similarity import Similarity
from benchmark.training.checkpoint import Checkpoints

FOLDER = ROOT / "conf" / "fingerprint"
COUNT = 10
QUERIES = {"label": 1, "white": 1, "saliency.black": 2, "robd": 1, "jsd": 1, "deepjudge_black.black": 1}  # a print


def methods() -> dict[str, Fingerprint]:
    found = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        for name, node in OmegaConf.to_container(OmegaConf.load(path)).items():
            if node["_target_"] != f"fingerprint/{name}":
                continue  # the same method at other settings
            method = build(node, f"fingerprint.{name}")
            steps = {"steps": min(method.steps, 60)} if hasattr(method, "steps") else {}
            found[name] = dataclasses.replace(method, **steps)
    return found


METHODS = methods()


def global_states() -> tuple[object, ...]:
    return torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist()


@pytest.fixture(params=sorted(METHODS))
def method(request) -> Fingerprint:
    return METHODS[request.param]


KINDS = {kind.kind: kind for kind in (Classification, Regression, Similarity)}
APPLICABLE = [(name, kind) for name in sorted(METHODS) for kind in KINDS if not METHODS[name].inapplicable(KINDS[kind])]


@pytest.fixture(params=APPLICABLE, ids="-".join)
def applied(request, tasks, owner_of, disturbed, trainer, tmp_path):
    """A method and a kind of task that it applies to, with an owner of the models and assets that it needs."""
    name, kind = request.param
    method, owner = METHODS[name], owner_of(tasks[kind])

    def equipped(needs: Needs) -> Owner:
        near = tuple(disturbed(owner.victim, 0.02) for _ in range(needs.surrogates))
        far = tuple(disturbed(owner.victim, 2.0 + i / 10) for i in range(needs.references))
        return dataclasses.replace(owner, surrogates=near, references=far, assets=prepared(needs.assets))

    def prepared(assets: Mapping[str, Asset]) -> dict[str, State]:
        saved = Checkpoints(tmp_path, every=3600)
        return {n: a.prepare(Preparation(equipped(a.needs()), 1, trainer.fit, saved)) for n, a in assets.items()}

    return name, method, equipped(method.needs())


def test_every_method_applies_somewhere_and_gives_reasons_elsewhere(method, tasks):
    reasons = {kind: method.inapplicable(task) for kind, task in tasks.items()}
    assert not all(reasons.values())
    assert all(reason == "" or len(reason.split()) > 3 for reason in reasons.values())


def test_the_prints(applied, generator):
    _, method, owner = applied
    weights = {name: tensor.clone() for name, tensor in owner.victim.state_dict().items()}
    states = global_states()
    prints, again = (method.generate(owner, COUNT, generator(4)) for _ in range(2))
    assert global_states() == states
    assert all(torch.equal(weights[name], tensor) for name, tensor in owner.victim.state_dict().items())
    assert not owner.victim.training and not any(p.requires_grad for p in owner.victim.parameters())

    assert prints.samples.shape == (COUNT, *owner.data.train.images.shape[1:])
    assert prints.samples.min() >= 0 and prints.samples.max() <= 1
    assert prints.origin is None or prints.origin.shape == prints.samples.shape
    assert all(isinstance(value, torch.Tensor) for value in prints.payload.values())
    assert all(value.shape[:1] in ((), (COUNT,)) for value in prints.payload.values())
    assert not any(tensor.requires_grad for tensor in (prints.samples, *prints.payload.values()))

    assert torch.equal(prints.samples, again.samples) and prints.notes == again.notes
    assert all(torch.equal(value, again.payload[name]) for name, value in prints.payload.items())

    eight_bit = EightBit().query(prints.samples)
    assert torch.equal(eight_bit, (eight_bit * 255).round().to(torch.uint8).float() / 255)
    assert (eight_bit - prints.samples).abs().max() <= 0.5 / 255 + 1e-6


def test_the_verdicts(applied, generator):
    chosen, method, owner = applied
    prints = method.generate(owner, COUNT, generator(4))
    with torch.random.fork_rng():
        torch.manual_seed(9)
        fresh = owner.task.network().eval().requires_grad_(False)
    for name, verifier in method.verifiers(owner.task).items():
        scores = []
        for suspect in (owner.victim, fresh):
            access = grant(verifier.access, Target.of(owner.task, suspect))
            measured = verifier.measure(prints, access)
            assert measured.shape[:1] == (COUNT,) and not measured.requires_grad
            asked = QUERIES.get(f"{chosen}.{name}", QUERIES.get(name))
            assert access.queries == asked * COUNT if asked else access.queries >= COUNT
            scores.append(verifier.score(measured, prints.payload))
            number, limit = verifier.statistic(measured, prints.payload), verifier.threshold(prints.payload)
            assert number is None or number >= 0
            assert limit is None or (scores[-1] >= 0.5) == (number <= limit)
        assert 0 <= scores[1] <= scores[0] <= 1
