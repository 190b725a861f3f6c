"""The runs of a sweep side by side: one table out of each run's summary."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from filelock import FileLock

LONGEST = 150  # letters of a folder's name; file systems allow 255 bytes


def folder_name(overrides: Sequence[str]) -> str:
    """A run's folder within its sweep: its overrides, cut short and told apart by a checksum where they are many."""
    name = ",".join(sorted(overrides)).replace("/", "_")
    return name if len(name) <= LONGEST else f"{name[:LONGEST]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def join(folder: Path) -> Path:
    """Writes `sweep.csv` into the sweep's folder: every run's summary.csv, first the overrides in which runs differ.

    Args:
        folder: has one report a run; each manifest.json lists the run's `overrides`.
    """
    with FileLock(folder / ".lock", fallback_to_soft=False):  # runs of a sweep may end at the same time
        return _join(folder)


def _join(folder: Path) -> Path:
    runs = sorted(path.parent for path in folder.glob("*/summary.csv"))
    chosen = [_overrides(run) for run in runs]
    keys = sorted({key for one in chosen for key in one if len({other.get(key) for other in chosen}) > 1})
    parts = []
    for run, one in zip(runs, chosen, strict=True):
        summary = pd.read_csv(run / "summary.csv")
        for place, key in enumerate(keys):
            summary.insert(place, f"override {key}", one.get(key, ""))
        parts.append(summary)
    target = folder / "sweep.csv"
    draft = target.with_suffix(".tmp")
    pd.concat(parts, ignore_index=True).to_csv(draft, index=False, lineterminator="\n")
    draft.replace(target)
    return target


def _overrides(run: Path) -> dict[str, str]:
    listed = json.loads((run / "manifest.json").read_text(encoding="utf-8"))["overrides"]
    pairs = (str(item).partition("=") for item in listed)
    return {key: value for key, _, value in pairs}
