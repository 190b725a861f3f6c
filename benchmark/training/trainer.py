"""One way to train anything: Lightning underneath (benchmark/training/fitting.py), data resident on the device.

The images are one uint8 tensor; a batch is a gather. No loader processes, no per-step logging, no bar per fit.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import nn

from benchmark.data.base import ImageSet
from benchmark.data.batches import Batches
from benchmark.errors import InputError
from benchmark.networks.network import Network
from benchmark.paths import located
from benchmark.spec.component import Component, setting
from benchmark.tasks.base import Loss, Training
from benchmark.training.checkpoint import Checkpoints
from benchmark.training.logs import KINDS, Losses, missing


class Fit(Protocol):
    """How a recipe trains: benchmark.training.trainer.Trainer.fit."""

    def __call__(
        self,
        network: Network,
        data: ImageSet,
        loss: Loss,
        training: Training,
        seed: int,
        frozen: Sequence[nn.Module] = (),
    ) -> Network: ...


class Trainer(Component, name="trainer/lightning"):
    """Where and in which precision networks are trained and asked. The device is no part of any identity.

    Attributes:
        threads: of torch on a CPU, in each process. Sums are taken in another order with another number of them, and
            nothing in torch, OpenMP or MKL can be set against that: whatever is trained then has other bits.
        fused: the optimiser's step in one kernel; differs from the default by rounding.
        compile: torch.compile on the network while it trains; differs by rounding too.
        deterministic: `warn` has torch choose deterministic kernels where there are any, `error` refuses others.
        checkpoint: seconds between saves of a training that is under way.
        logger: who is told the loss of each epoch.
        log_dir: where that is written, relative to the checkout.
    """

    threads: int = setting(default=1, low=1, later=True)
    device: str = setting(default="auto", choices=("auto", "cpu", "cuda"), stage="runtime")
    precision: str = setting(default="fp32", choices=("fp32", "bf16"))
    channels_last: bool = True
    fused: bool = setting(default=False, later=True)
    compile: bool = setting(default=False, later=True)
    deterministic: str = setting(default="none", choices=("none", "warn", "error"), stage="runtime")
    checkpoint: float = setting(default=60.0, low=0, stage="runtime")
    logger: str = setting(default="none", choices=KINDS, stage="runtime")
    log_dir: str = setting(default="logs", stage="runtime")

    def check(self) -> None:
        if lacking := missing(self.logger):
            raise InputError(f"logger: {lacking}")

    def place(self) -> torch.device:
        """The device that networks, data and prints live on."""
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return torch.device(self.device)

    def configure_torch(self) -> None:
        """Makes this process compute as these settings say. Call it before the first GPU work.

        Single precision means single precision on a GPU too, also where it could round to TF32.
        """
        torch.set_num_threads(self.threads)
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        if self.deterministic != "none":
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.use_deterministic_algorithms(True, warn_only=self.deterministic == "warn")

    def laid_out(self, network: Network) -> Network:
        """The network with its weights in the memory format of these settings, in place."""
        if self.channels_last:
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return network

    def fit(
        self,
        network: Network,
        data: ImageSet,
        loss: Loss,
        training: Training,
        seed: int,
        frozen: Sequence[nn.Module] = (),
        checkpoints: Checkpoints | None = None,
    ) -> Network:
        """Trains in place and returns the network in eval mode with gradients off.

        Args:
            seed: orders the batches, and seeds torch's global generators while the training lasts.
            frozen: modules that keep weights and BatchNorm statistics.
            checkpoints: where a long training is saved after epochs, and where an earlier attempt left off.

        Raises:
            InputError: it diverged: the loss or weights are not finite.
        """
        from benchmark.training.fitting import Fitting, lean_trainer

        network = self.laid_out(network)
        generator = torch.Generator().manual_seed(seed)
        batches = Batches(data, training.batch, generator, self.channels_last, training.augment)
        for parameter in network.parameters():
            parameter.requires_grad_(True)
        checkpoint = checkpoints.begin() if checkpoints else None
        losses = self._losses(checkpoints)
        module = Fitting(
            network, loss, training, batches, frozen, fused=self.fused, checkpoint=checkpoint, losses=losses
        )
        for part in frozen:
            part.requires_grad_(False)
        with torch.random.fork_rng(), warnings.catch_warnings(), _compiled(network, self.compile):
            warnings.simplefilter("ignore")  # Lightning's advice on loaders and workers does not fit tensors in memory
            torch.manual_seed(seed)
            try:
                if module.epochs_left:
                    lean_trainer(module.epochs_left, self.place(), self.precision).fit(module, batches)
            except SystemExit as left:
                if isinstance(left.__context__, KeyboardInterrupt):  # what Lightning makes of Ctrl-C
                    raise KeyboardInterrupt from left
                raise
            finally:
                if losses:
                    losses.close()
        return freeze(network)

    def _losses(self, checkpoints: Checkpoints | None) -> Losses | None:
        if self.logger == "none":
            return None
        return Losses(self.logger, located(self.log_dir), checkpoints.title if checkpoints else "")


@contextmanager
def _compiled(network: Network, wanted: bool) -> Iterator[None]:
    """Calls of the network are compiled inside; its weights keep their names, and afterwards it is as it was."""
    if not wanted:
        yield
        return
    network.compile()
    try:
        yield
    finally:
        network._compiled_call_impl = None


def freeze(network: Network) -> Network:
    """The network as everything but training wants it: eval mode, no gradients on weights."""
    return network.eval().requires_grad_(False)
