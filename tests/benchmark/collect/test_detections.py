"""Detectors in an experiment: what they are given, which rows come out, and which jobs they share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from benchmark.plan.jobs import DetectionJob, DetectorJob
from torch import Tensor

from benchmark.cli.command import run
from benchmark.data.base import Splits
from benchmark.networks.network import Network
from benchmark.plan.experiment import read
from benchmark.plan.plan import plan
from benchmark.run.bench import Workshop
from benchmark.stealth.base import Detector
from benchmark.store.artefacts import Store
from benchmark.tasks.base import Task
from tests.benchmark.run.test_local import config


class Brightness(Detector, name="test/brightness"):
    """Distance of an image's mean from that of the training images; thresholds 0.1 and the largest clean distance."""

    asks_victim: ClassVar[bool] = False

    def fit(self, data: Splits, seed: int) -> dict[str, Tensor]:
        return {"mean": data.train.pixels().mean()}

    def distances(self, state: Mapping[str, Tensor], victim: Network | None, x: Tensor) -> Tensor:
        return (x.mean(dim=(1, 2, 3)) - state["mean"]).abs()

    def thresholds(self, clean: Tensor) -> dict[str, float]:
        return {"tenth": 0.1, "largest": clean.max().item()}


class Refuses(Brightness):
    """A detector that needs the victim and applies to nothing."""

    asks_victim: ClassVar[bool] = True

    def inapplicable(self, task: Task) -> str:
        return "this detector applies to nothing"


class Asks(Brightness):
    """The distance is the square of ten times the victim's largest logit, far beyond 1."""

    asks_victim: ClassVar[bool] = True

    def distances(self, state: Mapping[str, Tensor], victim: Network | None, x: Tensor) -> Tensor:
        assert victim is not None
        return (10 * victim(x).amax(dim=1)) ** 2


def watched(folder: Path) -> dict:
    detectors = {kind.__name__.lower(): {"_target_": f"{__name__}.{kind.__name__}"} for kind in DETECTORS}
    return config(folder, detector=detectors, gallery=0)


DETECTORS = (Brightness, Refuses, Asks)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("watched")
    assert run(watched(folder)) == 0
    return folder


def test_one_fit_a_detector_one_detection_a_set_of_prints(tmp_path):
    jobs = plan(read(watched(tmp_path)))
    fitted = {job.name: job for job in jobs.of_kind(DetectorJob)}
    assert set(fitted) == {"brightness", "asks"}
    assert fitted["brightness"].parents == {} and set(fitted["asks"].parents) == {"victim"}
    assert len(jobs.of_kind(DetectionJob)) == 4  # two detectors, two repeats
    other = watched(tmp_path)
    digits = other["task"]["digits"]
    other["task"]["digits"] = digits | {"training": {**digits["training"], "epochs": 2}}
    moved = {job.name: job.key for job in plan(read(other)).of_kind(DetectorJob)}
    assert moved["brightness"] == fitted["brightness"].key  # it never sees the victim
    assert moved["asks"] != fitted["asks"].key


def test_rates_are_those_of_the_distances(finished):
    rows = pd.read_csv(finished / "results/mini/detections.csv")
    seen = pd.read_csv(finished / "results/mini/distances.csv", keep_default_na=False, na_values=[""])
    seen["fingerprint"] = seen["fingerprint"].fillna("")
    applied = rows[rows["detector"] == "brightness"]
    assert len(applied) == 4 and set(applied["threshold"]) == {"tenth", "largest"}
    for _, row in applied.iterrows():
        mine = seen[(seen["detector"] == "brightness") & (seen["repeat"] == row["repeat"])]
        prints = mine[mine["fingerprint"] == "random"]
        clean = mine[mine["fingerprint"] == ""] if row["repeat"] == 0 else seen[seen["fingerprint"] == ""]
        clean = clean[clean["detector"] == "brightness"]
        assert len(prints) == 10 and len(clean) == 400
        assert row["rate"] == (prints["distance"] > row["value"]).mean()
        assert row["clean_rate"] == pytest.approx((clean["distance"] > row["value"]).mean(), abs=2e-3)
        one, other = prints["distance"].to_numpy()[:, None], clean["distance"].to_numpy()
        above = (one > other).mean() + (one == other).mean() / 2  # these prints are test images themselves
        assert row["auroc"] == pytest.approx(above, abs=1e-3)
        assert np.allclose(prints["distance"], prints["distance_8bit"], atol=1e-3)  # real pixels are 8-bit already


def test_a_detector_that_does_not_apply_says_why(finished):
    rows = pd.read_csv(finished / "results/mini/detections.csv").query("detector == 'refuses'")
    assert len(rows) == 2 and (rows["reason"] == "this detector applies to nothing").all() and rows["rate"].isna().all()


def test_thresholds_come_from_validation_images_and_false_alarms_from_test_images(finished):
    jobs = plan(read(watched(finished)))
    job = next(job for job in jobs.of_kind(DetectorJob) if job.name == "brightness")
    clean = Store(finished / "store").open(job.key).tensors("clean.safetensors")
    data = job.task.data.load()
    mean = data.train.pixels().mean()
    for name, part in (("valid", data.valid), ("test", data.test)):
        expected = (part.pixels().mean(dim=(1, 2, 3)) - mean).abs()
        assert np.allclose(np.sort(clean[name]), np.sort(expected), atol=1e-6)


def test_a_detector_that_asks_no_victim_is_fitted_before_there_is_one(tmp_path):
    jobs = plan(read(watched(tmp_path)))
    job = next(job for job in jobs.of_kind(DetectorJob) if not job.parents)
    Workshop(Store(tmp_path / "store"), jobs.experiment.trainer).do(job)
    assert Store(tmp_path / "store").open(job.key).tensors("state.safetensors").keys() == {"mean"}
