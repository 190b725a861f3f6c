"""All kinds of fault. A scenario injects faults into what lies below an empty folder and returns what came of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmark.store import artefacts as store
from tests.faults import clocks, damaged, disks, hostile, killed, late, locks, racing, reports, saves
from tests.faults.tally import Tally

SCENARIOS: dict[str, Callable[[Path, bool], Tally]] = {
    "killed at a write point: store": killed.store,
    "killed at a write point: job in the executor": killed.job,
    "killed at a write point: worker process": killed.worker,
    "killed: starter of the workers": killed.starter,
    "killed at a write point: report": reports.killed,
    "full disk: store": disks.full_store,
    "full disk: experiment": disks.full_run,
    "full disk: report": reports.refused,
    "read-only disk: store": disks.closed_store,
    "read-only disk: experiment": disks.closed_run,
    "broken disk: store": disks.broken_store,
    "clock backwards: store": clocks.store,
    "clock backwards: experiment": clocks.run,
    "stale lock of another host: store": locks.stale,
    "stale lock of another host: experiment": locks.stale_run,
    "file system without locks": locks.lockless,
    "late visibility (NFS)": late.store,
    "damaged files: store": damaged.store,
    "damaged files: experiment": damaged.run,
    "pipes, devices, links, modules in it: store": hostile.files,
    "forged manifests: store": hostile.manifests,
    "the same after the first look: store": hostile.after,
    "something in the store's own places": hostile.ways,
    "damaged before the report: experiment": damaged.reported,
    "damaged saves of a training": saves.damaged,
    "killed at a write point: saves of a training": saves.killed,
    "8 processes racing": racing.store,
    "8 processes racing, killed at random": racing.killing,
    "experiments racing": racing.runs,
}


@contextmanager
def quiet() -> Iterator[None]:
    """The store's warnings of damage are expected here, and shorter patience is enough."""
    log, patience = logging.getLogger(store.__name__), store.LATE
    level = log.level
    log.setLevel(logging.ERROR)
    store.LATE = 1.0
    try:
        yield
    finally:
        log.setLevel(level)
        store.LATE = patience
