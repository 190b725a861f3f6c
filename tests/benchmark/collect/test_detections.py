"""Detectors in an experiment: what they are given, which rows come out, and which jobs they share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from torch import Tensor

from benchmark.access.channels import Channel
from benchmark.data.base import Splits
from benchmark.errors import Inapplicable
from benchmark.networks.network import Network
from benchmark.plan.plan import plan
from benchmark.plan.reading import read
from benchmark.plan.stealth import DetectionJob, DetectorJob
from benchmark.run.bench import Bench
from benchmark.stealth.base import Detector
from benchmark.store.artefacts import Store
from benchmark.tasks.base import Task
from tests.builder import AS_MADE, configuration
from tests.stores import Done, carried_out


class Brightness(Detector, name="detector/test_brightness"):
    """Distance of an image's mean from that of the training images; thresholds 0.1 and the largest clean distance."""

    asks_victim: ClassVar[bool] = False

    def fit(self, data: Splits, seed: int) -> dict[str, Tensor]:
        return {"mean": data.train.pixels().mean()}

    def distances(self, state: Mapping[str, Tensor], victim: Network | None, x: Tensor) -> Tensor:
        return (x.mean(dim=(1, 2, 3)) - state["mean"]).abs()

    def thresholds(self, clean: Tensor) -> dict[str, float]:
        return {"tenth": 0.1, "largest": clean.max().item()}


class Refuses(Brightness, name="detector/test_refuses"):
    """A detector that needs the victim and applies to nothing."""

    asks_victim: ClassVar[bool] = True

    def inapplicable(self, task: Task) -> str:
        return "this detector applies to nothing"


class Asks(Brightness, name="detector/test_asks"):
    """The distance is the square of ten times the victim's largest logit, far beyond 1."""

    asks_victim: ClassVar[bool] = True

    def distances(self, state: Mapping[str, Tensor], victim: Network | None, x: Tensor) -> Tensor:
        assert victim is not None
        return (10 * victim(x).amax(dim=1)) ** 2


class Lost(Brightness, name="detector/test_lost"):
    """A detector that finds out at work that it cannot be fitted."""

    def fit(self, data: Splits, seed: int) -> dict[str, Tensor]:
        raise Inapplicable("the images are all alike")


class Dark(Channel, name="channel/test_dark"):
    """Pictures arrive at half their brightness."""

    def query(self, x: Tensor) -> Tensor:
        return x / 2


CHANNELS = {**AS_MADE, "dark": {"_target_": "channel/test_dark"}}


def watched(folder: Path | str = "nowhere") -> dict:
    detectors = {name: {"_target_": f"detector/test_{name}"} for name in ("brightness", "refuses", "asks", "lost")}
    return configuration(folder, detector=detectors, channel=CHANNELS, gallery=0)


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Done:
    found = carried_out(watched(tmp_path_factory.mktemp("watched")))
    assert not found.failures
    return found


def test_one_fit_a_detector_one_detection_a_set_of_prints_and_channel():
    jobs = plan(read(watched()))
    fitted = {job.name: job for job in jobs.of_kind(DetectorJob)}
    assert set(fitted) == {"brightness", "asks", "lost"}
    assert fitted["brightness"].parents == {} and set(fitted["asks"].parents) == {"victim"}
    assert len(jobs.of_kind(DetectionJob)) == 12  # three detectors, two repeats, two channels
    other = watched()
    digits = other["task"]["digits"]
    other["task"]["digits"] = digits | {"training": {**digits["training"], "epochs": 2}}
    moved = {job.name: job.key for job in plan(read(other)).of_kind(DetectorJob)}
    assert moved["brightness"] == fitted["brightness"].key  # it never sees the victim
    assert moved["asks"] != fitted["asks"].key


def test_rates_are_those_of_the_distances(done):
    rows, seen = done.findings.detections, done.findings.distances.query("detector == 'brightness'")
    clean = seen[seen["fingerprint"] == ""]
    applied = rows[rows["detector"] == "brightness"]
    assert len(applied) == 8 and set(applied["threshold"]) == {"tenth", "largest"}
    assert len(clean) == 400 and set(clean["channel"]) == {""}
    for _, row in applied.iterrows():
        mine = seen[(seen["repeat"] == row["repeat"]) & (seen["channel"] == row["channel"])]
        prints = mine[mine["fingerprint"] == "random"]
        assert len(prints) == row["n"] == 10
        assert row["rate"] == (prints["distance"] > row["value"]).mean()
        assert row["clean_rate"] == pytest.approx((clean["distance"] > row["value"]).mean(), abs=2e-3)
        one, other = prints["distance"].to_numpy()[:, None], clean["distance"].to_numpy()
        above = (one > other).mean() + (one == other).mean() / 2  # these prints are test images themselves
        assert row["auroc"] == pytest.approx(above, abs=1e-3)


def test_each_channel_has_distances_of_its_own(done):
    seen = done.findings.distances.query("detector == 'brightness' and fingerprint == 'random' and repeat == 1")
    stored = done.store.open(done.job("random prints, repeat 1").key).tensors("prints.safetensors")
    means = stored["samples"].mean(dim=(1, 2, 3)).numpy()
    training = done.plan.experiment.tasks["digits"].data.load().train.pixels().mean().item()
    for name, share in (("as_made", 1.0), ("dark", 0.5)):
        found = seen.loc[seen["channel"] == name, "distance"]
        assert found.tolist() == pytest.approx(np.abs(share * means - training), abs=1e-6)


def test_a_detector_that_does_not_apply_says_why_for_every_channel(done):
    rows = done.findings.detections.query("detector == 'refuses'")
    assert len(rows) == 4 and (rows["reason"] == "this detector applies to nothing").all() and rows["rate"].isna().all()
    assert sorted(rows["channel"]) == sorted([*CHANNELS] * 2)


def test_a_detector_that_could_not_be_fitted_says_why_for_every_channel_and_has_no_distances(done):
    rows = done.findings.detections.query("detector == 'lost'")
    assert len(rows) == 4 and (rows["reason"] == "the images are all alike").all() and rows["rate"].isna().all()
    assert sorted(rows["channel"]) == sorted([*CHANNELS] * 2)
    assert "lost" not in set(done.findings.distances["detector"])


def test_thresholds_come_from_validation_images_and_false_alarms_from_test_images(done):
    job = done.job("detector brightness")
    clean = done.store.open(job.key).tensors("clean.safetensors")
    data = job.task.data.load()
    mean = data.train.pixels().mean()
    for name, part in (("valid", data.valid), ("test", data.test)):
        expected = (part.pixels().mean(dim=(1, 2, 3)) - mean).abs()
        assert np.allclose(np.sort(clean[name]), np.sort(expected), atol=1e-6)


def test_a_detector_that_asks_no_victim_is_fitted_before_there_is_one(tmp_path):
    jobs = plan(read(watched(tmp_path)))
    job = next(job for job in jobs.of_kind(DetectorJob) if not job.parents)
    Bench(Store(tmp_path / "store"), jobs.experiment.trainer).do(job)
    assert Store(tmp_path / "store").open(job.key).tensors("state.safetensors").keys() == {"mean"}
