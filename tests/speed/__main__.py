"""`make speed`: the design's bars as ratios, measured interleaved on one thread; exit code 1 if one is missed."""

from __future__ import annotations

import statistics
import sys
import time

import torch

from tests.speed import crafting, training, verifying
from tests.speed.ratio import Equality, Row


def line(row: Row | Equality) -> str:
    verdict = "" if row.holds else "   MISSED"
    if isinstance(row, Equality):
        return f"{row.name:<45} {'':>10} {'':>10} {row.difference:>9.1e} {f'<= {row.bound:.0e}':>8}{verdict}"
    bar = "-" if row.bar is None else f">= {row.bar:g}"
    note = f"   {row.note}" if row.note else ""
    slow, fast = statistics.median(row.race.slow), statistics.median(row.race.fast)
    return f"{row.name:<45} {slow:>9.3f}s {fast:>9.3f}s {row.race.ratio:>8.2f}x {bar:>8}{verdict}{note}"


def main() -> int:
    """Prints the table line by line and says whether every bar holds."""
    torch.set_num_threads(1)
    start, missed = time.monotonic(), 0
    print(f"{'medians of interleaved runs, 1 thread':<45} {'baseline':>10} {'ours':>10} {'ratio':>9} {'bar':>8}")
    for part in (crafting, verifying, training):
        for row in part.rows():
            print(line(row), flush=True)
            missed += not row.holds
    print(f"{missed} missed" if missed else "every bar holds", f"({time.monotonic() - start:.0f} s)")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
