"""Fine-tuning on leaked prints: what they are labelled with, and that they no longer match."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch.nn import functional as F

from benchmark.contracts.owner import Owner
from benchmark.contracts.prints import Prints
from fingerprints.ipguard import IPGuard
from suspects.leaked import FineTuneOnLeak, shown


@pytest.fixture
def prints_of(splits_of):
    def make(task, payload=None, origin=True):
        x = splits_of(task).train.pixels(slice(0, 6))
        noise = torch.rand(x.shape, generator=torch.Generator().manual_seed(1))
        return Prints((x + 0.1 * noise).clamp(0, 1), x if origin else None, payload or {})

    return make


def labels(task, given, prints, seed=0):
    return shown(task, given.victim, prints, given.data.train, torch.Generator().manual_seed(seed))


def test_the_true_label_of_the_source_comes_before_the_victims_answer(tasks, ingredients_of, prints_of):
    task = tasks["classification"]
    given = ingredients_of(task)
    truth = torch.tensor([9, 9, 9, 8, 8, 8])
    assert labels(task, given, prints_of(task, {"label": truth, "answer": truth - 1})).tolist() == truth.tolist()
    known = labels(task, given, prints_of(task, {"answer": truth}))
    assert known.tolist() == given.victim(given.data.train.pixels(slice(0, 6))).argmax(1).tolist()


def test_values_and_identities_are_the_victims_answer_to_the_source(tasks, ingredients_of, prints_of):
    task = tasks["regression"]
    given = ingredients_of(task)
    expected = given.victim(given.data.train.pixels(slice(0, 6)))
    torch.testing.assert_close(labels(task, given, prints_of(task)), expected)
    task = tasks["similarity"]
    given = ingredients_of(task)
    embedding, centres = given.victim(given.data.train.pixels(slice(0, 6))), given.victim.prototypes
    nearest = [max(range(10), key=lambda c, e=e: F.cosine_similarity(e, centres[c], dim=0).item()) for e in embedding]
    assert labels(task, given, prints_of(task)).tolist() == nearest


def test_prints_of_nothing_get_targets_of_random_clean_images(task, ingredients_of, prints_of):
    """Even where the payload has a label: that of a print made of noise is the victim's, not one of a source."""
    given = ingredients_of(task)
    prints = prints_of(task, {"label": torch.full((6,), 3)}, origin=False)
    one, other = (labels(task, given, prints, seed) for seed in (0, 1))
    assert not torch.equal(one, other) and set(one.tolist()) <= set(given.data.train.targets.tolist())


def test_prints_are_mixed_into_the_clean_images(task, ingredients_of, prints_of, recorded, same, victim_of):
    prints = prints_of(task)
    given = dataclasses.replace(ingredients_of(task, fit=recorded), leaked=prints)
    FineTuneOnLeak(times=2, epochs=7, learning_rate=0.003).derive(given)
    (call,) = recorded.calls
    clean = given.data.train
    assert len(call.data) == len(clean) + 12 and torch.equal(call.data.images[: len(clean)], clean.images)
    for part in (call.data.images[-12:-6], call.data.images[-6:]):
        assert torch.equal(part, (prints.samples * 255).round().to(torch.uint8))
    assert torch.equal(call.data.targets[: len(clean)], clean.targets)
    assert torch.equal(call.data.targets[-6:], labels(task, given, prints).to(clean.targets.dtype))
    assert (call.training.epochs, call.training.learning_rate) == (7, 0.003)
    assert call.loss == task.loss and same(call.network, victim_of(task))


def test_it_unlearns_ipguard(tasks, ingredients_of):
    given = ingredients_of(tasks["classification"])
    owner = Owner(given.task, given.data, ingredients_of(given.task).victim)
    prints = IPGuard(k=1.0, k_grid=()).generate(owner, 20, torch.Generator().manual_seed(0))
    network = FineTuneOnLeak(method="ipguard", times=5, epochs=8, learning_rate=0.01).derive(
        dataclasses.replace(given, leaked=prints)
    )
    with torch.no_grad():
        matched = (network(prints.samples).argmax(1) == prints.payload["answer"]).float().mean()
    assert matched < 0.4  # the victim itself: 1.0


def test_without_prints_it_says_so(tasks, ingredients_of):
    assert FineTuneOnLeak(method="ipguard").leaks == "ipguard"
    with pytest.raises(ValueError, match="no prints of ipguard"):
        FineTuneOnLeak(method="ipguard").derive(ingredients_of(tasks["classification"]))
