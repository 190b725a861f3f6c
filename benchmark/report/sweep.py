"""The runs of a sweep side by side: one table out of each run's summary."""

from __future__ import annotations

from pathlib import Path

import pandas as pd


def join(folder: Path) -> Path:
    """Writes `sweep.csv` into the sweep's folder: every run's summary.csv, its overrides as the first columns.

    Args:
        folder: has one folder a run, named by its overrides (`key=value,key=value`), each with a summary.csv.
    """
    runs = sorted(path.parent for path in folder.glob("*/summary.csv"))
    table = pd.concat([_run(run) for run in runs], ignore_index=True)
    target = folder / "sweep.csv"
    draft = target.with_suffix(".tmp")
    table.to_csv(draft, index=False, lineterminator="\n")
    draft.replace(target)
    return target


def _run(folder: Path) -> pd.DataFrame:
    summary = pd.read_csv(folder / "summary.csv")
    overrides = [part.partition("=") for part in folder.name.split(",") if "=" in part]
    for place, (key, _, value) in enumerate(overrides):
        summary.insert(place, key, value)
    return summary
