"""ES: pictures from noise alone, moved toward drawn distributions of classes."""

from __future__ import annotations

import numpy as np
import torch

from suspects import synthesis
from suspects.synthesis import Synthesis, distributions


def test_distributions_are_dirichlets_of_random_concentrations():
    drawn = distributions(4000, 5, seed=1).double()
    torch.testing.assert_close(drawn.sum(1), torch.ones(4000, dtype=torch.float64), rtol=0, atol=1e-5)
    assert drawn.min() > 0
    random = np.random.default_rng(7)
    expected = np.stack([random.dirichlet(random.integers(1, 1000, 5)) for _ in range(4000)])
    assert abs(drawn[:, 2].mean().item() - 0.2) < 0.01
    assert abs(drawn.std().item() - expected.std()) < 0.005
    np.testing.assert_allclose(
        np.quantile(drawn, [0.05, 0.5, 0.95]), np.quantile(expected, [0.05, 0.5, 0.95]), atol=0.01
    )
    assert torch.equal(distributions(3, 5, 1), distributions(3, 5, 1))
    assert not torch.equal(distributions(3, 5, 1), distributions(3, 5, 2))


def test_each_round_asks_about_new_pictures(tasks, ingredients_of, recorded):
    given = ingredients_of(tasks["classification"], fit=recorded)
    Synthesis(images=12, rounds=3, steps=3, epochs=2).derive(given)
    assert given.meter.queries == 36 and len(recorded.calls) == 3
    first, second, third = (call.data.images for call in recorded.calls)
    generator = torch.Generator().manual_seed(given.seed)
    assert torch.equal(first, (torch.rand(12, 3, 32, 32, generator=generator) * 255).round().to(torch.uint8))
    assert (second != third).double().mean() > 0.9  # noise is drawn anew
    assert {call.training.epochs for call in recorded.calls} == {2}


def test_synthesis_moves_the_substitute_toward_the_distributions(tasks, ingredients_of):
    given = ingredients_of(tasks["classification"])
    recipe, noise = (
        Synthesis(steps=20, step=0.02),
        torch.rand(16, 3, 32, 32, generator=torch.Generator().manual_seed(3)),
    )
    moved = recipe._synthesise(given.victim, noise, torch.Generator().manual_seed(5))
    seed = int(torch.randint(2**62, (), generator=torch.Generator().manual_seed(5)))
    wanted = distributions(16, 10, seed)
    with torch.no_grad():
        before, after = (-(wanted * given.victim(x).log_softmax(1)).sum(1) for x in (noise, moved))
    assert (after < before).all()
    assert (moved - noise).abs().max() <= 20 * 0.02 + 1e-5 and moved.min() >= 0 and moved.max() <= 1
    alone = torch.optim.Adam([x := noise[:1].clone().requires_grad_(True)], lr=0.02)
    for _ in range(20):  # one picture, stepped by torch's own Adam
        alone.zero_grad()
        (-(wanted[:1] * given.victim(x).log_softmax(1)).sum()).backward()
        alone.step()
        x.data.clamp_(0, 1)
    torch.testing.assert_close(moved[:1], x.detach(), rtol=0, atol=2e-3)


def test_many_pictures_move_in_parts_as_they_would_together(tasks, ingredients_of, monkeypatch):
    given, noise = (
        ingredients_of(tasks["classification"]),
        torch.rand(7, 3, 32, 32, generator=torch.Generator().manual_seed(3)),
    )
    widths = []
    given.victim.register_forward_hook(lambda _, __, output: widths.append(len(output)))
    recipe = Synthesis(steps=3, step=0.02)
    whole = recipe._synthesise(given.victim, noise, torch.Generator().manual_seed(5))
    monkeypatch.setattr(synthesis, "CHUNK", 3)
    parts = recipe._synthesise(given.victim, noise, torch.Generator().manual_seed(5))
    assert widths == [7] * 3 + [3, 3, 1] * 3
    torch.testing.assert_close(parts, whole, rtol=0, atol=2e-3)  # where a gradient is next to 0, Adam may turn round
    assert (parts - whole).abs().median() < 1e-6
