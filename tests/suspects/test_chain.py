"""Chains: the order of steps, what each hands on, and what the whole says of itself."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from benchmark.data.digits import Digits
from benchmark.errors import InputError
from benchmark.networks.small import SmallVGG
from benchmark.training.trainer import Trainer
from suspects.chain import Chain
from suspects.disguise import Quantise, WeightNoise
from suspects.finetune import FineTune
from suspects.independent import Independent
from suspects.jbda import JBDA
from suspects.knockoff import Knockoff
from suspects.leaked import FineTuneOnLeak
from suspects.prune import FilterPruning, WeightPruning
from suspects.transfer import Transfer


def test_a_step_works_on_what_the_one_before_made(task, ingredients_of, same):
    chained = Chain(steps=(FineTune(epochs=1), WeightPruning(ratio=0.4))).derive(ingredients_of(task, seed=6))
    tuned = FineTune(epochs=1).derive(ingredients_of(task, seed=6))
    by_hand = WeightPruning(ratio=0.4).derive(case_with(ingredients_of(task, seed=7), tuned))
    assert same(chained, by_hand)


def case_with(given, victim):
    return dataclasses.replace(given, victim=victim)


def test_a_network_trained_in_another_memory_format_can_be_edited(tasks, ingredients_of):
    given = ingredients_of(tasks["classification"], fit=Trainer(device="cpu", channels_last=True).fit)
    network = Chain(steps=(FineTune(epochs=1), WeightPruning(ratio=0.4))).derive(given)
    assert (network.last.weight == 0).float().mean() == pytest.approx(0.4)


def test_order_matters(tasks, ingredients_of, same):
    task = tasks["classification"]
    steps = (WeightPruning(ratio=0.5), Quantise(bits=3))
    one, other = Chain(steps=steps).derive(ingredients_of(task)), Chain(steps=steps[::-1]).derive(ingredients_of(task))
    assert not same(one, other)


def test_two_steps_of_one_kind_draw_differently(tasks, ingredients_of, victim_of):
    task = tasks["classification"]
    once = WeightNoise(rho=0.1).derive(ingredients_of(task, seed=1)).last.weight
    twice = Chain(steps=(WeightNoise(rho=0.1),) * 2).derive(ingredients_of(task, seed=1)).last.weight
    first, second = once - victim_of(task).last.weight, twice - once
    assert abs(torch.corrcoef(torch.stack([first.flatten(), second.flatten()]))[0, 1]) < 0.4


def test_other_labels_and_architectures_are_handed_on(tasks, ingredients_of):
    task = tasks["classification"]
    vgg = SmallVGG(widths=(4, 4, 4), hidden=8)
    knockoff = Knockoff(query_set=Digits(), budget=40, epochs=1, architecture=vgg)
    chain = Chain(steps=(knockoff, FilterPruning(ratio=0.3), Transfer(epochs=1), FineTune(epochs=1)))
    solved = chain.solves(task)
    assert (solved.classes, solved.architecture) == (5, vgg)
    given = ingredients_of(task)
    network = chain.derive(given)
    assert network(given.data.test.pixels(slice(0, 2))).shape == (2, 5)
    assert given.meter.queries == 40


def test_training_data_count_as_the_last_training_step_has_it():
    knockoff = Knockoff(query_set=Digits(), budget=1)
    assert not Chain(steps=(knockoff, WeightPruning(), Quantise())).shares_training_data
    assert Chain(steps=(knockoff, WeightPruning(recovery_epochs=1))).shares_training_data
    assert Chain(steps=(knockoff, FineTune())).shares_training_data
    assert not Chain(steps=(FineTune(), knockoff)).shares_training_data
    assert Chain(steps=(Quantise(),)).shares_training_data and not Chain(steps=(Quantise(),)).trains


def test_what_a_chain_needs_is_what_its_steps_need(tasks):
    chain = Chain(steps=(FineTune(), FineTuneOnLeak(method="ipguard")))
    assert chain.leaks == "ipguard" and Chain(steps=(FineTune(),)).leaks == ""
    assert Chain(steps=(FineTune(), JBDA())).inapplicable(tasks["similarity"]).startswith("JBDA: the API compares")
    assert not chain.inapplicable(tasks["similarity"])


@pytest.mark.parametrize(
    ("steps", "line"),
    [
        ((), "steps: wants a list with at least one"),
        ((FineTune(), Independent()), "steps: an independent model has no victim"),
        ((FineTuneOnLeak(method="a"), FineTuneOnLeak(method="b")), "steps: prints of one method"),
    ],
)
def test_a_chain_that_makes_no_sense(steps, line):
    with pytest.raises(InputError, match=line):
        Chain(steps=steps)
