"""Training: the same bits for the same seed, frozen parts untouched, and no more than a plain loop does."""

from __future__ import annotations

import copy
import dataclasses
import math
import random
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from benchmark.data.augment import Augment
from benchmark.data.base import ImageSet
from benchmark.errors import InputError
from benchmark.spec.component import spec_of
from benchmark.tasks.base import Training
from benchmark.training.trainer import Batches, Trainer, freeze

SHORT = Training(epochs=2, learning_rate=0.01, batch=48, weight_decay=0.05)


@pytest.fixture
def small_set(splits_of, tasks):
    """110 digits: two batches of 48 and 14 left over."""
    train = splits_of(tasks["classification"]).train
    return ImageSet(train.images[:110], train.targets[:110])


@pytest.fixture
def fitted(tasks, trainer, small_set):
    """Trains a fresh copy of one and the same initial network."""
    torch.manual_seed(99)
    initial = tasks["classification"].network()

    def fit(seed: int, **kwargs: object):
        return trainer.fit(copy.deepcopy(initial), small_set, tasks["classification"].loss, SHORT, seed, **kwargs)

    fit.initial = initial
    return fit


def same(one: nn.Module, other: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_same_seed_same_bits_other_seed_other_bits(fitted):
    first, again, other = fitted(7), fitted(7), fitted(8)
    assert same(first, again)
    assert not any(torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))
    assert not same(first, fitted.initial)


def test_the_bits_do_not_depend_on_the_callers_random_state(fitted):
    torch.manual_seed(1)
    first = fitted(7)
    torch.manual_seed(2)
    assert same(first, fitted(7))


def test_draws_within_the_training_come_from_its_seed(tasks, trainer, small_set):
    def first_draw(outside, seed):
        drawn = []

        def loss(network, x, targets):
            drawn.append(torch.rand(()).item())
            return nn.functional.cross_entropy(network(x), targets)

        torch.manual_seed(outside)
        network = tasks["classification"].network()
        trainer.fit(network, small_set, loss, dataclasses.replace(SHORT, epochs=1), seed)
        return drawn[0]

    assert first_draw(1, 7) == first_draw(2, 7) != first_draw(2, 8)


def test_global_random_states_are_left_alone(fitted):
    torch.manual_seed(5), np.random.seed(5), random.seed(5)
    before = torch.random.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    fitted(7)
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]
    assert random.getstate() == before[2]


