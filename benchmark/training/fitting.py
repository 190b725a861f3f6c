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

from benchmark.data.batches import Batches  # noqa: E402
from benchmark.errors import InputError  # noqa: E402
from benchmark.networks.network import Network  # noqa: E402
from benchmark.store.content import not_finite  # noqa: E402
from benchmark.tasks.base import Loss, Training  # noqa: E402
from benchmark.training.checkpoint import Checkpoint  # noqa: E402
from benchmark.training.logs import Losses  # noqa: E402

logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)


class Fitting(pl.LightningModule):
    """Minimises `loss` over the parameters of `network` outside `frozen`, which stays in eval mode (BatchNorm too).

    A loss that is not finite at the end of an epoch, or weights that are not in the end, are an InputError.

    With a `checkpoint` it begins where that left off (`epochs_left`) and offers its state after each epoch, with
    `losses` it tells them its losses.
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        training: Training,
        batches: Batches,
        frozen: Sequence[nn.Module] = (),
        *,
        fused: bool = False,
        checkpoint: Checkpoint | None = None,
        losses: Losses | None = None,
    ):
        super().__init__()
        self.network, self.loss, self.training_settings, self.batches = network, loss, training, batches
        self._frozen, self._fused, self._checkpoint, self._losses = list(frozen), fused, checkpoint, losses
        self.automatic_optimization = False  # Lightning's closure and hooks around a step cost as much as its loop
        self._before = checkpoint.load() if checkpoint else None
        self._first = 0
        if self._before:
            self._first = self._before["epochs"]
            network.load_state_dict(self._before["network"])
            batches.generator.set_state(self._before["order"])

    @property
    def epochs_left(self) -> int:
        """Epochs that no earlier attempt has done."""
        return self.training_settings.epochs - self._first

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
        if self._before:
            _set_random_state(self._before["random"])
            self._before = None

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        loss = self.loss(self.network, *batch)
        self._optimizer.zero_grad()
        with torch.autocast(loss.device.type, enabled=False):  # Lightning's own backward pass is outside of it too
            loss.backward()
        self._optimizer.step()
        self._schedule.step()
        self._latest = loss.detach()
        if self._losses:
            self._losses.add(loss)

    def on_train_epoch_end(self) -> None:
        if self._losses:
            self._losses.write(self._first + self.current_epoch)
        self._check_finite(self._first + self.current_epoch + 1)
        if self._checkpoint:
            self._checkpoint.offer(self._state)

    def _check_finite(self, epoch: int) -> None:
        """Counts weights where the loss is not finite, and after the last step, which no loss follows."""
        settings = self.training_settings
        if self._latest.isfinite() and epoch < settings.epochs:
            return
        weights = list(self.network.state_dict().values())
        lost, total = sum(map(not_finite, weights)), sum(weight.numel() for weight in weights)
        if lost or not self._latest.isfinite():
            raise InputError(
                f"the training diverged: {lost} of {total} weights are not finite after epoch {epoch} of "
                f"{settings.epochs}, the last loss is {self._latest.item():.3g}; "
                f"a learning_rate below {settings.learning_rate:g} would do"
            )

    def _state(self) -> dict[str, Any]:
        return {
            "epochs": self._first + self.current_epoch + 1,
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "order": self.batches.generator.get_state(),
            "random": _random_state(),
        }

    def configure_optimizers(self) -> Any:
        fixed = {id(p) for module in self._frozen for p in module.parameters()}
        free = [p for p in self.network.parameters() if id(p) not in fixed]
        rate = self.training_settings.learning_rate
        decay = self.training_settings.weight_decay
        one_call = {"fused": True} if self._fused else {"foreach": True}  # foreach: same bits, fewer calls
        optimizer = torch.optim.AdamW(free, lr=rate, weight_decay=decay, **one_call)  # type: ignore[arg-type]
        steps = self.training_settings.epochs * len(self.batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
        if self._before:
            optimizer.load_state_dict(self._before["optimizer"])
            schedule.load_state_dict(self._before["schedule"])
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def _random_state() -> dict[str, Tensor]:
    cuda = {"cuda": torch.cuda.get_rng_state()} if torch.cuda.is_initialized() else {}
    return {"cpu": torch.get_rng_state(), **cuda}


def _set_random_state(state: dict[str, Tensor]) -> None:
    torch.set_rng_state(state["cpu"])
    if "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"])


def lean_trainer(epochs: int, device: torch.device, precision: str) -> pl.Trainer:
    """A Trainer that does nothing but train: no logs of its own, checkpoints, bars, sanity checks or loader workers.

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
