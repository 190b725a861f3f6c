"""What must not suffer from size: planning, packing for a queue, the store, the report."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

from benchmark.paths import ROOT
from benchmark.plan.job import Job
from benchmark.plan.plan import plan
from benchmark.plan.reading import read
from benchmark.report import data
from benchmark.report.results import redraw
from benchmark.run.executor import missing
from benchmark.store import artefacts as store
from benchmark.store import manifest
from benchmark.store.artefacts import Store
from tests.builder import composed
from tests.speed.alone import alone
from tests.speed.ratio import Duration, Growth, Line, Memory, Race, duration

MANY = 100_000
VICTIMS_OF_MANY = 20  # of the digits experiment have so many jobs
SIZES = (100, 1_000, 10_000)
LOOKS = 100  # look-ups in a lap
LAPS = 15


def config() -> dict[str, Any]:
    """The digits experiment with so many victims that it has about 10,000 jobs."""
    return composed("experiment=digits", "victims=2", "name=scratch")


@contextmanager
def filled(jobs: Sequence[Job]) -> Iterator[Path]:
    """A store that has a small complete artefact for each job."""
    with TemporaryDirectory() as folder:
        # nothing of it has to outlive a power cut
        with mock.patch.object(manifest, "sync"), mock.patch.object(store, "sync"):
            place = Store(folder)
            for job in jobs:
                place.make(job.key, job.spec, job.parents, _build, role=job.title)
        yield Path(folder)


def _build(folder: Path) -> None:
    (folder / "measured.safetensors").write_bytes(bytes(4000))
    store.write_json(folder / "cost.json", {"seconds": 0.5})


def queueing() -> Iterator[Line]:
    """A hundred thousand jobs, from the experiment to Slurm's door."""
    rows: list[Line] = []
    for _ in range(3):
        found = alone("plan_and_pack", str(VICTIMS_OF_MANY))
        jobs, note = int(found["jobs"]), f"{found['tasks']:.0f} tasks, {found['arrays']:.0f} calls of sbatch"
        assert jobs >= MANY
        rows = [
            Duration(f"planning {jobs} jobs", found["planning"], bar=30.0),
            Duration("packing them for Slurm's queue", found["packing"], bar=10.0, note=note),
            Memory("both", found["gib"], bar=2.0),
        ]
        if all(row.holds for row in rows):
            break
    yield from rows


def warm_start(root: Path, count: int) -> Duration:
    """A new process that meets every artefact: sizes and times are checked."""

    def run() -> None:
        assert alone("find_all", str(root)) == {"found": count}

    return duration(f"a new process finds {count} artefacts", run, bar=5.0)


def planning(root: Path, count: int) -> Duration:
    """From a composed configuration to the list of what is left to do: nothing."""

    def run() -> None:
        planned = plan(read(config()))
        assert len(missing(planned, Store(root))) == len(planned.jobs) - count

    return duration(f"planning, {count} of its jobs in the store", run, bar=5.0)


def looking_up(stores: dict[int, Path], keys: dict[int, list[str]], warm: bool) -> Line:
    """Seconds of one `find`: by a store object that has not met the artefact, or that has."""
    chooser, laps = random.Random(0), {size: [0.0] * 0 for size in SIZES}
    for _ in range(LAPS):
        for size in SIZES:
            wanted, place = chooser.sample(keys[size], LOOKS), Store(stores[size])
            if warm:
                _seconds_of_a_find(place, wanted)
            laps[size].append(_seconds_of_a_find(place, wanted))
    small, middle, large = (laps[size] for size in SIZES)
    between = 1e6 * sorted(middle)[LAPS // 2]
    name = f"store look-up, {'warm' if warm else 'fresh'} object, {SIZES[0]} / {SIZES[2]} artefacts"
    return Growth(name, Race(large, small), bar=1.5, note=f"{between:.1f}us with {SIZES[1]}")


def _seconds_of_a_find(place: Store, wanted: list[str]) -> float:
    start = time.perf_counter()
    for key in wanted:
        assert place.find(key)
    return (time.perf_counter() - start) / len(wanted)


def report() -> Duration:
    """Everything below results/, figures too, from csv and pictures of prints."""
    digits, published = ROOT / "results" / "digits", ROOT / "results" / "published"

    def run() -> None:
        with TemporaryDirectory() as folder:
            data.copy(digits, Path(folder) / "digits")
            redraw(Path(folder) / "digits", published)

    return duration("redrawing results/digits", run, bar=30.0)


def rows() -> Iterator[Line]:
    yield from queueing()
    jobs = plan(read(config())).jobs[: SIZES[-1]]
    assert len(jobs) == SIZES[-1]
    with filled(jobs[: SIZES[0]]) as small, filled(jobs[: SIZES[1]]) as middle, filled(jobs) as large:
        yield warm_start(large, len(jobs))
        yield planning(large, len(jobs))
        stores = dict(zip(SIZES, (small, middle, large), strict=True))
        keys = {size: [job.key for job in jobs[:size]] for size in SIZES}
        for warm in (False, True):
            yield looking_up(stores, keys, warm)
    yield report()
