"""Access: a closed set of kinds, every query counted, pixels checked, chunks and channels."""

from __future__ import annotations

import pytest
import torch

from benchmark.access import target as targets
from benchmark.access.access import KINDS, LABEL, NO_CHANNEL, PROBABILITY, WHITE_BOX, AnswerAPI, LabelAPI, grant
from benchmark.access.channels import AsMade, Channel, EightBit
from benchmark.access.target import Target
from benchmark.contracts.fingerprint import Verifier
from benchmark.errors import Inapplicable


@pytest.fixture
def asked(task, victim_of, splits_of):
    """A network, ten images, and what else a query takes (the pair images of a similarity task)."""
    test = splits_of(task).test
    pair = (test.pixels(slice(10, 20)),) if task.kind == "similarity" else ()
    return victim_of(task), test.pixels(slice(10)), pair


@pytest.fixture
def classifier(tasks, victim_of, splits_of):
    """A task with classes, its victim and ten images."""
    task = tasks["classification"]
    return task, victim_of(task), splits_of(task).test.pixels(slice(10))


def test_answers_are_the_task_s_and_counted(task, asked):
    network, x, pair = asked
    box = grant(PROBABILITY, Target.of(task, network))
    assert box.queries == 0
    assert torch.equal(box.answers(x, *pair), task.answer(network, x, *pair))
    box.answers(x[:3], *(p[:3] for p in pair))
    assert box.queries == 13
    assert not box.answers(x, *pair).requires_grad


def test_labels_are_the_most_likely_classes_and_counted(classifier):
    task, network, x = classifier
    box = grant(LABEL, Target.of(task, network))
    assert torch.equal(box.labels(x), network(x).argmax(dim=1))
    assert box.queries == 10


@pytest.mark.parametrize("kind", [LABEL, PROBABILITY])
def test_no_label_is_read_out_of_an_answer_that_is_no_number(classifier, kind):
    task, network, x = classifier
    network.last.bias[0] = float("nan")
    box = grant(kind, Target.of(task, network))
    with pytest.raises(ValueError, match=r"^100 of 100 answers of the model are not finite$"):
        box.labels(x) if kind == LABEL else box.answers(x)


def test_white_box_counts_what_the_verifier_says(task, asked):
    network, _, _ = asked
    box = grant(WHITE_BOX, Target.of(task, network))
    assert box.inspect(7) is network
    assert box.queries == 7


def test_boxes_of_one_target_count_apart_and_answer_in_order(classifier):
    task, network, x = classifier
    target, expected = Target.of(task, network), task.answer(network, x)
    one, other = grant(PROBABILITY, target), grant(PROBABILITY, target)
    for i in range(10):
        box = (one, other)[i % 3 == 0]
        torch.testing.assert_close(box.answers(x[i : i + 1]), expected[i : i + 1])
    assert (one.queries, other.queries) == (6, 4)


def test_a_gradient_does_not_pass_a_black_box(task, asked):
    network, x, pair = asked
    network.requires_grad_(True)
    answers = grant(PROBABILITY, Target.of(task, network)).answers(x.requires_grad_(True), *pair)
    assert not answers.requires_grad and answers.grad_fn is None


def test_there_are_three_kinds_and_no_other(classifier):
    task, network, _ = classifier
    assert KINDS == ("label", "probability", "white box")
    for kind in ("weights", "Label", "", None):
        with pytest.raises(ValueError, match=r"^access: .* is none of label, probability, white box$"):
            grant(kind, Target.of(task, network))
    box = grant(LABEL, Target.of(task, network))
    assert isinstance(box, LabelAPI) and not hasattr(box, "answers")
    box = grant(PROBABILITY, Target.of(task, network))
    assert isinstance(box, AnswerAPI) and not hasattr(box, "labels")


@pytest.mark.parametrize("kind", ["weights", "white_box", ("label",)])
def test_a_verifier_names_one_of_them(kind):
    with pytest.raises(TypeError, match=r"^Nosy\.access: .* is none of label, probability, white box$"):

        class Nosy(Verifier):
            access = kind


@pytest.mark.parametrize("wrong", [-0.01, 1.01, float("nan"), float("inf")])
def test_pixels_out_of_range_are_refused_and_not_counted(classifier, wrong):
    target, x = Target.of(*classifier[:2]), torch.full((2, 3, 32, 32), 0.5)
    x[1, 2, 3, 4] = wrong
    answers, labels = grant(PROBABILITY, target), grant(LABEL, target)
    for ask in (answers.answers, labels.labels):
        with pytest.raises(ValueError, match="queries must lie in"):
            ask(x)
    assert answers.queries == labels.queries == 0
    assert answers.answers(x[:1]).shape == (1, 10) and answers.queries == 1  # an error ends nothing


