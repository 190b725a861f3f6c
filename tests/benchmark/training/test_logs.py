"""The loss of each epoch, where it is asked for: the right numbers, and nothing else changes."""

from __future__ import annotations

import dataclasses
import sys

import pandas as pd
import pytest
import torch

from benchmark.data.base import ImageSet
from benchmark.errors import InputError
from benchmark.plan.plan import plan
from benchmark.plan.reading import read
from benchmark.tasks.base import Training
from benchmark.training import logs
from benchmark.training.checkpoint import Checkpoints
from benchmark.training.trainer import Trainer
from tests.builder import configuration
from tests.stores import carried_out

SHORT = Training(epochs=3, learning_rate=0.01, batch=48)


@pytest.fixture
def train(tasks, splits_of, trainer, tmp_path):
    """Trains the same network on 110 images, which is two batches an epoch, noting each step's loss."""

    def run(logger, checkpoints=None, stop_after=None):
        train = splits_of(tasks["classification"]).train
        torch.manual_seed(0)
        network, steps = tasks["classification"].network(), []

        def loss(network, x, targets):
            if len(steps) == stop_after:
                raise InterruptedError
            value = tasks["classification"].loss(network, x, targets)
            steps.append(value.item())
            return value

        told = dataclasses.replace(trainer, logger=logger, log_dir=str(tmp_path / "logs"))
        small = ImageSet(train.images[:110], train.targets[:110])
        told.fit(network, small, loss, SHORT, 7, checkpoints=checkpoints)
        return network, steps

    return run


def written(folder):
    return [pd.read_csv(path) for path in sorted((folder / "logs").rglob("metrics.csv"))]


def test_csv_has_the_mean_loss_of_each_epoch(train, tmp_path):
    _, steps = train("csv")
    (table,) = written(tmp_path)
    assert table["step"].tolist() == [0, 1, 2]
    assert table["loss"].tolist() == pytest.approx([sum(steps[i : i + 2]) / 2 for i in (0, 2, 4)], rel=1e-6)
    assert (tmp_path / "logs/training/version_0/metrics.csv").exists()


def test_the_network_is_the_same_to_the_bit_with_and_without(train, tmp_path):
    (quiet, _), told = train("none"), train("csv")[0]
    for one, other in zip(quiet.state_dict().values(), told.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_without_it_nothing_is_written(train, tmp_path):
    train("none")
    assert not (tmp_path / "logs").exists()


def test_an_attempt_that_goes_on_counts_its_epochs_on(train, tmp_path):
    with pytest.raises(InterruptedError):
        train("csv", Checkpoints(tmp_path / "saved", 0.0, "digits: suspect x=1"), stop_after=5)
    train("csv", Checkpoints(tmp_path / "saved", 0.0, "digits: suspect x=1"))
    first, second = written(tmp_path)
    assert first["step"].tolist() == [0, 1] and second["step"].tolist() == [2]
    assert [path.name for path in (tmp_path / "logs").iterdir()] == ["digits_suspect_x=1"]


def test_jobs_log_under_their_titles_and_have_the_same_keys(tmp_path):
    told = {"_target_": "trainer/lightning", "device": "cpu", "logger": "csv", "log_dir": str(tmp_path / "logs")}
    quiet = plan(read(configuration(tmp_path)))
    done = carried_out(configuration(tmp_path, trainer=told))
    assert not done.failures and [job.key for job in done.plan.jobs] == [job.key for job in quiet.jobs]
    victim = done.plan.jobs[0]
    assert any(path.name.endswith(f"victim_{victim.key[:8]}") for path in (tmp_path / "logs").iterdir())
    assert all(len(table) == 1 and table["loss"].gt(0).all() for table in written(tmp_path))


def test_tensorboard_that_is_missing_is_one_line_with_the_remedy(monkeypatch):
    monkeypatch.setattr(logs, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"logger: tensorboard is not installed here: pip .*logger=csv"):
        Trainer(logger="tensorboard")
    Trainer(logger="csv")


def test_tensorboard_writes_an_event_file(train, tmp_path):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed here")
    train("tensorboard")
    assert list((tmp_path / "logs" / "training" / "version_0").glob("events.out.tfevents.*"))
    assert "torch.utils.tensorboard" in sys.modules
