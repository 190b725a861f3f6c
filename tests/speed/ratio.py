"""Rows of the table: ratios of two ways to do a thing, interleaved so that the machine's mood meets both; seconds."""

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

    @property
    def cells(self) -> tuple[str, ...]:
        """Baseline, ours, ratio and bar, as the table prints them."""
        slow, fast = statistics.median(self.race.slow), statistics.median(self.race.fast)
        bar = "-" if self.bar is None else f">= {self.bar:g}"
        return f"{slow:.3f}s", f"{fast:.3f}s", f"{self.race.ratio:.2f}x", bar


@dataclass(frozen=True)
class Equality:
    """The largest difference between two results that should be the same."""

    name: str
    difference: float
    bound: float = 1e-5
    note: str = ""

    @property
    def holds(self) -> bool:
        return self.difference <= self.bound

    @property
    def cells(self) -> tuple[str, ...]:
        return "", "", f"{self.difference:.1e}", f"<= {self.bound:.0e}"


@dataclass(frozen=True)
class Duration:
    """Seconds that something takes at most; the best of a few runs, for others on the machine only add to it."""

    name: str
    seconds: float
    bar: float
    note: str = ""

    @property
    def holds(self) -> bool:
        return self.seconds <= self.bar

    @property
    def cells(self) -> tuple[str, ...]:
        return "", f"{self.seconds:.2f}s", "", f"<= {self.bar:g}s"


@dataclass(frozen=True)
class Memory:
    """GiB that something takes at most."""

    name: str
    gib: float
    bar: float
    note: str = ""

    @property
    def holds(self) -> bool:
        return self.gib <= self.bar

    @property
    def cells(self) -> tuple[str, ...]:
        return "", f"{self.gib:.2f}GiB", "", f"<= {self.bar:g}GiB"


@dataclass(frozen=True)
class Surplus:
    """Milliseconds that a step of ours takes longer than the baseline's, in the best laps: others only add to them."""

    name: str
    race: Race
    steps: int
    bar: float
    note: str = ""

    @property
    def milliseconds(self) -> float:
        return 1000 * (min(self.race.fast) - min(self.race.slow)) / self.steps

    @property
    def holds(self) -> bool:
        return self.milliseconds <= self.bar

    @property
    def cells(self) -> tuple[str, ...]:
        return (
            f"{min(self.race.slow):.3f}s",
            f"{min(self.race.fast):.3f}s",
            f"{self.milliseconds:+.2f}ms",
            f"<= {self.bar:g}ms",
        )


@dataclass(frozen=True)
class Growth:
    """How the time of one small act grows between a small and a large setting."""

    name: str
    race: Race  # the large setting as `slow`, the small one as `fast`; seconds of one act
    bar: float
    note: str = ""

    @property
    def holds(self) -> bool:
        return self.race.ratio <= self.bar

    @property
    def cells(self) -> tuple[str, ...]:
        fast, slow = (1e6 * statistics.median(laps) for laps in (self.race.fast, self.race.slow))
        return f"{fast:.1f}us", f"{slow:.1f}us", f"{self.race.ratio:.2f}x", f"<= {self.bar:g}"


Line = Row | Equality | Duration | Memory | Surplus | Growth


def race(
    name: str, slow: Callable[[], object], fast: Callable[[], object], bar: float | None, laps: int = 3, note: str = ""
) -> Row:
    """Runs both in turns, after one lap to warm up; where the bar is missed, twice as many laps again and all count."""
    slow(), fast()
    row = Row(name, Race([], []), bar, note)
    for more in (laps, 2 * laps):
        for _ in range(more):
            row.race.slow.append(seconds(slow))
            row.race.fast.append(seconds(fast))
        if row.holds:
            break
    return row


def duration(name: str, run: Callable[[], object], bar: float, laps: int = 3, note: str = "") -> Duration:
    """Runs it until the bar is held, `laps` times at most."""
    row = Duration(name, seconds(run), bar, note)
    for _ in range(laps - 1):
        if row.holds:
            break
        row = Duration(name, min(row.seconds, seconds(run)), bar, note)
    return row


def seconds(run: Callable[[], object]) -> float:
    """What one run takes, the garbage collected before."""
    gc.collect()
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
