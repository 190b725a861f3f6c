"""IPGuard: Eq. 5 and the whole descent against loops, the stop rules, and how k is chosen."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch import nn

from benchmark.contracts.owner import Needs
from benchmark.errors import InputError
from fingerprints.ipguard import IPGuard, boundary_gap, boundary_loss


def slow_loss(z, i, j, k):
    """Eq. 5 for one point, logits as a list."""
    rest = [z[t] for t in range(len(z)) if t not in (i, j)]
    second = max(0.0, max(rest) - z[i]) if rest else 0.0
    return max(0.0, z[i] - z[j] + k) + second


@pytest.mark.parametrize("shift", [0.0, -100.0])  # all logits negative: excluded classes must not count as 0
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_boundary_loss_is_eq_5(classes, shift, generator):
    logits = torch.randn(40, classes, generator=generator(0)) * 3 + shift
    source = torch.randint(classes, (40,), generator=generator(1))
    goal = (source + torch.randint(1, classes, (40,), generator=generator(2))) % classes
    k = torch.rand(40, generator=generator(3)) * 5
    rows = zip(logits.tolist(), source.tolist(), goal.tolist(), k.tolist(), strict=True)
    expected = [slow_loss(*row) for row in rows]
    assert boundary_loss(logits, source, goal, k).tolist() == pytest.approx(expected, abs=1e-4)
    assert min(expected) == 0 or classes > 2
    gaps = [z[j] - z[i] for z, i, j in zip(logits.tolist(), source.tolist(), goal.tolist(), strict=True)]
    assert boundary_gap(logits, source, goal).tolist() == pytest.approx(gaps, abs=1e-4)


def test_a_converged_print_is_k_past_the_boundary_with_i_the_runner_up(classifier, generator):
    prints = IPGuard(k_grid=(), k=1.0, learning_rate=0.02).generate(classifier, 20, generator(0))
    source = classifier.victim(prints.origin).argmax(dim=1)
    for z, i, j in zip(classifier.victim(prints.samples).tolist(), source, prints.payload["target"], strict=True):
        assert z[j] >= z[i] + 1.0 - 1e-5
        assert z[i] >= max(z[t] for t in range(10) if t not in (i, j)) - 1e-5
    assert prints.notes["converged"] == 1
    assert torch.equal(prints.payload["answer"], prints.payload["target"])


def walk_alone(method, victim, x, i, j):
    """One point (3, H, W) by torch.optim.Adam until its loss is 0 (or its label j), and whether it arrived."""
    x = x.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([x], lr=method.learning_rate)
    for _ in range(method.steps):
        z = victim(x[None])[0]
        rest = z[[t for t in range(len(z)) if t not in (i, j)]].max()
        loss = (z[i] - z[j] + method.k).clamp_min(0) + (rest - z[i]).clamp_min(0)
        if loss == 0 if method.stop == "loss" else z.argmax() == j:
            return x.detach(), True
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if method.clip:
            with torch.no_grad():
                x.clamp_(0, 1)
    return x.detach(), False


@pytest.mark.parametrize(("stop", "steps"), [("loss", 25), ("flip", 5)])
@pytest.mark.parametrize("clip", [True, False])
def test_batched_equals_each_point_alone(tasks, owner_of, generator, stop, steps, clip):
    owner = owner_of(tasks["classification"], double=True)
    method = IPGuard(k_grid=(), k=0.5, stop=stop, clip=clip, steps=steps, learning_rate=0.02)
    prints = method.generate(owner, 8, generator(0))
    arrived = 0
    for n, x in enumerate(prints.origin):
        logits = owner.victim(x[None])[0]
        alone, done = walk_alone(method, owner.victim, x, int(logits.argmax()), int(logits.argmin()))
        torch.testing.assert_close(prints.samples[n], alone.clamp(0, 1), rtol=0, atol=1e-5)
        arrived += done
    assert 0 < arrived < 8  # some left the batch early, some ran out of steps
    assert prints.notes["converged"] == arrived / 8


@pytest.mark.parametrize("target", ["least_likely", "random"])
def test_target_is_never_the_source(classifier, generator, target):
    method = IPGuard(k_grid=(), target=target, steps=1)
    for flat in (False, True):
        if flat:  # every logit ties: argmax and argmin are the same class
            nn.init.zeros_(classifier.victim.last.weight)
            nn.init.zeros_(classifier.victim.last.bias)
        prints = method.generate(classifier, 60, generator(0))
        source = classifier.victim(prints.origin).argmax(dim=1)
        assert (prints.payload["target"] != source).all()
    if target == "random":
        assert len(prints.payload["target"].unique()) == 9


def test_larger_k_gives_a_larger_gap_unless_the_stop_rule_makes_it_inert(classifier, generator):
    def gap(k: float, stop: str) -> float:
        method = IPGuard(k_grid=(), k=k, stop=stop, learning_rate=0.02, steps=300)
        return method.generate(classifier, 6, generator(0)).notes["gap"]

    gaps = [gap(k, "loss") for k in (0.1, 0.4, 0.9)]
    assert gaps[0] >= 0.1 and gaps[1] >= 0.4 and gaps[2] >= 0.9
    assert gaps == sorted(gaps)
    assert gap(1.0, "flip") == pytest.approx(gap(2.0, "flip"), abs=1e-3)


def test_without_clip_prints_are_still_pixels_and_the_notes_say_so(classifier, generator):
    free, clipped = (
        IPGuard(k_grid=(), clip=clip, steps=20).generate(classifier, 10, generator(0)) for clip in (False, True)
    )
    assert free.samples.min() >= 0 and free.samples.max() <= 1
    assert free.notes["outside [0,1]"] == 1  # digits lie on black: every one of them goes below
    assert clipped.notes["outside [0,1]"] == 0


@pytest.mark.parametrize("start", ["train", "noise"])
def test_starts(classifier, generator, start):
    prints = IPGuard(k_grid=(), start=start, steps=1).generate(classifier, 10, generator(0))
    known = {tuple(image.flatten().tolist()) for image in classifier.data.train.pixels()}
    assert all((tuple(image.flatten().tolist()) in known) == (start == "train") for image in prints.origin)
    assert ("label" in prints.payload) == (start == "train")


class Spy(nn.Module):
    """A model that answers class `label` and counts the images it sees."""

    def __init__(self, label: int = 0) -> None:
        super().__init__()
        self.label, self.seen = label, 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen += len(x)
        return nn.functional.one_hot(torch.full((len(x),), self.label), 10).float()


class Follower(Spy):
    """Answers as the victim does on the blocks of `sweep` prints whose numbers are `blocks`, else class -1."""

    def __init__(self, victim: nn.Module, sweep: int, blocks: set[int]) -> None:
        super().__init__()
        self.victim, self.sweep, self.blocks = [victim], sweep, blocks

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen += len(x)
        follow = torch.tensor([n // self.sweep in self.blocks for n in range(len(x))])
        logits = self.victim[0](x)
        return torch.where(follow[:, None], logits, -logits)


GRID = (5.0, 0.1, 1.0)  # sorted: blocks 0, 1, 2 are k = 0.1, 1, 5


@pytest.mark.parametrize(
    ("copied", "shared", "chosen"),
    [
        ({2}, set(), 5.0),
        ({0, 1, 2}, {0, 2}, 1.0),
        ({1, 2}, set(), 1.0),  # a tie: the smaller k
        ({0, 1, 2}, {0, 1, 2}, 0.1),
    ],
)
def test_k_separates_surrogates_from_references_and_nothing_else_is_asked(
    classifier, generator, copied, shared, chosen
):
    surrogates = tuple(Follower(classifier.victim, 6, copied) for _ in range(2))
    references = tuple(Follower(classifier.victim, 6, shared) for _ in range(3))
    owner = dataclasses.replace(classifier, surrogates=surrogates, references=references)
    method = IPGuard(k_grid=GRID, sweep=6, steps=4, surrogates=2, references=3)
    prints = method.generate(owner, 5, generator(0))
    assert prints.notes["k"] == chosen
    expected = {f"separation at k={k:g}": float(b in copied) - (b in shared) for b, k in enumerate(sorted(GRID))}
    assert {name: value for name, value in prints.notes.items() if name.startswith("sep")} == expected
    assert all(spy.seen == 18 for spy in (*surrogates, *references))
    assert method.needs() == Needs(surrogates=2, references=3)


def test_a_fixed_k_asks_no_auxiliary_model(classifier, generator):
    spies = Spy(), Spy()
    owner = dataclasses.replace(classifier, surrogates=spies[:1], references=spies[1:])
    method = IPGuard(k_grid=(), k=2.0, steps=2)
    assert method.generate(owner, 5, generator(0)).notes["k"] == 2.0
    assert method.needs() == Needs() and spies[0].seen == spies[1].seen == 0


@pytest.mark.parametrize("missing", ["surrogates", "references"])
def test_choosing_k_takes_auxiliary_models(missing):
    with pytest.raises(InputError, match="^k_grid: .*auxiliary"):
        IPGuard(k_grid=(1.0, 2.0), **{missing: 0})


def test_chunk_size_does_not_change_the_prints(tasks, owner_of, generator):
    owner = owner_of(tasks["classification"], double=True)
    whole, parts = (
        IPGuard(k_grid=(), steps=30, chunk=chunk, target="random").generate(owner, 7, generator(0)) for chunk in (99, 3)
    )
    torch.testing.assert_close(whole.samples, parts.samples, rtol=0, atol=1e-5)
    assert math.isclose(whole.notes["gap"], parts.notes["gap"], abs_tol=1e-4)
