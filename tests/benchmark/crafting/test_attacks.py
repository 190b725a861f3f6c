"""Attacks against closed forms on linear models, an independent library, and each image alone."""

from __future__ import annotations

import foolbox
import pytest
import torch
from torch import Tensor, nn

from benchmark.crafting.attacks import carlini_wagner, fgsm, label_margin, pgd


class Linear(nn.Module):
    """Logits W x + b of flattened images."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = weight, bias

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.weight.T + self.bias


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def linear(classes: int = 2, pixels: int = 12, seed: int = 0) -> Linear:
    weight = torch.randn(classes, pixels, generator=seeded(seed), dtype=torch.float64)
    return Linear(weight, torch.zeros(classes, dtype=torch.float64))


def grey(count: int, seed: int = 1) -> Tensor:
    """Images far from black and white, so that the box is no bound."""
    return 0.4 + 0.2 * torch.rand(count, 3, 2, 2, generator=seeded(seed), dtype=torch.float64)


def attacked(network: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """The labels, and the direction in pixels that raises the cross entropy of a two-class linear model."""
    y = network(x).argmax(dim=1)
    return y, (network.weight[1 - y] - network.weight[y]).sign().reshape(x.shape)


def test_fgsm_is_eps_times_the_sign_on_a_linear_model():
    network, x = linear(), grey(5)
    y, sign = attacked(network, x)
    torch.testing.assert_close(fgsm(network, x, y, 0.1, seeded(), start=False), x + 0.1 * sign)
    started = fgsm(network, x, y, 0.1, seeded(), project=False)
    noise = torch.rand(x.shape, generator=seeded(), dtype=x.dtype) * 2 - 1
    torch.testing.assert_close(started, (x + 0.1 * noise + 0.1 * sign).clamp(0, 1))
    torch.testing.assert_close(fgsm(network, x, y, 0.1, seeded()), x + (0.1 * noise + 0.1 * sign).clamp(-0.1, 0.1))


@pytest.mark.parametrize(("project", "moved"), [(True, 0.08), (False, 0.15)])
def test_pgd_walks_straight_on_a_linear_model_and_projects_only_if_told(project, moved):
    network, x = linear(), grey(5)
    y, sign = attacked(network, x)
    found = pgd(network, x, y, 0.08, 0.03, 5, seeded(), project, start=False)
    torch.testing.assert_close(found, x + moved * sign)


@pytest.mark.parametrize("project", [True, False])
def test_pgd_starts_in_the_ball_and_stays_a_picture(project):
    network, x = linear(), grey(50).round()  # black and white
    y, _ = attacked(network, x)
    found = pgd(network, x, y, 0.1, 0.07, 3, seeded(), project)
    assert found.min() >= 0 and found.max() <= 1
    assert ((found - x).abs().max() <= 0.1 + 1e-12) == project
    start = pgd(network, x, y, 0.1, 0.07, 0, seeded(), project)
    noise = (torch.rand(x.shape, generator=seeded(), dtype=x.dtype) * 2 - 1) * 0.1
    torch.testing.assert_close(start, (x + noise).clamp(0, 1))


@pytest.mark.parametrize("classes", [2, 5])
def test_carlini_wagner_meets_a_boundary_of_a_linear_model_at_the_nearest_point(classes):
    """To class j it is (Z_y - Z_j) / ||w_y - w_j|| away; the walk goes to the class that is next in logits."""
    network, x = linear(classes), grey(6)
    network.bias = -network.weight.sum(dim=1) / 2  # every class ties at mid grey, so the boundaries are near
    logits = network(x)
    y = logits.argmax(dim=1)
    gap = logits.gather(1, y[:, None]) - logits
    length = (network.weight[y][:, None] - network.weight).norm(dim=2)
    exact = torch.where(length > 0, gap / length, torch.inf)
    found = carlini_wagner(network, x, y, steps=600, searches=9, learning_rate=0.005)
    distance = (found - x).flatten(1).norm(dim=1)
    assert (network(found).argmax(dim=1) != y).all()
    reached = network(found).scatter(1, y[:, None], -torch.inf).argmax(dim=1)
    torch.testing.assert_close(distance, exact.gather(1, reached[:, None]).squeeze(1), rtol=0.02, atol=0)
    assert (distance >= exact.amin(dim=1) - 1e-6).all()


def test_confidence_is_the_margin_that_is_reached():
    network, x = linear(4), grey(6)
    y = network(x).argmax(dim=1)
    near, far = (carlini_wagner(network, x, y, kappa, steps=300, searches=6) for kappa in (0.0, 0.5))
    assert (label_margin(network(far), y) <= -0.5).all()
    assert (label_margin(network(near), y) > -0.5).all()
    assert ((far - x).flatten(1).norm(dim=1) > (near - x).flatten(1).norm(dim=1)).all()


def test_an_image_that_no_c_moves_comes_back_as_it_was():
    network, x = linear(), grey(3)
    y, _ = attacked(network, x)
    network.bias[0] += 1e6 * (1 - 2 * y[0])  # the first label can never be left, and the same holds for its class
    found = carlini_wagner(network, x, network(x).argmax(dim=1), steps=20, searches=2)
    assert torch.equal(found, x)


@pytest.fixture
def victim(tasks, victim_of, splits_of):
    """The tiny classification victim in double precision with 8 images of which it is right."""
    task = tasks["classification"]
    network, test = victim_of(task).double(), splits_of(task).test
    right = network(test.pixels().double()).argmax(dim=1) == test.targets
    return network, test.pixels()[right][:8].double(), test.targets[right][:8]


def test_foolbox_agrees_on_pgd(victim):
    network, x, y = victim
    oracle = foolbox.attacks.LinfPGD(abs_stepsize=0.03, steps=7, random_start=False)
    theirs, _, _ = oracle(foolbox.PyTorchModel(network, bounds=(0, 1), device="cpu"), x, y, epsilons=0.1)
    torch.testing.assert_close(pgd(network, x, y, 0.1, 0.03, 7, seeded(), start=False), theirs)
    oracle = foolbox.attacks.FGSM(random_start=False)
    theirs, _, _ = oracle(foolbox.PyTorchModel(network, bounds=(0, 1), device="cpu"), x, y, epsilons=0.05)
    torch.testing.assert_close(fgsm(network, x, y, 0.05, seeded(), start=False), theirs)


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_foolbox_agrees_on_carlini_wagner_image_by_image(victim, confidence):
    """One image at a time, so that its early abort, which is the batch's, is the image's."""
    network, x, y = victim
    x, y = x[:4], y[:4]
    oracle = foolbox.attacks.L2CarliniWagnerAttack(4, 60, 0.01, confidence, 0.05)
    model = foolbox.PyTorchModel(network, bounds=(0, 1), device="cpu")
    theirs = torch.cat([oracle(model, x[[n]], y[[n]], epsilons=None)[0] for n in range(len(x))])
    ours = carlini_wagner(network, x, y, confidence, 0.01, 60, 4, 0.05)
    distance = (theirs - x).flatten(1).norm(dim=1)
    assert (distance > 0).any()
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("attack", ["pgd", "cw"])
def test_a_batch_is_each_image_alone_and_weights_collect_nothing(victim, attack):
    network, x, y = victim
    network.requires_grad_(True)

    def run(x: Tensor, y: Tensor) -> Tensor:
        if attack == "cw":
            return carlini_wagner(network, x, y, steps=40, searches=3, c=0.5)
        return pgd(network, x, y, 0.1, 0.02, 5, seeded(), start=False)

    with torch.no_grad():
        together = run(x, y)
    alone = torch.cat([run(x[[n]], y[[n]]) for n in range(len(x))])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-9)
    assert not together.requires_grad and all(weight.grad is None for weight in network.parameters())


def test_attacks_take_the_label_away_from_a_network(victim):
    network, x, y = victim
    found = pgd(network, x, y, 0.2, 0.05, 20, seeded())
    assert (network(found).argmax(dim=1) != y).double().mean() > 0.8
    near = carlini_wagner(network, x, y, steps=200, searches=4, c=1.0)
    assert (network(near).argmax(dim=1) != y).all()
    assert ((near - x).flatten(1).norm(dim=1) < (found - x).flatten(1).norm(dim=1)).all()
