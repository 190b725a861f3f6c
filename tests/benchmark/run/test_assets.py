"""Assets: trained once for a victim, shared by all that wants the same one, and gone on with after a kill."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import pytest
import torch

from benchmark.contracts.owner import Asset, Needs, Owner, Preparation, State
from benchmark.contracts.prints import Prints
from benchmark.plan.assets import AssetJob
from benchmark.plan.models import ModelJob
from benchmark.plan.plan import Plan, plan
from benchmark.plan.prints import PrintsJob
from benchmark.plan.reading import read
from benchmark.run.bench import Bench
from benchmark.store.artefacts import Store
from benchmark.tasks.base import Training
from fingerprints.random import Random
from tests.builder import TASK, configuration
from tests.stores import carried_out, digests

STEPS = 8


class Cut(BaseException):
    """A kill, as far as Python can stand for one."""


class Walk(Asset, name="asset/test_walk"):
    """A random walk of eight steps, in a loop of its own."""

    length: float = 0.01

    taken: ClassVar[list[int]] = []  # the steps that this process has taken
    last: ClassVar[int] = STEPS  # the kill comes before the step of this number

    @classmethod
    def step(cls, number: int) -> None:
        """To be called at each step, counted from 0."""
        if number == cls.last:
            raise Cut
        cls.taken.append(number)

    def prepare(self, given: Preparation) -> State:
        place, generator = given.checkpoints.begin(), torch.Generator().manual_seed(given.seed)
        first, at = 0, torch.zeros(3)
        if saved := place.load():
            first, at = saved["steps"], saved["at"]
            generator.set_state(saved["random"])
        for number in range(first, STEPS):
            self.step(number)
            at = at + self.length * torch.randn(3, generator=generator)
            place.offer(lambda: {"steps": number + 1, "at": at, "random": generator.get_state()})  # noqa: B023
        return {"at": at}


class Tuned(Walk, name="asset/test_tuned"):
    """The victim, trained for eight more epochs of one step by the harness's own trainer."""

    def prepare(self, given: Preparation) -> State:
        def loss(network, x, targets):
            self.step(len(self.taken))
            return given.owner.task.loss(network, x + 0.1 * torch.rand_like(x), targets)

        network, train = given.owner.task.network(), given.owner.data.train
        network.load_state_dict(given.owner.victim.state_dict())
        training = Training(epochs=STEPS, learning_rate=self.length, batch=len(train))
        return given.fit(network, train, loss, training, given.seed).state_dict()


class Moved(Random, name="fingerprint/test_moved"):
    """Random test images, darker by where an asset's walk has ended."""

    walk: Asset = Walk()
    darker: float = 1.0

    def needs(self) -> Needs:
        return Needs(assets={"walk": self.walk})

    def generate(self, owner: Owner, count: int, generator: torch.Generator) -> Prints:
        plain = super().generate(owner, count, generator)
        shift = sum(tensor.double().sum().item() for tensor in owner.assets["walk"].values())
        return dataclasses.replace(plain, samples=(plain.samples - self.darker * abs(shift)).clamp(0, 1))


class Brought(Moved, name="fingerprint/test_brought"):
    """Another method that wants the same asset, by another name."""

    def needs(self) -> Needs:
        return Needs(assets={"path": self.walk})


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """No step taken, no kill to come."""
    monkeypatch.setattr(Walk, "taken", [])
    monkeypatch.setattr(Walk, "last", STEPS)


def moved(folder="nowhere", asset: str = "walk", length: float = 0.01, darker: float = 1.0, **changes) -> dict:
    walk = {"_target_": f"asset/test_{asset}", "length": length}
    method = {"_target_": "fingerprint/test_moved", "walk": walk, "darker": darker}
    return configuration(folder, **({"fingerprint": {"moved": method}, "gallery": 0} | changes))


def of(config: dict) -> Plan:
    return plan(read(config))


def keys(planned: Plan, kind=AssetJob) -> list[str]:
    return [job.key for job in planned.of_kind(kind)]