def test_chunks_change_nothing(task, asked, monkeypatch):
    network, x, pair = asked
    whole = grant(PROBABILITY, Target.of(task, network)).answers(x, *pair)
    sizes: list[int] = []
    network.register_forward_pre_hook(lambda _, images: sizes.append(len(images[0])))
    monkeypatch.setattr(targets, "CHUNK", 4)
    box = grant(PROBABILITY, Target.of(task, network))
    torch.testing.assert_close(box.answers(x, *pair), whole, rtol=1e-5, atol=1e-5)
    assert sorted(set(sizes)) == [2, 4]
    assert box.queries == 10


def test_a_target_without_a_network_answers_and_cannot_be_looked_into(classifier):
    task, network, x = classifier
    remote = Target(task, Target.of(task, network).respond)
    assert torch.equal(grant(PROBABILITY, remote).answers(x), task.answer(network, x))
    assert torch.equal(grant(LABEL, remote).labels(x), network(x).argmax(dim=1))
    with pytest.raises(Inapplicable, match="^only an API is at hand, no network to look into$"):
        grant(WHITE_BOX, remote)


class Reversed(Channel, name="test/reversed"):
    """The classes' probabilities in the opposite order: an answer that is tampered with."""

    def answer(self, y):
        return y.flip(-1)


class Dimmed(Channel, name="test/dimmed"):
    """Half of the light: a query that is tampered with."""

    def query(self, x):
        return x / 2


def test_nothing_stands_in_between_unless_a_channel_does(classifier):
    task, network, x = classifier
    assert AsMade().query(x) is x and AsMade().answer(x) is x
    plain, as_made = (grant(PROBABILITY, Target.of(task, network), channel) for channel in (None, AsMade()))
    assert torch.equal(plain.answers(x), as_made.answers(x))


def test_eight_bit_rounds_to_the_levels_of_a_picture_once():
    x = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    seen = EightBit().query(x)
    assert torch.equal(seen, (x * 255).round() / 255) and not torch.equal(seen, x)
    assert torch.equal(EightBit().query(seen), seen)
    levels = torch.arange(256).to(torch.uint8)
    assert torch.equal(EightBit().query(levels / 255), levels / 255)
    assert torch.equal((seen * 255).round().to(torch.uint8) / 255, seen)  # a file gives back what was measured


@pytest.mark.parametrize("channel", [Dimmed(), EightBit()], ids=lambda channel: type(channel).__name__)
def test_a_channel_changes_what_the_suspect_sees(task, asked, channel):
    network, x, pair = asked
    x, pair = x * 0.9, tuple(p * 0.9 for p in pair)
    box = grant(PROBABILITY, Target.of(task, network), channel)
    seen = [channel.query(images) for images in (x, *pair)]
    assert torch.equal(box.answers(x, *pair), task.answer(network, *seen))
    assert not torch.equal(box.answers(x, *pair), task.answer(network, x, *pair))
    assert box.queries == 20


def test_a_channel_changes_answers_and_the_labels_taken_from_them(classifier):
    task, network, x = classifier
    target = Target.of(task, network)
    assert torch.equal(grant(PROBABILITY, target, Reversed()).answers(x), task.answer(network, x).flip(1))
    labels = grant(LABEL, target, Reversed()).labels(x)
    assert torch.equal(labels, 9 - network(x).argmax(dim=1)) and not torch.equal(labels, network(x).argmax(dim=1))


@pytest.mark.parametrize("channel", [Reversed(), Dimmed()], ids=lambda channel: type(channel).__name__)
def test_a_white_box_is_not_asked_through_a_channel(classifier, channel):
    task, network, _ = classifier
    assert not channel.of_prints
    with pytest.raises(Inapplicable, match=f"^{NO_CHANNEL}$"):
        grant(WHITE_BOX, Target.of(task, network), channel)


@pytest.mark.parametrize("channel", [AsMade(), EightBit()], ids=lambda channel: type(channel).__name__)
def test_a_format_of_the_prints_concerns_a_white_box_too(classifier, channel):
    task, network, _ = classifier
    assert channel.of_prints and grant(WHITE_BOX, Target.of(task, network), channel).inspect(1) is network
