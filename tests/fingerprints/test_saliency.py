"""Making saliency prints: Eq. 3 and 4 and the whole optimisation against a slow transcription, cell by cell."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from benchmark.access.access import PROBABILITY, WHITE_BOX, grant
from benchmark.access.target import Target
from benchmark.contracts.owner import Owner
from benchmark.errors import InputError
from fingerprints.saliency import Saliency, sam_loss

SIGN = {"optimiser": "sign", "step": 0.005, "lam": 1.0}


def in_corner(i: int, j: int, side: int) -> bool:
    """Whether cell (i, j) of a map or image of `side` lies in P, the top left cell of a 7x7 grid (A16)."""
    return i * 7 // side == 0 and j * 7 // side == 0


def slow_sam(s: torch.Tensor, pre_relu: bool) -> torch.Tensor:
    """Eq. 3 for one map (h, w) before its ReLU."""
    side = len(s)
    cells = [(i, j) for i in range(side) for j in range(side)]
    outside = [s[i, j].clamp_min(0) for i, j in cells if not in_corner(i, j, side)]
    inside = [s[i, j] if pre_relu else s[i, j].clamp_min(0) for i, j in cells if in_corner(i, j, side)]
    return sum(outside) / len(outside) - sum(inside) / len(inside)


def slow_score(task, network, output, payload):
    """F_c (1,) of one image's output and its own payload, and L_prd against the original answer (A14)."""
    if task.kind == "classification":
        c = payload["label"]
        return output[0, c], -F.log_softmax(output[0], dim=0)[c]
    if task.kind == "regression":
        return output[0], (output[0] - payload["value"]) ** 2
    pair = network(payload["pair"][None])[0].detach()
    cosine = (output[0] * pair).sum() / (output[0].norm() * pair.norm())
    return cosine, (cosine - payload["cosine"]) ** 2


def slow_map(task, network, x, payload, create_graph=True):
    """S before its ReLU (h, w) of one image, by Eq. 1 and 2 written out, and L_prd."""
    maps = network.features((x if x.requires_grad else x.clone().requires_grad_(True))[None])
    score, preservation = slow_score(task, network, network.head(maps), payload)
    (gradient,) = torch.autograd.grad(score, maps, create_graph=create_graph, retain_graph=True)
    channels = maps.shape[1]
    return sum(gradient[0, k].mean() * maps[0, k] for k in range(channels)), preservation


def slow_objective(method, task, network, x, payload):
    """Eq. 4 for one image."""
    s, preservation = slow_map(task, network, x, payload)
    return slow_sam(s, method.sam_pre_relu) + method.lam * preservation


def slow_project(method, x, delta):
    xi = method.xi / 2 if method.xi_space == "normalised" else method.xi
    if method.norm == "linf":
        delta = delta.clamp(-xi, xi)
    elif delta.norm() > xi:
        delta = delta * xi / delta.norm()
    return (x + delta).clamp(0, 1) - x


def slow_iterates(method, task, network, x, delta, payload):
    """x + delta after every step, one image (3, H, W) at a time, with torch's own optimisers."""
    delta = delta.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([delta], lr=method.step)
    for _ in range(method.steps):
        (delta.grad,) = torch.autograd.grad(slow_objective(method, task, network, x + delta, payload), delta)
        if method.optimiser == "adam":
            optimiser.step()
        with torch.no_grad():
            if method.optimiser == "sign":
                delta -= method.step * delta.grad.sign()
            delta.copy_(slow_project(method, x, delta))
        yield (x + delta).detach()


@pytest.fixture
def setting_out(owner_of, generator):
    """A victim in double precision, four images, their payload, and where the perturbations start."""

    def begin(task, method):
        owner, index = owner_of(task), torch.arange(4)
        payload = task.reference(owner.victim, owner.data.train, index)
        payload = {name: value.double() if value.is_floating_point() else value for name, value in payload.items()}
        payload |= {"rows": torch.tensor(8), "columns": torch.tensor(8)}  # under the first of 4 x 4 cells
        x = owner.data.train.pixels(index).double()
        noise = (torch.rand(x.shape, generator=generator(3)).double() * 2 - 1) * method.xi
        delta = torch.stack([slow_project(method, image, d) for image, d in zip(x, noise, strict=True)])
        return owner.victim.double(), x, delta, payload

    return begin


def alone(payload, i):
    return {name: value[i] if value.ndim else value for name, value in payload.items()}


