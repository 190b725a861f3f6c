"""Ratios of two ways to do the same thing, measured interleaved: the machine's mood meets both alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Race:
    """Seconds of both runners, lap by lap."""

    slow: list[float]
    fast: list[float]

    @property
    def ratio(self) -> float:
        """The median of the laps' ratios: each compares two runs that stood next to one another."""
        return statistics.median(slow / fast for slow, fast in zip(self.slow, self.fast, strict=True))

    @property
    def surplus(self) -> float:
        """The median of how many seconds longer the fast one took."""
        return statistics.median(fast - slow for slow, fast in zip(self.slow, self.fast, strict=True))


@dataclass(frozen=True)
class Row:
    """One line of the table: the ratio must reach `bar`; without a bar it is reported only."""

    name: str
    race: Race
    bar: float | None
    note: str = ""

    @property
    def holds(self) -> bool:
        return self.bar is None or self.race.ratio >= self.bar


@dataclass(frozen=True)
class Equality:
    """The largest difference between two results that should be the same."""

    name: str
    difference: float
    bound: float = 1e-5

    @property
    def holds(self) -> bool:
        return self.difference <= self.bound


def race(
    name: str, slow: Callable[[], object], fast: Callable[[], object], bar: float | None, laps: int = 3, note: str = ""
) -> Row:
    """Runs both in turns, after one lap to warm up; where the bar is missed, twice as many laps again and all count."""
    slow(), fast()
    row = Row(name, Race([], []), bar, note)
    for more in (laps, 2 * laps):
        for _ in range(more):
            row.race.slow.append(_seconds(slow))
            row.race.fast.append(_seconds(fast))
        if row.holds:
            break
    return row


def _seconds(run: Callable[[], object]) -> float:
    gc.collect()
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
