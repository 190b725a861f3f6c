"""ConferAE: the loss and the whole descent against loops, the dropout of models, and which candidates are kept."""

from __future__ import annotations

import copy
import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import nn

from benchmark.contracts.owner import Needs
from benchmark.contracts.proof import proven
from benchmark.errors import InputError
from fingerprints.conferae import ConferAE, cross_entropy, ensemble, keep_models, transfer
from suspects.independent import Independent


@pytest.fixture(scope="module")
def independents(tasks, ingredients_of):
    """Two networks trained without the victim."""
    task = tasks["classification"]
    return tuple(
        Independent().derive(ingredients_of(task, seed=seed)).eval().requires_grad_(False) for seed in (11, 12)
    )


@pytest.fixture
def owner(classifier, disturbed, independents):
    """An owner with two near copies of the victim and two independent models."""
    near = tuple(disturbed(classifier.victim, size) for size in (0.02, 0.05))
    return dataclasses.replace(classifier, surrogates=near, references=independents)


class Constant(nn.Module):
    """A model that answers one class, whatever it sees, and counts how often it is asked."""

    def __init__(self, label: int) -> None:
        super().__init__()
        self.label, self.asked = label, 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.asked += 1
        logits = nn.functional.one_hot(torch.full((len(x),), self.label), 10).to(x.dtype) * 3
        return logits + 0 * x.sum(dim=(1, 2, 3))[:, None]


