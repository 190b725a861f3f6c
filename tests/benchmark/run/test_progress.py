"""The time left that a waiting person is told: not before it can be known, and then about right."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass

import pytest

from benchmark.run import progress
from benchmark.run.progress import Estimate, doing

LIKES = {"finetune": 40.0, "retrain": 70.0, "weight_pruning": 0.5, "independent": 60.0}
METHODS = {"random": 0.2, "saliency": 90.0, "ipguard": 25.0}


@dataclass(frozen=True)
class Work:
    """As much of a job as an estimate looks at, and what it takes."""

    kind: str
    like: str
    long: bool
    seconds: float


def experiment(tasks: int) -> list[Work]:
    """Jobs in a plan's order: of each task models, then each method's prints and their many short measurements."""
    chance = random.Random(tasks)
    jobs = []
    for _ in range(tasks):
        jobs += [Work("model", like, True, s * chance.uniform(0.7, 1.4)) for like, s in LIKES.items() for _ in range(4)]
        for method, seconds in METHODS.items():
            for _ in range(3):
                jobs.append(Work("prints", method, True, seconds * chance.uniform(0.7, 1.4)))
                jobs += [Work("measure", method, False, chance.uniform(0.02, 0.08)) for _ in range(40)]
    return jobs


def told(jobs: list[Work], workers: int, start: float) -> list[tuple[float, float]]:
    """The time left as it was told and as it was, after each job; the workers come after `start` seconds."""
    now = 0.0
    estimate = Estimate(jobs, workers, lambda: now)
    free, ends = [start] * workers, []
    for job in jobs:
        begun = heapq.heappop(free)
        heapq.heappush(free, begun + job.seconds)
        ends.append((begun + job.seconds, job))
    last = max(end for end, _ in ends)
    found = []
    for now, job in sorted(ends, key=lambda each: each[0]):
        estimate.done(job, job.seconds)
        left = estimate.left()
        if left is not None and now < last:
            found.append((left, last - now))
    return found


@pytest.mark.parametrize("start", [0.0, 30.0])
@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("tasks", [2, 6])
def test_the_first_time_left_is_within_a_factor_of_two(tasks, workers, start):
    left, truth = told(experiment(tasks), workers, start)[0]
    assert 0.5 < left / truth < 2


@pytest.mark.parametrize("workers", [1, 4])
def test_equal_jobs_are_known_by_the_first(workers):
    left, truth = told([Work("model", "retrain", True, 60.0)] * 40, workers, 20.0)[0]
    assert 0.5 < left / truth < 2


def test_nothing_is_told_as_long_as_a_kind_of_long_job_has_not_been_met():
    training, prints, measure = (
        Work("model", "retrain", True, 60),
        Work("prints", "random", True, 1),
        Work("measure", "random", False, 0.1),
    )
    estimate = Estimate([training, prints, measure, measure], 1, lambda: 100.0)
    assert estimate.left() is None
    for job in (training, prints):
        estimate.done(job, job.seconds)
        assert estimate.left() is None
    estimate.done(measure, 0.1)
    assert estimate.left() == pytest.approx(0.1, rel=0.01)


def test_failed_jobs_leave_nothing_to_be_told():
    job = Work("model", "retrain", True, 60)
    estimate = Estimate([job, job], None, lambda: 0.0)
    estimate.done(job, None)
    assert estimate.left() is None


def test_a_step_says_what_it_is_when_it_takes_long_and_is_silent_else(monkeypatch, capsys):
    with doing("quick"):
        pass
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "LINE_EVERY", 0.0)
    with doing("planning"):
        while "planning ..." not in capsys.readouterr().err:
            pass
