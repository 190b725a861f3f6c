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

import pandas as pd

from benchmark.paths import ROOT
from benchmark.plan.job import Job
from benchmark.plan.plan import plan
from benchmark.plan.reading import read
from benchmark.report import Findings, write
from benchmark.run.executor import missing
from benchmark.store import artefacts as store
from benchmark.store import manifest
from benchmark.store.artefacts import Store
from tests.benchmark.report import conftest as synthetic
from tests.builder import composed
from tests.speed.alone import alone
from tests.speed.ratio import Duration, Growth, Line, Memory, Race, duration

MANY, ROWS = 100_000, 10_000
VICTIMS_OF_MANY = 20  # of the digits experiment have so many jobs
SIZES = (100, 1_000, 10_000)
LOOKS = 100  # look-ups in a lap
LAPS = 15
TASKS = ("digits_class", "digits_angle", "digits_pair")
METHODS = (
    ("saliency", "white", "white box"),
    ("saliency", "black", "probability"),
    *((f"method {number}", "label", "label") for number in range(7)),
)
FAMILIES = {"finetune": 4, "retrain": 4, "weight_pruning": 5, "filter_pruning": 4, "distill": 4, "independent": 20}
ZOO = [(f"{name} {i}", name, name != "independent") for name, count in FAMILIES.items() for i in range(count)]
REPEATS = 5  # with two channels, 10,000 rows and a few


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


def findings() -> Findings:
    """Three tasks, nine verifiers of eight methods, forty suspects, five repeats, two channels, all else there is."""
    names = list(dict.fromkeys(method[0] for method in METHODS))

    def frame(rows: Any, *arguments: Any) -> pd.DataFrame:
        return pd.DataFrame([row for task in TASKS for row in rows(task, *arguments)])

    return Findings(
        "synthetic",
        frame(synthetic.score_rows, REPEATS, METHODS, synthetic.noisy, ZOO),
        frame(synthetic.print_rows, REPEATS, names),
        frame(synthetic.model_rows, ZOO),
        [synthetic.exhibit(task, name, count=4) for task in TASKS for name in names],
        {"failures": []},
        channel=synthetic.CHANNELS[0],
        question="ownership",
        visibility=frame(synthetic.visibility_rows, REPEATS, names),
        detections=frame(synthetic.detection_rows, REPEATS, names),
        distances=frame(synthetic.distance_rows, REPEATS, names, 100),
        ablations=frame(synthetic.ablation_rows, REPEATS, METHODS),
    )


def report() -> Duration:
    """Everything below results/, figures too."""
    found = findings()
    assert len(found.scores) >= ROWS

    def run() -> None:
        with TemporaryDirectory() as folder:
            write(found, Path(folder) / "report", ROOT / "results" / "published")

    return duration(f"report of {len(found.scores)} score rows", run, bar=30.0)


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