class Counter(nn.Module):
    """A network, and how often it is asked."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.asked = network, 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.asked += 1
        return self.network(x)


def slow_loss(method, original, victim, surrogate, reference):
    """The loss of one print, probabilities as NumPy vectors."""
    me = np.array([s * (1 - r) for s, r in zip(surrogate, reference, strict=True)])
    if method.me_softmax:
        me = np.exp(me) / np.exp(me).sum()
    others = [me[t] for t in range(len(me)) if t != int(np.argmax(original))]
    best = {"max": max(me), "other": max(others), "victim": me[int(np.argmax(victim))]}[method.me_class]
    first = -math.log(min(max(best, 1e-7), 1 - 1e-7))
    second = min(-sum(p * math.log(max(q, 1e-7)) for p, q in zip(original, victim, strict=True)), method.cap)
    third = -sum(p * math.log(max(q, 1e-7)) for p, q in zip(victim, surrogate, strict=True))
    return method.alpha * first - method.beta * second + method.gamma * third


@pytest.mark.parametrize("me_softmax", [False, True])
@pytest.mark.parametrize("me_class", ["max", "other", "victim"])
@pytest.mark.parametrize("weights", [(1, 1, 1), (2, 0.5, 0), (0, 1, 3)])
def test_the_loss_is_the_papers(weights, me_class, me_softmax, generator):
    method = ConferAE(**dict(zip(("alpha", "beta", "gamma"), weights, strict=True)), me_class=me_class)
    method = dataclasses.replace(method, me_softmax=me_softmax)
    scale = torch.tensor([1.0, 5.0, 30.0], dtype=torch.float64).repeat(20)[:, None]  # up to saturated models
    given = [(scale * torch.randn(60, 5, generator=generator(n), dtype=torch.float64)).softmax(1) for n in range(4)]
    expected = [slow_loss(method, *rows) for rows in zip(*(g.numpy() for g in given), strict=True)]
    assert method.objective(*given).tolist() == pytest.approx(expected, abs=1e-9)
    assert (given[1] < 1e-7).any()


def test_cross_entropy_stays_finite_where_a_probability_is_zero():
    target = torch.tensor([[1.0, 0.0], [0.5, 0.5], [1.0, 0.0]])
    predicted = torch.tensor([[0.0, 1.0], [0.25, 0.75], [1.0, 0.0]], requires_grad=True)
    value = cross_entropy(target, predicted)
    assert value.tolist() == pytest.approx([7 * math.log(10), -0.5 * math.log(0.1875), 0.0])
    value.sum().backward()
    assert predicted.grad.isfinite().all() and predicted.grad[0].tolist() == [0, 0]


def test_me_of_0_or_1_gives_a_finite_loss():
    one, other = torch.eye(2)[[0, 0]], torch.eye(2)[[0, 1]]
    loss = ConferAE(beta=0, gamma=0, me_class="max").objective(one, one, one, other)  # ME = (0, 0) and (1, 0)
    assert loss.tolist() == pytest.approx([7 * math.log(10), 0], abs=1e-6)


@pytest.mark.parametrize(("probability", "pulls"), [(0.9, True), (0.02, True), (0.009, False), (1e-6, False)])
def test_leaving_the_old_label_counts_up_to_the_cap(probability, pulls):
    original = torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64)
    rest = (1 - probability) / 2
    logits = torch.tensor([[probability, rest, rest]], dtype=torch.float64).log().requires_grad_(True)
    even = torch.full((1, 3), 1 / 3, dtype=torch.float64)
    loss = ConferAE(alpha=0, gamma=0).objective(original, logits.softmax(1), even, even)
    (gradient,) = torch.autograd.grad(loss.sum(), logits)
    assert (gradient[0, 0] > 0.05) == pulls and loss >= -4.6
    assert pulls or not gradient.any()


def test_the_ensemble_is_the_mean_of_probabilities_not_of_logits(owner, generator):
    x = torch.rand(4, 3, 32, 32, generator=generator(0))
    expected = sum(model(x).softmax(dim=1).numpy() for model in owner.references) / 2
    np.testing.assert_allclose(ensemble(owner.references, x).numpy(), expected, atol=1e-6)


@pytest.mark.parametrize(("models", "dropout"), [(3, 0.3), (18, 0.3), (1, 0.3), (2, 0.9), (3, 0.0)])
def test_dropout_keeps_each_model_alike_and_never_none(models, dropout, generator):
    keep = keep_models(models, dropout, 20_000, generator(0))
    assert keep.shape == (20_000, models) and keep.any(dim=1).all()
    expected = (1 - dropout) / (1 - dropout**models)  # given that the draw is not empty
    np.testing.assert_allclose(keep.double().mean(dim=0), expected, atol=0.015)
    if models > 2 and dropout:
        sizes = keep.sum(dim=1).bincount(minlength=models + 1) / len(keep)
        binomial = [math.comb(models, k) * (1 - dropout) ** k * dropout ** (models - k) for k in range(1, models + 1)]
        np.testing.assert_allclose(sizes[1:], np.array(binomial) / (1 - dropout**models), atol=0.015)


def test_dropped_models_are_not_run(owner, generator):
    counted = {role: tuple(Counter(m) for m in getattr(owner, role)) for role in ("surrogates", "references")}
    ConferAE(steps=12, rounds=1).generate(dataclasses.replace(owner, **counted), 6, generator(3))
    replay, eligible = generator(3), len(owner.task.eligible(owner.victim, owner.data.train))
    torch.randperm(eligible, generator=replay)
    for role in ("surrogates", "references"):
        steps = keep_models(2, 0.3, 12, replay).sum(dim=0)
        assert [model.asked for model in counted[role]] == (steps + 1).tolist()  # and once to judge
        assert steps.min() < 12


def walk_alone(method, owner, image):
    """One print (3, H, W) by torch.optim.Adam with a plain projection, all models in every step."""
    x = image[None].clone().requires_grad_(True)
    original = owner.victim(image[None]).softmax(dim=1)
    optimiser = torch.optim.Adam([x], lr=method.learning_rate)
    for _ in range(method.steps):
        surrogate = sum(m(x).softmax(dim=1) for m in owner.surrogates) / len(owner.surrogates)
        reference = sum(m(x).softmax(dim=1) for m in owner.references) / len(owner.references)
        answer = owner.victim(x).softmax(dim=1)
        old = int(original.argmax())
        me = max((surrogate * (1 - reference))[0, t] for t in range(10) if t != old)
        leaving = -(original * answer.log()).sum()
        loss = -me.log() - min(leaving, torch.tensor(4.6)) - (answer * surrogate.log()).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            x.copy_((image + (x - image).clamp(-method.eps, method.eps)).clamp(0, 1))
    return x.detach()[0]


def test_the_descent_is_adam_on_each_print_alone(tasks, owner_of, disturbed, generator):
    plain = owner_of(tasks["classification"], double=True)
    models = [disturbed(plain.victim, size) for size in (0.02, 0.05, 0.5, 0.8)]
    owner = dataclasses.replace(plain, surrogates=tuple(models[:2]), references=tuple(models[2:]))
    method = ConferAE(steps=8, learning_rate=0.005, eps=0.025, dropout=0, rounds=1)
    prints = method.generate(owner, 5, generator(0))
    for image, sample in zip(prints.origin, prints.samples, strict=True):
        torch.testing.assert_close(sample, walk_alone(method, owner, image), rtol=0, atol=1e-7)
    chunked = dataclasses.replace(method, chunk=2).generate(owner, 5, generator(0))
    torch.testing.assert_close(prints.samples, chunked.samples, rtol=0, atol=1e-7)


@pytest.mark.parametrize("eps", [0.01, 0.1])
def test_prints_stay_in_the_ball_and_among_pixels(owner, generator, eps):
    prints = ConferAE(eps=eps, steps=30, learning_rate=0.01, rounds=1).generate(owner, 20, generator(0))
    change = (prints.samples - prints.origin).abs()
    assert change.max() == pytest.approx(eps, abs=1e-6) and prints.samples.min() >= 0 and prints.samples.max() <= 1
    known = {tuple(image.flatten().tolist()) for image in owner.data.train.pixels()}
    assert all(tuple(image.flatten().tolist()) in known for image in prints.origin)


def slow_transfer(models, image, label):
    return sum(int(model(image[None])[0].argmax() == label) for model in models) / len(models)


def test_answers_labels_and_notes_are_what_the_models_say(owner, generator):
    prints = ConferAE(eps=0.2, steps=15, learning_rate=0.02, accept=0.5).generate(owner, 12, generator(0))
    scores, changed = [], []
    for image, source, answer, label in zip(
        prints.samples, prints.origin, prints.payload["answer"], prints.payload["label"], strict=True
    ):
        assert owner.victim(image[None])[0].argmax() == answer
        assert owner.victim(source[None])[0].argmax() == label  # only what the victim reads right is a source
        t, r = slow_transfer(owner.surrogates, image, answer), slow_transfer(owner.references, image, answer)
        scores.append(t * (1 - r))
        changed.append(bool(answer != label))
    assert prints.notes["conferrability"] == pytest.approx(np.mean(scores))
    assert prints.notes["label changed"] == pytest.approx(np.mean(changed)) and sum(changed) > 6
    good = [s >= 0.5 and c for s, c in zip(scores, changed, strict=True)]
    assert good == sorted(good, reverse=True), "accepted ones come first"
    assert sum(good) == round(prints.notes["accepted"] * prints.notes["tried"]), "no accepted one is thrown away"


def test_transfer_is_a_share_of_labels():
    models = [torch.tensor([[0.6, 0.4], [0.1, 0.9]]), torch.tensor([[0.3, 0.7], [0.2, 0.8]])]
    assert transfer(models, torch.tensor([0, 1])).tolist() == [0.5, 1.0]


def test_the_descent_lowers_the_loss_of_nearly_every_print(owner, generator):
    method = ConferAE(eps=0.2, steps=15, learning_rate=0.02, rounds=1)
    prints = method.generate(owner, 10, generator(0))

    def loss(x):
        given = [ensemble(models, x) for models in ((owner.victim,), owner.surrogates, owner.references)]
        return method.objective(owner.victim(prints.origin).softmax(dim=1), *given)

    fall = loss(prints.origin) - loss(prints.samples)
    assert (fall > 0.3).sum() >= 9


def test_what_nothing_can_accept_fills_up_with_the_best_of_all_rounds(owner, generator):
    same = dataclasses.replace(owner, references=owner.surrogates[:1], surrogates=owner.surrogates[:1])
    method = ConferAE(eps=0.1, steps=10, learning_rate=0.01, surrogates=1, references=1)  # score = s (1 - s) = 0

    def ranks(rounds):
        prints = dataclasses.replace(method, rounds=rounds).generate(same, 10, generator(0))
        assert prints.notes["accepted"] == 0 and prints.notes["tried"] == 10 * rounds and len(prints.samples) == 10
        p = same.surrogates[0](prints.samples).softmax(dim=1)
        answer = prints.payload["answer"]
        me = (p * (1 - p)).gather(1, answer[:, None]).squeeze(1)
        return me + (answer != prints.payload["label"])

    one, three = ranks(1), ranks(3)
    assert torch.equal(three, three.sort(descending=True).values)
    assert (three >= one.sort(descending=True).values - 1e-6).all() and three.sum() > one.sum()


def test_a_print_that_kept_its_label_matches_nobody(owner, generator):
    verifier = ConferAE().verifiers(owner.task)["label"]
    payload = {"answer": torch.tensor([3, 3, 3, 5]), "label": torch.tensor([3, 1, 1, 1])}
    assert verifier.matches(torch.tensor([3.0, 3.0, 1.0, 5.0]), payload).tolist() == [False, True, False, True]


def test_prints_that_kept_their_label_are_replaced_and_counted_out(owner, generator):
    method = ConferAE(eps=0.02, steps=4, learning_rate=0.01, rounds=1)  # too weak for most sources
    alone = proven(method, owner, 20, generator(0), rounds=0)
    mended = proven(method, owner, 20, generator(0), rounds=3)

    def changed(prints):
        return (prints.payload["answer"] != prints.payload["label"]).sum().item()

    assert 0 < changed(alone) < changed(mended) <= 20
    assert changed(mended) >= round(20 * mended.notes["works"]) > 0


def test_only_rejected_candidates_are_replaced(owner, generator):
    constant = dataclasses.replace(
        owner, surrogates=tuple(copy.deepcopy(owner.victim) for _ in range(2)), references=(Constant(3), Constant(3))
    )
    method = ConferAE(eps=0.15, steps=12, learning_rate=0.02)
    one, four = (
        dataclasses.replace(method, rounds=rounds).generate(constant, 10, generator(0)).notes for rounds in (1, 4)
    )
    first = round(one["accepted"] * 10)
    assert 0 < first < 10 and one["tried"] == 10
    assert 10 + (10 - first) <= four["tried"] < 40
    assert first < round(four["accepted"] * four["tried"]) <= 10


def test_the_training_images_may_run_out(owner, generator):
    eligible = len(owner.task.eligible(owner.victim, owner.data.train))
    with pytest.raises(InputError, match=f"^count: .*{eligible} training images right, {eligible + 1} wanted"):
        ConferAE().generate(owner, eligible + 1, generator(0))
    prints = ConferAE(steps=1, rounds=3).generate(owner, eligible, generator(0))
    assert prints.notes["tried"] == len(prints.samples) == eligible


def test_it_asks_for_both_kinds_of_auxiliary_models():
    assert ConferAE(surrogates=4, references=2).needs() == Needs(surrogates=4, references=2)
    for role in ("surrogates", "references"):
        with pytest.raises(InputError, match=f"^{role}: "):
            ConferAE(**{role: 0})
