"""Access: every query counted, no way from a black box to the network, pixels checked, chunks without effect."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from benchmark.access import access
from benchmark.access.access import Answers, Labels, WhiteBox


@pytest.fixture
def asked(task, victim_of, splits_of):
    """A network, ten images, and what else a query takes (the pair images of a similarity task)."""
    test = splits_of(task).test
    pair = (test.pixels(slice(10, 20)),) if task.kind == "similarity" else ()
    return victim_of(task), test.pixels(slice(10)), pair


def test_answers_are_the_task_s_and_counted(task, asked):
    network, x, pair = asked
    box = Answers(task, network)
    assert box.queries == 0
    torch.testing.assert_close(box.answers(x, *pair), task.answer(network, x, *pair))
    box.answers(x[:3], *(p[:3] for p in pair))
    assert box.queries == 13
    assert not box.answers(x, *pair).requires_grad


def test_labels_are_the_most_likely_classes_and_counted(tasks, victim_of, splits_of):
    task = tasks["classification"]
    network, x = victim_of(task), splits_of(task).test.pixels(slice(10))
    box = Labels(task, network)
    assert torch.equal(box.labels(x), network(x).argmax(dim=1))
    assert box.queries == 10


def test_white_box_counts_what_the_verifier_says(task, asked):
    network, _, _ = asked
    box = WhiteBox(task, network)
    assert box.inspect(7) is network
    assert box.queries == 7


def test_a_gradient_does_not_pass_a_black_box(task, asked):
    network, x, pair = asked
    network.requires_grad_(True)
    assert not Answers(task, network).answers(x.requires_grad_(True), *pair).requires_grad


def reachable(thing: object, seen: set[int]) -> list[object]:
    """Everything found by following attributes and the contents of containers."""
    if id(thing) in seen:
        return []
    seen.add(id(thing))
    if isinstance(thing, dict):
        inner = [*thing.keys(), *thing.values()]
    elif isinstance(thing, (list, tuple, set, frozenset)):
        inner = list(thing)
    else:
        inner = list(getattr(thing, "__dict__", {}).values())
        inner += [getattr(thing, name) for name in getattr(type(thing), "__slots__", ()) if hasattr(thing, name)]
    return [thing, *(found for item in inner for found in reachable(item, seen))]


@pytest.mark.parametrize(("kind", "open_"), [(Answers, False), (Labels, False), (WhiteBox, True)])
def test_only_a_white_box_leads_to_the_network(tasks, victim_of, kind, open_):
    task = tasks["classification"]
    things = reachable(kind(task, victim_of(task)), set())
    assert any(isinstance(thing, (nn.Module, nn.Parameter)) for thing in things) == open_


@pytest.mark.parametrize("wrong", [-0.01, 1.01, float("nan"), float("inf")])
def test_pixels_out_of_range_are_refused_and_not_counted(tasks, victim_of, wrong):
    task = tasks["classification"]
    x = torch.full((2, 3, 32, 32), 0.5)
    x[1, 2, 3, 4] = wrong
    answers, labels = Answers(task, victim_of(task)), Labels(task, victim_of(task))
    with pytest.raises(ValueError, match="queries must lie in"):
        answers.answers(x)
    with pytest.raises(ValueError, match="queries must lie in"):
        labels.labels(x)
    assert answers.queries == labels.queries == 0


def test_chunks_change_nothing(task, asked, monkeypatch):
    network, x, pair = asked
    whole = Answers(task, network).answers(x, *pair)
    sizes: list[int] = []
    network.register_forward_pre_hook(lambda _, images: sizes.append(len(images[0])))
    monkeypatch.setattr(access, "CHUNK", 4)
    box = Answers(task, network)
    torch.testing.assert_close(box.answers(x, *pair), whole, rtol=1e-5, atol=1e-5)
    assert sorted(set(sizes)) == [2, 4]
    assert box.queries == 10
