"""`make speed`: the bars of speed, as ratios or seconds, on one thread; exit code 1 if one is missed.

`python -m tests.speed scale training` measures these parts alone.
"""

from __future__ import annotations

import sys
import time

import torch

from tests.speed import crafting, scale, training, verifying
from tests.speed.ratio import Line

PARTS = {"scale": scale, "crafting": crafting, "verifying": verifying, "training": training}


def line(row: Line) -> str:
    """A row of the table."""
    cells = "".join(f"{cell:>11}" for cell in row.cells)
    return f"{row.name:<45}{cells}{'' if row.holds else '   MISSED'}{'   ' + row.note if row.note else ''}"


def main() -> int:
    """Prints the table line by line and says whether every bar holds."""
    torch.set_num_threads(1)
    start, missed = time.monotonic(), 0
    print(f"{'medians of interleaved runs, 1 thread':<45}{'baseline':>11}{'ours':>11}{'ratio':>11}{'bar':>11}")
    for part in [PARTS[name] for name in sys.argv[1:] or PARTS]:
        for row in part.rows():
            print(line(row), flush=True)
            missed += not row.holds
    print(f"{missed} missed" if missed else "every bar holds", f"({time.monotonic() - start:.0f} s)")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
