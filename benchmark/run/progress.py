"""What a waiting person sees: N of M jobs, a rate and the time left; a live bar on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from benchmark.plan.job import Job

LINE_EVERY = 10.0  # seconds between lines in a log


class Progress:
    """Counts jobs. The time left is the sum over waiting jobs of the mean seconds that their like has taken."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._console = Console(file=sys.stderr)
        self._total, self._done, self._said = len(jobs), 0, 0.0
        self._waiting: dict[tuple[str, str], int] = defaultdict(int)
        for job in jobs:
            self._waiting[(job.kind, job.like)] += 1
        self._spent: dict[tuple[str, str], list[float]] = defaultdict(list)
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
        self._waiting[(job.kind, job.like)] -= 1
        if seconds is not None:
            self._spent[(job.kind, job.like)].append(seconds)
        if self._bar and self._row is not None:
            self._bar.update(self._row, completed=self._done, state=self._state(), description=job.title)
        elif time.monotonic() - self._said > LINE_EVERY:
            self._said = time.monotonic()
            self.say(f"{self._state()}, {'failed' if seconds is None else 'done'}: {job.title}")

    def _state(self) -> str:
        seconds = time.monotonic() - self._start
        rate = f", {self._done / seconds:.1f} jobs/s" if self._done else ""
        return f"{self._done} of {self._total} jobs{rate}{self._left()}"

    def _left(self) -> str:
        """Work left, by what its like has taken, over the share of work that is done in a second of waiting."""
        everything = [seconds for spent in self._spent.values() for seconds in spent]
        if not everything:
            return ""
        by_kind: dict[str, list[float]] = defaultdict(list)
        for (kind, _), spent in self._spent.items():
            by_kind[kind] += spent
        left = sum(
            count * _mean(self._spent.get(like) or by_kind.get(like[0]) or everything)
            for like, count in self._waiting.items()
        )
        speed = sum(everything) / (time.monotonic() - self._start)  # workers beside each other make it more than 1
        return f", {_clock(left / speed)} left"


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