@pytest.mark.parametrize("pre_relu", [True, False])
@pytest.mark.parametrize("side", [4, 7, 14])
def test_sam_loss_is_eq_3(side, pre_relu, generator):
    maps = torch.randn(5, side, side, generator=generator(0))
    mask = torch.tensor([[float(in_corner(i, j, side)) for j in range(side)] for i in range(side)])
    expected = torch.stack([slow_sam(s, pre_relu) for s in maps])
    torch.testing.assert_close(sam_loss(maps, mask, pre_relu=pre_relu), expected)
    assert (maps[:, 0, 0] < 0).any()  # otherwise the ReLU of the corner would make no difference


def test_sam_loss_after_the_relu_gives_a_dark_corner_no_gradient():
    mask = torch.zeros(2, 2)
    mask[0, 0] = 1
    for pre_relu, expected in ((True, -1.0), (False, 0.0)):
        combined = torch.tensor([[[-1.0, 1.0], [1.0, 1.0]]], requires_grad=True)
        (gradient,) = torch.autograd.grad(sam_loss(combined, mask, pre_relu=pre_relu).sum(), combined)
        assert gradient[0, 0, 0] == expected


@pytest.mark.parametrize("settings_", [{"lam": 1.0}, {"sam_pre_relu": False, "lam": 0.1}, {"lam": 3.0}])
def test_objective_is_eq_4(task, setting_out, settings_):
    method = Saliency(**settings_)
    victim, x, delta, payload = setting_out(task, method)
    expected = [slow_objective(method, task, victim, x[i] + delta[i], alone(payload, i)) for i in range(len(x))]
    torch.testing.assert_close(method.objective(task, victim, x, payload)(delta), torch.stack(expected))


@pytest.mark.parametrize("xi_space", ["pixel", "normalised"])
@pytest.mark.parametrize(("norm", "xi"), [("linf", 0.04), ("l2", 0.5)])
@pytest.mark.parametrize(("optimiser", "step"), [("sign", 0.01), ("adam", 0.02)])
def test_optimisation_is_that_of_each_image_alone(task, setting_out, optimiser, step, norm, xi, xi_space):
    method = Saliency(xi=xi, norm=norm, xi_space=xi_space, optimiser=optimiser, step=step, steps=6, lam=1.0)
    victim, x, delta, payload = setting_out(task, method)
    batched = method._optimise(task, victim, x, delta, payload)
    for i in range(len(x)):
        *_, last = slow_iterates(method, task, victim, x[i], delta[i], alone(payload, i))
        torch.testing.assert_close(batched[i], last, rtol=0, atol=1e-5)


def slow_gap(method, task, victim, x, payload):
    """|F(x) - F(x_mask)| where the answer is kept and S_hat(P) >= 0.9, else None."""
    pair = payload["pair"][None] if "pair" in payload else None
    before = task.answer(victim, x[None], pair)
    one = {name: value[None] for name, value in payload.items()}
    hidden = x.clone()
    hidden[:, :8, :8] = 0
    s = slow_map(task, victim, x, payload, create_graph=False)[0].clamp_min(0)
    if not task.kept(before, one) or s.max() == 0 or s[0, 0] < 0.9 * s.max():
        return None
    return (task.read(before, one) - task.read(task.answer(victim, hidden[None], pair), one)).abs().item()


