"""What must not suffer from size: planning, the report, look-ups in the store."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import pandas as pd
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from benchmark.plan.experiment import CONF, read
from benchmark.plan.jobs import Job
from benchmark.plan.plan import plan
from benchmark.report import Findings, write
from benchmark.run.local import missing
from benchmark.store import artefacts as store
from benchmark.store.artefacts import Store, manifest
from tests.benchmark.report import conftest as synthetic
from tests.speed.ratio import Duration, Growth, Line, Race, duration

JOBS, ROWS = 10_000, 10_000
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
REPEATS = 9


@cache
def config() -> dict[str, Any]:
    """The digits experiment with so many repeats that it has about 10,000 jobs."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        composed = compose("config", overrides=["experiment=digits", "repeats=21", "name=scratch"])
    return dict(OmegaConf.to_container(composed, resolve=True))  # type: ignore[arg-type]


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
    store.write_json(folder / "quality.json", {"value": 0.5})


def planning(root: Path, count: int) -> Duration:
    """From a composed configuration to the list of what is left to do: nothing."""

    def run() -> None:
        assert missing(plan(read(config())), Store(root)) == []

    return duration(f"planning {count} jobs, all in the store", run, bar=5.0)


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
    """Three tasks, nine verifiers of eight methods, forty suspects, nine repeats, with all that a report can hold."""
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
            write(found, Path(folder) / "report", CONF.parent / "results" / "published")

    return duration(f"report of {len(found.scores)} score rows", run, bar=30.0)


def rows() -> Iterator[Line]:
    jobs = plan(read(config())).jobs
    assert len(jobs) >= JOBS
    with filled(jobs[: SIZES[0]]) as small, filled(jobs[: SIZES[1]]) as middle, filled(jobs) as large:
        yield planning(large, len(jobs))
        stores = dict(zip(SIZES, (small, middle, large), strict=True))
        keys = {size: [job.key for job in jobs[:size]] for size in SIZES}
        for warm in (False, True):
            yield looking_up(stores, keys, warm)
    yield report()
