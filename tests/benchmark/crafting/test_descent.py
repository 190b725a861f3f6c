"""Steps for a batch of independent optimisations, against torch's own optimisers on each sample alone."""

from __future__ import annotations

import torch

from benchmark.crafting.descent import AdamDescent, SignDescent

SIZES = torch.tensor([1e-6, 1e-2, 1.0, 50.0])[:, None]  # one scale a sample: Adam must not mix them


def walk_alone(gradients: torch.Tensor, rate: float) -> torch.Tensor:
    """Where torch.optim.Adam brings one sample from the origin, given its gradients (steps, ...)."""
    point = torch.zeros_like(gradients[0], requires_grad=True)
    optimiser = torch.optim.Adam([point], lr=rate)
    for gradient in gradients:
        point.grad = gradient.clone()
        optimiser.step()
    return point.detach()


def test_adam_equals_torch_on_each_sample_also_after_some_left(generator):
    gradients = torch.randn(12, 4, 5, generator=generator(0)) * SIZES
    leaves = [12, 3, 7, 12]  # after how many steps each sample leaves
    descent, point, active = AdamDescent(0.05), torch.zeros(4, 5), torch.arange(4)
    for step in range(12):
        point[active] += descent.move(gradients[step, active])
        stay = torch.tensor([leaves[i] > step + 1 for i in active])
        active = active[stay]
        descent.keep(stay)
    alone = torch.stack([walk_alone(gradients[: leaves[i], i], 0.05) for i in range(4)])
    torch.testing.assert_close(point, alone, rtol=1e-5, atol=1e-6)


def test_adam_may_lose_samples_before_its_first_step():
    descent = AdamDescent(0.05)
    descent.keep(torch.tensor([True, False]))
    torch.testing.assert_close(descent.move(torch.tensor([[2.0]])), torch.tensor([[-0.05]]))


def test_sign_is_the_gradient_s_sign_times_the_rate():
    move = SignDescent(0.1).move(torch.tensor([[3.0, -1e-9, 0.0]]))
    assert torch.equal(move, torch.tensor([[-0.1, 0.1, 0.0]]))
