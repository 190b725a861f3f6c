"""Fine-tuning on leaked prints: what they are labelled with, and that they no longer match."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch.nn import functional as F

from benchmark.contracts.fingerprint import Owner, Prints
from fingerprints.ipguard import IPGuard
from suspects.leaked import FineTuneOnLeak, shown


@pytest.fixture
def prints_of(splits_of):
    def make(task, payload=None, origin=True):
        x = splits_of(task).train.pixels(slice(0, 6))
        noise = torch.rand(x.shape, generator=torch.Generator().manual_seed(1))
        return Prints((x + 0.1 * noise).clamp(0, 1), x if origin else None, payload or {})

    return make


def labels(task, case, prints, seed=0):
    return shown(task, case.victim, prints, case.data.train, torch.Generator().manual_seed(seed))


def test_the_true_label_of_the_source_comes_before_the_victims_answer(tasks, case_of, prints_of):
    task = tasks["classification"]
    case = case_of(task)
    truth = torch.tensor([9, 9, 9, 8, 8, 8])
    assert labels(task, case, prints_of(task, {"label": truth, "answer": truth - 1})).tolist() == truth.tolist()
    known = labels(task, case, prints_of(task, {"answer": truth}))
    assert known.tolist() == case.victim(case.data.train.pixels(slice(0, 6))).argmax(1).tolist()


def test_values_and_identities_are_the_victims_answer_to_the_source(tasks, case_of, prints_of):
    task = tasks["regression"]
    case = case_of(task)
    expected = case.victim(case.data.train.pixels(slice(0, 6)))
    torch.testing.assert_close(labels(task, case, prints_of(task)), expected)
    task = tasks["similarity"]
    case = case_of(task)
    embedding, centres = case.victim(case.data.train.pixels(slice(0, 6))), case.victim.prototypes
    nearest = [max(range(10), key=lambda c, e=e: F.cosine_similarity(e, centres[c], dim=0).item()) for e in embedding]
    assert labels(task, case, prints_of(task)).tolist() == nearest


def test_prints_of_nothing_get_targets_of_random_clean_images(task, case_of, prints_of):
    """Even where the payload has a label: that of a print made of noise is the victim's, not one of a source."""
    case = case_of(task)
    prints = prints_of(task, {"label": torch.full((6,), 3)}, origin=False)
    one, other = (labels(task, case, prints, seed) for seed in (0, 1))
    assert not torch.equal(one, other) and set(one.tolist()) <= set(case.data.train.targets.tolist())


def test_prints_are_mixed_into_the_clean_images(task, case_of, prints_of, recorded, same, victim_of):
    prints = prints_of(task)
    case = dataclasses.replace(case_of(task, fit=recorded), leaked=prints)
    FineTuneOnLeak(times=2, epochs=7, learning_rate=0.003).derive(case)
    (call,) = recorded.calls
    clean = case.data.train
    assert len(call.data) == len(clean) + 12 and torch.equal(call.data.images[: len(clean)], clean.images)
    for part in (call.data.images[-12:-6], call.data.images[-6:]):
        assert torch.equal(part, (prints.samples * 255).round().to(torch.uint8))
    assert torch.equal(call.data.targets[: len(clean)], clean.targets)
    assert torch.equal(call.data.targets[-6:], labels(task, case, prints).to(clean.targets.dtype))
    assert (call.training.epochs, call.training.learning_rate) == (7, 0.003)
    assert call.loss == task.loss and same(call.network, victim_of(task))


def test_it_unlearns_ipguard(tasks, case_of):
    case = case_of(tasks["classification"])
    owner = Owner(case.task, case.data, case_of(case.task).victim)
    prints = IPGuard(k=1.0).generate(owner, 20, torch.Generator().manual_seed(0))
    network = FineTuneOnLeak(method="ipguard", times=5, epochs=8, learning_rate=0.01).derive(
        dataclasses.replace(case, leaked=prints)
    )
    with torch.no_grad():
        matched = (network(prints.samples).argmax(1) == prints.payload["answer"]).float().mean()
    assert matched < 0.4  # the victim itself: 1.0


def test_without_prints_it_says_so(tasks, case_of):
    assert FineTuneOnLeak(method="ipguard").leaks == "ipguard"
    with pytest.raises(ValueError, match="no prints of ipguard"):
        FineTuneOnLeak(method="ipguard").derive(case_of(tasks["classification"]))
