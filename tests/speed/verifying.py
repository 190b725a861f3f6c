"""Forty suspects asked about all prints at once against one query at a time."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch

from benchmark.access.access import grant
from benchmark.access.target import Target
from benchmark.contracts.prints import Prints
from benchmark.networks.network import Network
from fingerprints.labels import LabelFingerprint
from fingerprints.random import Random
from fingerprints.saliency import Saliency
from tests.speed.networks import owner, seeded
from tests.speed.ratio import Equality, Row, race

SUSPECTS, PRINTS = 40, 50


def suspects(victim: Network) -> list[Network]:
    """Forty slightly different copies."""
    copies = [copy.deepcopy(victim) for _ in range(SUSPECTS)]
    with torch.no_grad():
        for place, network in enumerate(copies):
            network.last.weight += 0.01 * place * torch.randn(network.last.weight.shape, generator=seeded())
    return copies


def one_by_one(prints: Prints) -> list[Prints]:
    return [prints.part(slice(place, place + 1)) for place in range(len(prints.samples))]


def verifying(method: LabelFingerprint | Saliency, network: str, bar: float) -> Iterator[Row | Equality]:
    held = owner(network)
    prints, judged = method.generate(held, PRINTS, seeded()), suspects(held.victim)
    single = one_by_one(prints)
    name = "label" if isinstance(method, LabelFingerprint) else "black"
    verifier = method.verifiers(held.task)[name]
    targets = [Target.of(held.task, suspect) for suspect in judged]

    def batched() -> torch.Tensor:
        return torch.stack([verifier.measure(prints, grant(verifier.access, target)) for target in targets])

    def queried() -> torch.Tensor:
        boxes = [grant(verifier.access, target) for target in targets]
        return torch.stack([torch.cat([verifier.measure(one, box) for one in single]) for box in boxes])

    yield race(f"verify, {name}: {SUSPECTS} suspects, {network}", queried, batched, bar, laps=2)
    yield Equality(f"verify, {name}: batched = queried, {network}", (batched() - queried()).abs().max().item())


def rows() -> Iterator[Row | Equality]:
    for network, bar in (("6k CNN", 4.0), ("ResNet", 1.7)):
        yield from verifying(Random(), network, bar)
        yield from verifying(Saliency(steps=1), network, bar)
