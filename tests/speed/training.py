"""Our training path against Lightning as its manual shows it, and against a plain loop."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator
from functools import cache

import torch
from torch.utils.data import DataLoader, TensorDataset

from benchmark.data.base import ImageSet
from benchmark.networks.network import Network
from benchmark.tasks.base import Training
from benchmark.tasks.classification import Classification
from benchmark.training.fitting import pl
from benchmark.training.trainer import Batches, Trainer
from tests.speed.networks import ARCHITECTURES, digits, digits_task
from tests.speed.ratio import Row, Surplus, race

IMAGES = 18 * 64  # whole batches, so that dropping a smaller last one or not makes the same steps
SMALL = digits_task(ARCHITECTURES["6k CNN"], Training(epochs=3, learning_rate=0.004, batch=32))
WIDE = digits_task(ARCHITECTURES["24k CNN, no stride"], Training(epochs=6, learning_rate=0.004, batch=64))
RESNET = digits_task(ARCHITECTURES["ResNet"], Training(epochs=6, learning_rate=0.004, batch=64))


def fresh(task: Classification) -> Network:
    torch.manual_seed(0)
    return task.network()


@cache
def train_set() -> ImageSet:
    return ImageSet(digits().train.images[:IMAGES], digits().train.targets[:IMAGES])


def steps(task: Classification) -> int:
    return task.training.epochs * IMAGES // task.training.batch


def optimisers(task: Classification, network: Network, **settings: bool):
    rate, decay = task.training.learning_rate, task.training.weight_decay
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=decay, **settings)
    return optimiser, torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps(task))


class Textbook(pl.LightningModule):
    """The module of Lightning's manual, which logs its loss."""

    def __init__(self, task: Classification) -> None:
        super().__init__()
        self.task, self.network = task, fresh(task)

    def training_step(self, batch, _):
        loss = self.task.loss(self.network, *batch)
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self):
        optimiser, schedule = optimisers(self.task, self.network)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


@contextlib.contextmanager
def quiet() -> Iterator[str]:
    """A folder for what Lightning writes, and silence on the terminal."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield folder


def textbook(task: Classification) -> None:
    """A float TensorDataset, DataLoader and Trainer as they come: logger, checkpoint and progress bar on."""
    data = train_set()
    with quiet() as folder:
        loader = DataLoader(TensorDataset(data.pixels(), data.targets), batch_size=task.training.batch, shuffle=True)
        trainer = pl.Trainer(max_epochs=task.training.epochs, accelerator="cpu", default_root_dir=folder)
        trainer.fit(Textbook(task), loader)


def plain(task: Classification) -> None:
    """The same steps without Lightning."""
    network, batches = fresh(task).train(), Batches(train_set(), task.training.batch, torch.Generator().manual_seed(0))
    optimiser, schedule = optimisers(task, network, foreach=True)
    for _ in range(task.training.epochs):
        for x, targets in batches:
            optimiser.zero_grad()
            task.loss(network, x, targets).backward()
            optimiser.step()
            schedule.step()


def ours(task: Classification, **settings: object) -> None:
    Trainer(device="cpu", **settings).fit(fresh(task), train_set(), task.loss, task.training, seed=0)


def native_bf16() -> bool:
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def rows() -> Iterator[Row | Surplus]:
    yield race("training: 6k CNN, fp32", lambda: textbook(SMALL), lambda: ours(SMALL), bar=1.3, laps=9)
    note = "compute bound"
    yield race("training: ResNet, fp32", lambda: textbook(RESNET), lambda: ours(RESNET), None, laps=2, note=note)
    cast = {"precision": "bf16", "channels_last": True}
    bar, note = (1.6, "") if native_bf16() else (None, "this CPU has no native bf16")
    yield race("training: 24k CNN, no stride, bf16", lambda: textbook(WIDE), lambda: ours(WIDE, **cast), bar, note=note)
    row = race("training: 6k CNN, over a plain loop", lambda: plain(SMALL), lambda: ours(SMALL), bar=0.9, laps=9)
    yield Surplus(row.name, row.race, steps(SMALL), bar=0.35, note=f"a step, {row.race.ratio:.2f}x")