@pytest.mark.parametrize("optimiser", ["sign", "adam"])
def test_select_gap_keeps_the_iterate_that_covering_moves_most(tasks, setting_out, optimiser):
    left, qualified, stood_in = 0, 0, 0
    early = dataclasses.replace(tasks["classification"], drop=0.003)  # so that some samples are done before the end
    for task in (early, *tasks.values()):
        method = Saliency(xi=0.3, optimiser=optimiser, step=0.02, steps=23, lam=0.1, select="gap")
        victim, x, delta, payload = setting_out(task, method)
        chosen = method._optimise(task, victim, x, delta, payload)
        for i in range(len(x)):
            best, most = None, -math.inf
            for step, iterate in enumerate(slow_iterates(method, task, victim, x[i], delta[i], alone(payload, i)), 1):
                if step % 5 and step != method.steps:
                    continue
                gap = slow_gap(method, task, victim, iterate, alone(payload, i))
                if gap is not None and gap > most:
                    best, most = iterate, gap
                if most >= 3 * task.drop:
                    break
            left += step < method.steps
            qualified += best is not None and step == method.steps
            stood_in += best is None
            torch.testing.assert_close(chosen[i], iterate if best is None else best, rtol=0, atol=1e-5)
    assert left and qualified and stood_in  # every branch was taken


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    norm=st.sampled_from(["linf", "l2"]),
    space=st.sampled_from(["pixel", "normalised"]),
    start=st.sampled_from(["random", "zero"]),
    optimiser=st.sampled_from(["sign", "adam"]),
    select=st.sampled_from(["last", "gap"]),
    xi=st.floats(0.004, 1.0),
    step=st.floats(0.001, 2.0),
)
def test_bounds_always_hold(splits_of, victim_of, tasks, norm, space, start, optimiser, select, xi, step):
    task = tasks["classification"]
    owner = Owner(task, splits_of(task), victim_of(task))
    method = Saliency(
        xi=xi, norm=norm, xi_space=space, start=start, optimiser=optimiser, select=select, step=step, steps=3, lam=1.0
    )
    prints = method.generate(owner, 3, torch.Generator().manual_seed(0))
    delta = (prints.samples - prints.origin).flatten(1)
    size = delta.abs().amax(dim=1) if norm == "linf" else delta.norm(dim=1)
    assert (size <= xi * (0.5 if space == "normalised" else 1) + 1e-6).all()
    assert prints.samples.min() >= 0 and prints.samples.max() <= 1
    assert size.max() > 0


def test_prints_come_from_images_that_the_victim_gets_right(classifier, generator):
    prints = Saliency(**SIGN, steps=1).generate(classifier, 40, generator(0))
    assert torch.equal(classifier.victim(prints.origin).argmax(dim=1), prints.payload["label"])
    assert len(torch.unique(prints.origin, dim=0)) == 40


def test_too_few_eligible_images_are_an_error_that_says_so(classifier, generator):
    with torch.no_grad():
        classifier.victim.last.bias[3] = 1e6  # answers 3 whatever it sees
    threes = int((classifier.data.train.targets == 3).sum())
    with pytest.raises(InputError, match=f"only {threes} training images"):
        Saliency(**SIGN, steps=1).generate(classifier, threes + 1, generator(0))


@pytest.mark.parametrize("kind", ["classification", "similarity"])
@pytest.mark.parametrize("select", ["last", "gap"])
def test_chunk_size_does_not_change_the_prints(tasks, owner_of, generator, kind, select):
    owner = owner_of(tasks[kind], double=True)
    whole, parts = (
        Saliency(**SIGN, steps=7, select=select, chunk=chunk).generate(owner, 7, generator(0)) for chunk in (256, 3)
    )
    torch.testing.assert_close(whole.samples, parts.samples, rtol=0, atol=1e-5)


def test_same_seed_same_bits_other_seed_other_bits(classifier, generator):
    one, same, other = (Saliency(**SIGN, steps=3).generate(classifier, 5, generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(one.samples, same.samples)
    assert not torch.equal(one.samples, other.samples)


@pytest.mark.parametrize("rounds", [1, 3])
@pytest.mark.parametrize("accept", ["none", "label", "full"])
def test_accept_replaces_what_was_rejected(tasks, owner_of, generator, accept, rounds):
    task, count = tasks["similarity"], 12
    owner = owner_of(task)
    method = Saliency(optimiser="adam", step=0.01, steps=60, lam=1.0, accept=accept, rounds=rounds)
    prints = method.generate(owner, count, generator(0))
    kept = task.kept(task.answer(owner.victim, prints.samples, prints.payload["pair"]), prints.payload)
    if accept == "none":
        good = torch.ones(count, dtype=torch.bool)
    else:
        verifiers = method.verifiers(task)
        corner = verifiers["white"].measure(prints, grant(WHITE_BOX, Target.of(task, owner.victim)))
        change = verifiers["black"].measure(prints, grant(PROBABILITY, Target.of(task, owner.victim))).abs()
        good = kept if accept == "label" else kept & (corner >= 0.5) & (change >= task.drop)
    accepted = round(prints.notes["accepted"] * prints.notes["tried"])
    assert len(prints.samples) == count == len(prints.payload["cosine"])
    assert good.tolist() == [True] * accepted + [False] * (count - accepted)  # accepted ones first, rejects fill up
    assert prints.notes["tried"] > count if accept != "none" and rounds > 1 else prints.notes["tried"] == count
    assert prints.notes["answer kept"] == pytest.approx(kept.double().mean().item())
    if accept != "none":
        assert 0 < accepted < prints.notes["tried"]
