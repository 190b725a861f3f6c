"""Adversarial training: on which pictures, in which mode, and what it buys."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from benchmark.crafting.attacks import pgd
from suspects.adversarial import AdversarialTraining


def test_each_batch_is_attacked_in_eval_mode_and_learnt_in_training_mode(tasks, ingredients_of, recorded):
    given = ingredients_of(tasks["classification"], seed=9, fit=recorded)
    AdversarialTraining(eps=0.1, step=0.04, iterations=3, epochs=2, learning_rate=0.003).derive(given)
    (call,) = recorded.calls
    assert (call.training.epochs, call.training.learning_rate) == (2, 0.003)
    x, y = given.data.train.pixels(slice(0, 16)), given.data.train.targets[:16]
    attacked = pgd(ingredients_of(given.task).victim, x, y, 0.1, 0.04, 3, torch.Generator().manual_seed(9))
    network = ingredients_of(given.task).victim.train()
    expected = F.cross_entropy(network(attacked), y)
    network = ingredients_of(given.task).victim.train()
    torch.testing.assert_close(call.loss(network, x, y), expected)
    assert network.training
    later = call.loss(ingredients_of(given.task).victim.train(), x, y)
    assert not torch.equal(later, expected)  # the next batch starts from other noise


def test_it_resists_the_attack_that_the_victim_does_not(tasks, ingredients_of):
    given = ingredients_of(tasks["classification"])
    network = AdversarialTraining(eps=0.1, step=0.04, iterations=4, epochs=3, learning_rate=0.01).derive(given)
    x, y = given.data.train.pixels(slice(0, 200)), given.data.train.targets[:200]

    def standing(net):
        attacked = pgd(net, x, y, 0.1, 0.03, 8, torch.Generator().manual_seed(1))
        with torch.no_grad():
            return (net(attacked).argmax(1) == y).float().mean().item()

    victim = ingredients_of(given.task).victim
    assert standing(network) > standing(victim) + 0.2
    assert not any(p.requires_grad for p in network.parameters()) and not network.training


def test_it_needs_classes(tasks):
    assert not AdversarialTraining().inapplicable(tasks["classification"])
    assert "class" in AdversarialTraining().inapplicable(tasks["regression"])
    assert "class" in AdversarialTraining().inapplicable(tasks["similarity"])