def test_repeats_and_numbers_of_prints_share_one_and_every_victim_has_its_own():
    planned = of(moved())
    (asset,) = planned.of_kind(AssetJob)
    prints = planned.of_kind(PrintsJob)
    assert len(prints) == 2 and all(job.parents["asset walk"] == asset.key for job in prints)
    assert asset.parents == {"victim": planned.jobs[0].key}
    other = of(moved(count=12, repeats=4))
    assert keys(other) == [asset.key] and not set(keys(other, PrintsJob)) & set(keys(planned, PrintsJob))
    zoo = of(moved(victims=2))
    victims = [job.key for job in zoo.of_kind(ModelJob) if job.role == "victim"]
    assert [job.parents["victim"] for job in zoo.of_kind(AssetJob)] == victims and len(victims) == 2
    assert len({job.seed for job in zoo.of_kind(AssetJob)}) == 2
    retrained = {**TASK, "training": {**TASK["training"], "epochs": 2}}
    assert keys(of(moved(task={"digits": retrained}))) != [asset.key]


def test_its_own_settings_remake_it_and_the_methods_others_do_not():
    before, longer, darker = of(moved()), of(moved(length=0.02)), of(moved(darker=2.0))
    assert keys(longer) != keys(before) and keys(darker) == keys(before)
    for after in (longer, darker):
        assert not set(keys(after, PrintsJob)) & set(keys(before, PrintsJob))
        assert keys(after, ModelJob) == keys(before, ModelJob)


def test_an_ablation_of_another_setting_shares_it():
    ablation = {"counts": [], "settings": {"moved": {"darker": [0.5, 1.0]}}, "repeats": 2}
    planned = of(moved(ablation=ablation))
    assert len(planned.of_kind(PrintsJob)) == 4 and keys(planned) == keys(of(moved()))


def test_two_methods_share_one_whatever_they_call_it_and_neither_moves_the_others_prints():
    both = moved()
    brought = both["fingerprint"]["moved"] | {"_target_": "fingerprint/test_brought"}
    both["fingerprint"]["brought"] = brought
    planned, alone = of(both), of(moved(fingerprint={"brought": brought}))
    assert len(planned.of_kind(AssetJob)) == 1
    assert set(keys(alone, PrintsJob)) <= set(keys(planned, PrintsJob))


def test_it_is_prepared_once_and_given_to_the_method(tmp_path):
    done = carried_out(moved(tmp_path))
    assert not done.failures and Walk.taken == list(range(STEPS))
    (asset,) = done.plan.of_kind(AssetJob)
    shift = done.store.open(asset.key).tensors("state.safetensors")["at"].double().sum().abs().item()
    for job in done.plan.of_kind(PrintsJob):
        prints = done.store.open(job.key).tensors("prints.safetensors")
        assert torch.equal(prints["samples"], (prints["origin"] - shift).clamp(0, 1)) and shift > 1e-4


@pytest.mark.parametrize("asset", ["walk", "tuned"])
def test_one_that_was_killed_halfway_goes_on_to_the_same_bits(tmp_path, trainer, monkeypatch, asset):
    victim, job = (of(moved(asset=asset)).of_kind(kind)[0] for kind in (ModelJob, AssetJob))
    eager = dataclasses.replace(trainer, checkpoint=0)
    cut, whole = Bench(Store(tmp_path / "cut"), eager), Bench(Store(tmp_path / "whole"), trainer)
    cut.do(victim)
    monkeypatch.setattr(Walk, "last", 5)
    with pytest.raises(Cut):
        cut.do(job)
    assert Walk.taken == [0, 1, 2, 3, 4] and not cut.store.has(job.key)
    monkeypatch.setattr(Walk, "last", STEPS)
    Bench(Store(tmp_path / "cut"), eager).do(job)
    assert Walk.taken == list(range(STEPS))  # no step twice
    assert not (tmp_path / "cut" / "unfinished" / job.key).exists()
    Walk.taken.clear()
    whole.do(victim)
    whole.do(job)
    assert digests(tmp_path / "cut")[job.key] == digests(tmp_path / "whole")[job.key] != {}
