"""What a training tells where it is asked to: the mean loss of each epoch, through Lightning's loggers."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

KINDS = ("none", "csv", "tensorboard")


def missing(kind: str) -> str:
    """What has to be installed for a kind of logger, in a clause; empty where nothing has."""
    if kind != "tensorboard" or find_spec("tensorboard") or find_spec("tensorboardX"):
        return ""
    return "tensorboard is not installed here: pip install -e '.[tensorboard]', or trainer.logger=csv"


class Losses:
    """The losses of one training, written once an epoch: a step costs a reference, nothing is read back from a device.

    Args:
        kind: `csv` or `tensorboard`.
        folder: where it goes, to `name/version_N`; N counts the trainings and attempts of that name.
        name: what is trained; `training` if that is empty.
    """

    def __init__(self, kind: str, folder: Path, name: str) -> None:
        from pytorch_lightning import loggers

        name = re.sub(r"[^\w.=-]+", "_", name) or "training"
        self._logger: Any = (
            loggers.CSVLogger(folder, name, flush_logs_every_n_steps=1)
            if kind == "csv"
            else loggers.TensorBoardLogger(folder, name)
        )
        self._of_epoch: list[Tensor] = []

    def add(self, loss: Tensor) -> None:
        """Takes note of the loss of a step."""
        self._of_epoch.append(loss.detach())

    def write(self, epoch: int) -> None:
        """Writes the mean over the steps since the last call, as that of an epoch, counted from 0."""
        mean = torch.stack(self._of_epoch).double().mean().item()
        self._of_epoch.clear()
        self._logger.log_metrics({"loss": mean}, step=epoch)

    def close(self) -> None:
        """Lets go of the files."""
        self._logger.finalize("success")
