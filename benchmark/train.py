"""One way to train anything: Lightning underneath (benchmark/fitting.py), data resident on the device.

The images are one uint8 tensor; a batch is a gather. No loader processes, no per-step logging, no bar per fit.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from benchmark.component import Component, setting
from benchmark.data.base import ImageSet
from benchmark.models import Network
from benchmark.tasks.base import Loss, Training


class Batches:
    """Shuffled batches (pixels in [0, 1], targets) of a set, drawn anew each epoch; a last, smaller one is dropped."""

    def __init__(self, data: ImageSet, size: int, generator: torch.Generator, channels_last: bool = False):
        self.data, self.size, self.generator = data, min(size, len(data)), generator
        self.format = torch.channels_last if channels_last else torch.contiguous_format

    def __len__(self) -> int:
        return len(self.data) // self.size

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(len(self.data), generator=self.generator).to(self.data.images.device)
        for i in range(len(self)):
            index = order[i * self.size : (i + 1) * self.size]
            yield self.data.pixels(index).contiguous(memory_format=self.format), self.data.targets[index]


class Trainer(Component):
    """Where and in which precision networks are trained and asked. Device and threads are no part of any identity."""

    device: str = setting(default="auto", choices=("auto", "cpu", "cuda"), stage="runtime")
    precision: str = setting(default="fp32", choices=("fp32", "bf16"))
    channels_last: bool = False

    def place(self) -> torch.device:
        """The device that networks, data and prints live on."""
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return torch.device(self.device)

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
    ) -> Network:
        """Trains in place and returns the network in eval mode with gradients off.

        Args:
            seed: orders the batches, and seeds torch's global generators while the training lasts.
            frozen: modules that keep weights and BatchNorm statistics.
        """
        from benchmark.fitting import Fitting, lean_trainer

        network = self.laid_out(network)
        generator = torch.Generator().manual_seed(seed)
        batches = Batches(data, training.batch, generator, self.channels_last)
        for parameter in network.parameters():
            parameter.requires_grad_(True)
        module = Fitting(network, loss, training, training.epochs * len(batches), frozen)
        for part in frozen:
            part.requires_grad_(False)
        with torch.random.fork_rng(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Lightning's advice on loaders and workers does not fit tensors in memory
            torch.manual_seed(seed)
            try:
                lean_trainer(training.epochs, self.place(), self.precision).fit(module, batches)
            except SystemExit as left:  # what Lightning makes of Ctrl-C
                raise KeyboardInterrupt from left
        return freeze(network)


def freeze(network: Network) -> Network:
    """The network as everything but training wants it: eval mode, no gradients on weights."""
    return network.eval().requires_grad_(False)
