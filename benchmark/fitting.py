"""The Lightning half of training: a module that minimises a loss, and a lean Trainer. Importing it takes seconds."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.compat import ensure_torchvision

ensure_torchvision()  # Lightning imports torchmetrics, which imports torchvision

import pytorch_lightning as pl  # noqa: E402
from pytorch_lightning.plugins.environments import LightningEnvironment  # noqa: E402

from benchmark.models import Network  # noqa: E402
from benchmark.tasks.base import Loss, Training  # noqa: E402

logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)


class Fitting(pl.LightningModule):
    """Minimises `loss` over the parameters of `network` outside `frozen`, which stays in eval mode (BatchNorm too)."""

    def __init__(self, network: Network, loss: Loss, training: Training, steps: int, frozen: Sequence[nn.Module] = ()):
        super().__init__()
        self.network, self.loss, self.training_settings, self.steps = network, loss, training, steps
        self._frozen = list(frozen)
        self.automatic_optimization = False  # Lightning's closure and hooks around a step cost as much as its loop

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "_current_fx_name":  # Lightning notes it some 40 times a step, nn.Module makes each one slow
            self.__dict__[name] = value
        else:
            super().__setattr__(name, value)

    def on_train_epoch_start(self) -> None:
        self.network.train()
        for module in self._frozen:
            module.eval()

    def on_train_start(self) -> None:
        self._optimizer: Any = self.optimizers(use_pl_optimizer=False)
        self._schedule: Any = self.lr_schedulers()

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        loss = self.loss(self.network, *batch)
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        self._schedule.step()

    def configure_optimizers(self) -> Any:
        fixed = {id(p) for module in self._frozen for p in module.parameters()}
        free = [p for p in self.network.parameters() if id(p) not in fixed]
        rate = self.training_settings.learning_rate
        decay = self.training_settings.weight_decay
        optimizer = torch.optim.AdamW(free, lr=rate, weight_decay=decay, foreach=True)  # same bits, fewer calls
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=self.steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def lean_trainer(epochs: int, device: torch.device, precision: str) -> pl.Trainer:
    """A Trainer that does nothing but train: no logs, checkpoints, bars, sanity checks or loader workers.

    Args:
        precision: `fp32` or `bf16`.
    """
    return pl.Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=1,
        precision="bf16-mixed" if precision == "bf16" else "32-true",
        max_epochs=epochs,
        barebones=True,
        plugins=[LightningEnvironment()],  # never Slurm's: requeueing has one owner, and it is not Lightning
    )
