"""`make faults`: every scenario at full length, a row each; exit code 1 if anything was lost, made twice or wrong."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from tests.faults.scenarios import SCENARIOS, quiet
from tests.faults.tally import Tally, total


def line(name: str, tally: Tally, seconds: float) -> str:
    """A row of the table."""
    counts = "".join(f"{count:>11}" for count in (tally.injected, tally.lost, tally.duplicated, tally.wrong))
    verdict = "" if tally.clean else "   NOT INJECTED" if not tally.injected else "   MISSED"
    return f"{name:<46}{counts}{seconds:>9.1f} s{verdict}{'   ' + tally.note if tally.note else ''}"


def main() -> int:
    """Prints the table row by row and says whether the store kept its promise."""
    torch.set_num_threads(1)
    print(f"{'fault':<46}{'injected':>11}{'lost':>11}{'duplicated':>11}{'wrong':>11}{'time':>11}", flush=True)
    tallies, start = [], time.monotonic()
    for name, scenario in SCENARIOS.items():
        begin = time.monotonic()
        with TemporaryDirectory() as folder, quiet():
            tallies.append(scenario(Path(folder), True))
        print(line(name, tallies[-1], time.monotonic() - begin), flush=True)
    whole = total(tallies)
    print(line("total", Tally(whole.injected, whole.lost, whole.duplicated, whole.wrong), time.monotonic() - start))
    return int(not (whole.clean and all(tally.clean or tally.note for tally in tallies)))


if __name__ == "__main__":
    sys.exit(main())
