"""What a waiting person sees: N of M jobs, a rate and the time left; a live bar on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from benchmark.plan.job import Job

LINE_EVERY = 10.0  # seconds between lines in a log
READING = (
    30.0  # seconds before a log says that an experiment is read: a mistake in it is one line, on slow machines too
)
Like = tuple[str, str]  # a job's kind, and what it shares with those that take about as long


@contextmanager
def doing(what: str, patience: float | None = None) -> Iterator[None]:
    """Says what is being done inside: at once on a terminal, where it goes again, and in a log when that takes long.

    Args:
        patience: seconds before a log says it, None for LINE_EVERY.
    """
    console = Console(file=sys.stderr)
    if console.is_terminal:
        with console.status(f"{what} ..."):
            yield
        return
    timer = threading.Timer(patience or LINE_EVERY, lambda: print(f"{what} ...", file=sys.stderr, flush=True))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Estimate:
    """The time left: what waiting jobs will take by what their like has taken, over the work done in a second.

    Nothing is said before every long job that waits has had its like, and every other one its kind: from the training
    of a network nobody can tell how long prints will take.

    Args:
        workers: how many jobs are done at a time, None where that is not known.
        clock: seconds.
    """

    def __init__(self, jobs: Sequence[Job], workers: int | None, clock: Callable[[], float]) -> None:
        self._workers, self._clock = workers, clock
        self._waiting: dict[Like, int] = defaultdict(int)
        self._long = {_like(job) for job in jobs if job.long}
        for job in jobs:
            self._waiting[_like(job)] += 1
        self._spent: dict[Like, _Mean] = defaultdict(_Mean)
        self._start: float | None = None

    def done(self, job: Job, seconds: float | None) -> None:
        """Counts a job; `seconds` is what it took, None if it failed."""
        self._waiting[_like(job)] -= 1
        if seconds is not None:
            if self._start is None:
                self._start = self._clock() - seconds  # before that, workers were being started
            self._spent[_like(job)].add(seconds)

    def left(self) -> float | None:
        """Seconds left, None as long as that cannot be told."""
        by_kind: dict[str, _Mean] = defaultdict(_Mean)
        for (kind, _), spent in self._spent.items():
            by_kind[kind].join(spent)
        work = 0.0
        for like, count in self._waiting.items():
            known = self._spent.get(like) or (None if like in self._long else by_kind.get(like[0]))
            if count and not known:
                return None
            work += count * known.total / known.number if known else 0.0
        return work / self._speed(self._clock() - self._start) if self._start is not None else None

    def _speed(self, elapsed: float) -> float:
        """Seconds of work that are done in a second: more than 1 where workers are beside each other."""
        everything = _Mean()
        for spent in self._spent.values():
            everything.join(spent)
        # The others are at jobs of which half is done on the mean; a long one is met more often than a short one.
        under_way = ((self._workers or 1) - 1) * everything.squares / max(2 * everything.total, 1e-9)
        speed = max(everything.total + under_way, 1e-9) / max(elapsed, 1e-9)
        return min(speed, float(self._workers)) if self._workers else speed


@dataclass
class _Mean:
    """Seconds of jobs, summed up."""

    number: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, seconds: float) -> None:
        self.join(_Mean(1, seconds, seconds * seconds))

    def join(self, other: _Mean) -> None:
        self.number += other.number
        self.total += other.total
        self.squares += other.squares


class Progress:
    """Counts jobs, and shows how many are done and how long the rest will take."""

    def __init__(self, jobs: Sequence[Job], workers: int | None = None) -> None:
        self._console = Console(file=sys.stderr)
        self._total, self._done, self._said = len(jobs), 0, 0.0
        self._estimate = Estimate(jobs, workers, time.monotonic)
        self._start = time.monotonic()
        columns = (TextColumn("{task.fields[state]}"), BarColumn(), TextColumn("{task.description}"))
        self._bar = Bar(*columns, console=self._console, transient=True) if self._console.is_terminal else None
        self._row = self._bar.add_task("", total=max(self._total, 1), state=self._state()) if self._bar else None

    def __enter__(self) -> Progress:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._bar:
            self._bar.stop()
        if self._total and kind is None:
            self.say(f"{self._done} of {self._total} jobs in {_clock(time.monotonic() - self._start)}")

    def say(self, line: str) -> None:
        """Prints a line of its own, above the bar if there is one."""
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def done(self, job: Job, seconds: float | None) -> None:
        """Counts a job; `seconds` is what it took, None if it failed."""
        self._done += 1
        self._estimate.done(job, seconds)
        if self._bar and self._row is not None:
            self._bar.update(self._row, completed=self._done, state=self._state(), description=job.title)
        elif time.monotonic() - self._said > LINE_EVERY:
            self._said = time.monotonic()
            self.say(f"{self._state()}, {'failed' if seconds is None else 'done'}: {job.title}")

    def _state(self) -> str:
        seconds = time.monotonic() - self._start
        rate = f", {self._done / seconds:.1f} jobs/s" if self._done else ""
        left = self._estimate.left()
        return f"{self._done} of {self._total} jobs{rate}{'' if left is None else f', {_clock(left)} left'}"


def _like(job: Job) -> Like:
    return job.kind, job.like


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
