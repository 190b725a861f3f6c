"""Many minimisations as one batch, against a slow loop over the samples, each alone under torch's own optimiser."""

from __future__ import annotations

import pytest
import torch

from benchmark.crafting.active import minimise
from benchmark.crafting.descent import AdamDescent, SignDescent

# Minima in the box and out of it; sizes of the loss that Adam must not mix; how near the minimum counts as arrived.
GOAL = torch.tensor([[0.5, 0.9], [0.2, 1.4], [0.3, 0.3], [-0.5, 0.6], [0.55, 0.5]], dtype=torch.double)
SIZE = torch.tensor([1e-3, 1.0, 50.0, 1.0, 1.0], dtype=torch.double)
NEAR = torch.tensor([0.05, 0.02, 0.05, 0.09, 0.2], dtype=torch.double)
START = torch.tensor([[0.9, 0.1], [0.5, 0.5], [0.3, 0.32], [0.8, 0.1], [0.1, 0.9]], dtype=torch.double)
RATE = 0.03


def objective(point, active):
    """Each sample's own quartic bowl, and whether both coordinates are near its minimum."""
    apart = point - GOAL[active]
    loss = SIZE[active] * (apart**2 + apart**4).sum(dim=1)
    return loss, (apart.detach().abs() < NEAR[active, None]).all(dim=1)


def alone(number: int, steps: int, optimiser: str, clip: bool):
    """Point, whether it arrived and the steps taken, of one sample."""
    point = START[number].clone().requires_grad_(True)
    adam = torch.optim.Adam([point], lr=RATE)
    for step in range(steps):
        apart = point - GOAL[number]
        if all(abs(value) < NEAR[number] for value in apart.tolist()):
            return point.detach(), True, step
        adam.zero_grad()
        (SIZE[number] * (apart**2 + apart**4).sum()).backward()
        if optimiser == "adam":
            adam.step()
        with torch.no_grad():
            if optimiser == "sign":
                point -= RATE * point.grad.sign()
            if clip:
                point.clamp_(0, 1)
    return point.detach(), False, steps


@pytest.mark.parametrize("steps", [1, 7, 120])
@pytest.mark.parametrize("clip", [True, False])
@pytest.mark.parametrize(("optimiser", "descent"), [("adam", AdamDescent), ("sign", SignDescent)])
def test_each_sample_goes_as_if_it_were_alone(optimiser, descent, clip, steps):
    found = minimise(objective, START, descent(RATE), steps, clip=clip)
    for i in range(len(START)):
        point, arrived, taken = alone(i, steps, optimiser, clip)
        torch.testing.assert_close(found.points[i], point, rtol=0, atol=1e-9)
        assert (bool(found.arrived[i]), int(found.taken[i])) == (arrived, taken)


def test_the_samples_of_these_tests_leave_at_different_times_or_never():
    clipped, free = (minimise(objective, START, AdamDescent(RATE), 120, clip=clip) for clip in (True, False))
    assert clipped.arrived.tolist() == [True, False, True, False, True]  # two minima lie outside the box
    assert len(set(clipped.taken.tolist())) == 4 and clipped.taken[2] == 0
    assert free.arrived.all() and not ((free.points >= 0) & (free.points <= 1)).all()


def test_a_sample_that_has_arrived_is_not_asked_about_again():
    asked = []

    def watched(point, active):
        asked.append(active.tolist())
        return objective(point, active)

    taken = minimise(watched, START, AdamDescent(RATE), 120, clip=False).taken.tolist()
    assert len(asked) == max(taken) + 1  # the last to arrive is looked at once more, and nothing after that
    assert asked == [[i for i in range(len(START)) if taken[i] >= step] for step in range(len(asked))]


def test_the_last_step_s_point_is_returned_as_not_arrived():
    """One step of sign descent brings the sample to its minimum, but nobody looks."""
    start, rate = GOAL[:1] + 0.1, 0.1
    last = minimise(objective, start, SignDescent(rate), 1)
    assert not last.arrived[0] and last.taken.tolist() == [1]
    torch.testing.assert_close(last.points, GOAL[:1])
    seen = minimise(objective, start, SignDescent(rate), 2)
    assert seen.arrived[0] and seen.taken.tolist() == [1] and torch.equal(seen.points, last.points)


def test_the_start_is_left_alone():
    start = START.clone()
    minimise(objective, start, AdamDescent(RATE), 5)
    assert torch.equal(start, START) and not start.requires_grad
