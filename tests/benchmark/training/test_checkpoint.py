"""A training that was cut off goes on from its last saved epoch and ends with the bits of one that was not."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch
from torch.nn import functional as F
from torch.nn.utils import prune

from benchmark.data.augment import Augment
from benchmark.data.base import ImageSet
from benchmark.errors import StoreError
from benchmark.plan.plan import plan
from benchmark.plan.reading import read
from benchmark.run.bench import Bench
from benchmark.store.artefacts import Store
from benchmark.tasks.base import Training
from benchmark.training.checkpoint import Checkpoints
from tests.builder import TASK, configuration
from tests.builder import TRAINING as ONE_CYCLE

TRAINING = Training(epochs=4, learning_rate=0.01, batch=16, augment=Augment(flip=True, shift=0.1, rotate=10))


class Cut(BaseException):
    """A kill, as far as Python can stand for one."""


@pytest.fixture
def small_set(splits_of, tasks):
    train = splits_of(tasks["classification"]).train
    return ImageSet(train.images[:64], train.targets[:64])


def noisy(network, x, targets):
    """A loss that draws from torch's global generator."""
    return F.cross_entropy(network(x + 0.1 * torch.rand_like(x)), targets)


def cut_after(steps, loss=noisy):
    done = []

    def cutting(network, x, targets):
        if len(done) == steps:
            raise Cut
        done.append(0)
        return loss(network, x, targets)

    cutting.done = done
    return cutting


@pytest.fixture
def initial(tasks):
    torch.manual_seed(3)
    return tasks["classification"].network()


@pytest.mark.parametrize("steps", [0, 3, 4, 9, 15], ids="cut after {} of 16 steps".format)
@pytest.mark.parametrize("part", ["all", "last layer", "masked"])
def test_the_bits_are_those_of_an_uncut_training(tmp_path, trainer, small_set, initial, steps, part):
    def train(loss, checkpoints=None):
        network = copy.deepcopy(initial)
        frozen = [module for module in network.modules() if not list(module.children())][:2] if part != "all" else []
        if part == "masked":
            prune.l1_unstructured(network.last, "weight", 0.5)
        return trainer.fit(network, small_set, loss, TRAINING, 7, frozen, checkpoints)

    whole = train(noisy)
    with pytest.raises(Cut):
        train(cut_after(steps), Checkpoints(tmp_path, every=0))
    rest = cut_after(99)
    resumed = train(rest, Checkpoints(tmp_path, every=0))
    assert len(rest.done) == 16 - steps // 4 * 4
    assert whole.state_dict().keys() == resumed.state_dict().keys()
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


def test_a_later_training_of_the_job_goes_on_and_the_earlier_ones_are_not_repeated(
    tmp_path, trainer, small_set, initial
):
    def both(loss, checkpoints):
        network = copy.deepcopy(initial)
        for seed in (1, 2):
            network = trainer.fit(network, small_set, loss, TRAINING, seed, (), checkpoints)
        return network

    whole = both(noisy, None)
    with pytest.raises(Cut):
        both(cut_after(26), Checkpoints(tmp_path, every=0))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.pt", "2.pt"]
    rest = cut_after(99)
    resumed = both(rest, Checkpoints(tmp_path, every=0))
    assert len(rest.done) == 8
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), resumed.parameters(), strict=True))


def test_short_trainings_are_not_saved(tmp_path, trainer, small_set, initial):
    trainer.fit(initial, small_set, noisy, TRAINING, 7, (), Checkpoints(tmp_path / "none", every=3600))
    assert not (tmp_path / "none").exists()


def test_a_save_that_is_cut_off_leaves_the_one_before(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path, every=0)
    first = checkpoints.begin()
    first.offer(lambda: {"epochs": 1})
    monkeypatch.setattr("benchmark.training.checkpoint.sync", lambda path: (_ for _ in ()).throw(Cut))
    with pytest.raises(Cut):
        first.offer(lambda: {"epochs": 2})
    assert Checkpoints(tmp_path, every=0).begin().load() == {"epochs": 1}


def test_a_killed_job_and_a_full_disk_keep_the_epochs_and_a_failed_job_does_not(tmp_path, trainer, monkeypatch):
    task = {**TASK, "training": {**ONE_CYCLE, "epochs": 8}}
    job = plan(read(configuration(tmp_path, task={"digits": task}))).jobs[0]
    eager = dataclasses.replace(trainer, checkpoint=0)
    folder = tmp_path / "store" / "unfinished" / job.key
    original = type(job.task).loss
    for error, steps, kept in ((Cut, 30, True), (StoreError, 2, True), (ArithmeticError, 2, False)):
        calls = []

        def loss(self, network, x, targets, error=error, steps=steps, calls=calls):
            calls.append(0)
            if len(calls) > steps:
                raise error
            return original(self, network, x, targets)

        monkeypatch.setattr(type(job.task), "loss", loss)
        with pytest.raises(error):
            Bench(Store(tmp_path / "store"), eager).do(job)
        assert folder.exists() is kept
    monkeypatch.setattr(type(job.task), "loss", original)
    made = Bench(Store(tmp_path / "store"), eager).do(job)
    assert not folder.exists()
    plain = Bench(Store(tmp_path / "other"), trainer).do(job)
    assert all(
        torch.equal(a, b)
        for a, b in zip(
            made.tensors("weights.safetensors").values(), plain.tensors("weights.safetensors").values(), strict=True
        )
    )