def test_a_plain_loop_learns_the_same(fitted, small_set):
    network = copy.deepcopy(fitted.initial)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=4)
    generator = torch.Generator().manual_seed(7)
    network.train()
    for _ in range(2):
        order = torch.randperm(110, generator=generator)
        for index in (order[:48], order[48:96]):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(network(small_set.images[index].float() / 255), small_set.targets[index])
            loss.backward()
            optimizer.step()
            schedule.step()
    found = fitted(7)
    for (name, ours), theirs in zip(found.state_dict().items(), network.state_dict().values(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6, msg=name)


def test_frozen_modules_keep_weights_and_statistics(tasks, trainer, small_set, fitted):
    network = copy.deepcopy(fitted.initial)
    frozen = [network.body[0], network.body[1]]
    trainer.fit(network, small_set, tasks["classification"].loss, SHORT, 7, frozen)
    before, after = fitted.initial.state_dict(), network.state_dict()
    still = {name for name in before if torch.equal(before[name], after[name])}
    assert still == {name for name in before if name.startswith(("body.0.", "body.1."))}
    assert any(name.endswith("running_mean") for name in still)


def test_what_comes_back_is_ready_to_be_asked(fitted):
    network = fitted(7)
    assert not any(module.training for module in network.modules())
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_a_frozen_network_can_be_trained_again(tasks, trainer, small_set, fitted):
    network = freeze(copy.deepcopy(fitted.initial))
    trainer.fit(network, small_set, tasks["classification"].loss, SHORT, 7)
    assert same(network, fitted(7))


def test_batches_cover_the_set_once_and_drop_the_smaller_last(small_set):
    numbered = ImageSet(small_set.images, torch.arange(110))
    batches = Batches(numbered, 48, torch.Generator().manual_seed(0))
    assert len(batches) == 2
    epochs = [torch.cat([targets for _, targets in batches]).tolist() for _ in range(2)]
    assert all(len(epoch) == len(set(epoch)) == 96 for epoch in epochs)
    assert epochs[0] != epochs[1]
    for x, targets in batches:
        assert torch.equal(x, numbered.images[targets].float() / 255)


def test_a_set_smaller_than_a_batch_is_one_batch(small_set):
    batches = Batches(small_set, 500, torch.Generator())
    assert [len(targets) for _, targets in batches] == [110]


def test_channels_last_changes_the_layout_only(small_set):
    plain, last = (
        next(iter(Batches(small_set, 48, torch.Generator().manual_seed(0), channels_last=flag)))[0]
        for flag in (False, True)
    )
    assert last.is_contiguous(memory_format=torch.channels_last) and plain.is_contiguous()
    assert torch.equal(plain, last)


def test_device_is_no_part_of_identity_and_precision_is():
    reference = spec_of(Trainer())
    assert spec_of(Trainer(device="cpu")) == reference
    assert spec_of(Trainer(precision="bf16")) != reference
    assert spec_of(Trainer(channels_last=False)) != reference
    assert spec_of(Trainer(logger="csv", log_dir="elsewhere")) == reference


def test_bf16_computes_in_bf16_and_keeps_weights_in_fp32(tasks, trainer, small_set, fitted):
    kinds = set()

    def loss(network, x, targets):
        output = network(x)
        kinds.add(output.dtype)
        return nn.functional.cross_entropy(output.float(), targets)

    half = dataclasses.replace(trainer, precision="bf16")
    network = half.fit(copy.deepcopy(fitted.initial), small_set, loss, dataclasses.replace(SHORT, epochs=1), 7)
    assert kinds == {torch.bfloat16}
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


def test_settings_that_came_later_leave_old_identities_alone():
    assert spec_of(Trainer())["settings"] == {"precision": "fp32", "channels_last": True}
    assert set(spec_of(Training())["settings"]) == {"epochs", "learning_rate", "batch", "weight_decay"}
    assert spec_of(Trainer(fused=True)) != spec_of(Trainer()) != spec_of(Trainer(compile=True))
    assert spec_of(Trainer(deterministic="warn", checkpoint=5)) == spec_of(Trainer())


def test_a_fused_step_differs_by_rounding_only(tasks, trainer, small_set, fitted):
    network = copy.deepcopy(fitted.initial)
    dataclasses.replace(trainer, fused=True).fit(network, small_set, tasks["classification"].loss, SHORT, 7)
    for ours, theirs in zip(network.parameters(), fitted(7).parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


def test_compiling_leaves_no_trace_in_the_network(tasks, trainer, small_set, fitted, monkeypatch):
    compiled = []

    def compile_eagerly(network):
        compiled.append(network)
        network._compiled_call_impl = torch.compile(network._call_impl, backend="eager")

    monkeypatch.setattr(nn.Module, "compile", compile_eagerly)  # no compiler is at hand everywhere
    network = copy.deepcopy(fitted.initial)
    dataclasses.replace(trainer, compile=True).fit(network, small_set, tasks["classification"].loss, SHORT, 7)
    assert compiled == [network] and network._compiled_call_impl is None
    plain = fitted(7)
    assert network.state_dict().keys() == plain.state_dict().keys() and "_orig_mod" not in str(network)
    for ours, theirs in zip(network.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)
    copy.deepcopy(network)


class Reads(torch.utils._python_dispatch.TorchDispatchMode):
    """Counts the operations that hand a tensor's value to Python; on a GPU each would wait for it."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket in (torch.ops.aten._local_scalar_dense, torch.ops.aten.nonzero, torch.ops.aten.equal):
            self.count += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("logger", ["none", "csv"])
def test_no_step_reads_a_value_back(tasks, trainer, small_set, fitted, logger, tmp_path):
    trainer = dataclasses.replace(trainer, logger=logger, log_dir=str(tmp_path))
    settings = {"fused": True, "precision": "bf16", "channels_last": True}  # others read AdamW's counters, on the CPU

    def reads(batch):
        training = dataclasses.replace(SHORT, batch=batch, augment=Augment(flip=True, rotate=5))
        with Reads() as counted:
            network = copy.deepcopy(fitted.initial)
            dataclasses.replace(trainer, **settings).fit(network, small_set, tasks["classification"].loss, training, 7)
        return counted.count

    assert reads(batch=10) == reads(batch=55)  # 22 steps or 4


def test_a_training_that_diverges_says_how_many_weights_it_lost(fitted, tasks, trainer, small_set):
    wild, network = dataclasses.replace(SHORT, learning_rate=1e30), copy.deepcopy(fitted.initial)
    said = r"^the training diverged: \d+ of \d+ weights are not finite after epoch [12] of 2, .*rate below 1e\+30 would"
    with pytest.raises(InputError, match=said) as caught:
        trainer.fit(network, small_set, tasks["classification"].loss, wild, 7)
    lost = sum(int((~t.isfinite()).sum()) for t in network.state_dict().values())
    assert lost and f"{lost} of {sum(t.numel() for t in network.state_dict().values())} weights" in str(caught.value)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_no_number_ends_the_training_with_its_epoch(fitted, tasks, trainer, small_set, bad):
    steps = []

    def loss(network, x, targets):
        steps.append(len(x))
        return nn.functional.cross_entropy(network(x), targets) + bad

    with pytest.raises(InputError, match=f"after epoch 1 of 2, the last loss is {bad:g};"):
        trainer.fit(copy.deepcopy(fitted.initial), small_set, loss, SHORT, 7)
    assert len(steps) == 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here: the test above counts reads on the CPU")
def test_no_step_waits_for_the_gpu(tasks, small_set, fitted):
    gpu = Trainer(precision="bf16", channels_last=True, fused=True)
    data, syncs = small_set.to(gpu.place()), []
    for batch in (10, 55):
        training = dataclasses.replace(SHORT, batch=batch, augment=Augment(flip=True, rotate=5))
        network = copy.deepcopy(fitted.initial).to(gpu.place())
        torch.cuda.set_sync_debug_mode("warn")
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                gpu.fit(network, data, tasks["classification"].loss, training, 7)
        finally:
            torch.cuda.set_sync_debug_mode("default")
        syncs.append(sum("synchron" in str(warning.message) for warning in caught))
    assert syncs[0] == syncs[1]
