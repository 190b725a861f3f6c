"""Deep SVDD: is an image near the centre that a network learnt to map clean images to? (Ruff et al., ICML 2018)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmark.data.base import ImageSet, Splits
from benchmark.errors import InputError
from benchmark.networks.network import Network
from benchmark.spec.component import setting
from benchmark.stealth.base import Detector

NEAR_ZERO = 0.1  # centre coordinates keep this distance from 0, which a network without biases reaches by weights 0
COLLAPSED = 1e-4  # relative variance of clean distances below which they hardly differ; usual is 0.01 to 1
SLOPE = 0.01  # of leaky ReLU below 0


class DeepSVDD(Detector, name="detector/svdd"):
    """||phi(x) - c||^2, phi trained to bring all clean images near c (Ruff et al. 2018, one-class, Eq. 4).

    All training images count as normal, whatever their class. Images are resized to `size` pixels: detail finer than
    that is not seen. Each is then brought to mean 0 and mean absolute value 1 (global contrast normalisation, L1), and
    all by one scale to [0, 1], the least and largest value of the training set. With `pretrain_epochs` phi starts as
    the encoder of an autoencoder. After `milestone` epochs, of pretraining as of training, the rate falls to a tenth.

    The fitted state holds phi (`encoder.*`), c (`centre`), `low` and `high` of the scaling, and `spread`, the relative
    variance var(d) / mean(d)^2 of the distances of validation images: near 0, or not a number, when phi gives all
    images one answer.
    """

    display: ClassVar[str] = "Deep SVDD"

    size: int = setting(default=32, low=8)
    widths: tuple[int, ...] = setting(default=(32, 64, 128), low=2)
    dimensions: int = setting(default=128, low=2)
    epochs: int = setting(default=5, low=1)
    pretrain_epochs: int = setting(default=0, low=0)
    milestone: int = setting(default=4, low=1)
    learning_rate: float = setting(default=1e-4, above=0)
    weight_decay: float = setting(default=5e-7, low=0)
    batch: int = setting(default=200, low=2)
    quantile: float = setting(default=0.95, above=0, high=1)
    chunk: int = setting(default=256, low=1, stage="runtime")

    asks_victim: ClassVar[bool] = False

    def check(self) -> None:
        factor = 2 ** len(self.widths)
        if not self.widths or self.size % factor:
            raise InputError(f"size: wants a multiple of {factor}, to be halved once a width, got {self.size}")

    def fit(self, data: Splits, seed: int) -> dict[str, Tensor]:
        """The fitted state, on the device of the training images.

        Raises:
            InputError: phi collapsed or diverged, so that clean images cannot be told apart.
        """
        generator = torch.Generator().manual_seed(seed)
        images = self._normalised(data.train)
        low, high = images.min(), images.max()
        images = rescale(images, low, high)
        encoder = self._encoder(generator).to(images.device)
        if self.pretrain_epochs:
            self._pretrain(encoder, images, generator)
        settle_statistics(encoder, images, self.chunk)
        centre = away_from_zero(self._encode(encoder, images).mean(dim=0))
        self._descend(encoder, lambda x: distance(encoder(x), centre).mean(), images, self.epochs, generator)
        clean = distance(self._encode(encoder, rescale(self._normalised(data.valid), low, high)), centre)
        spread = clean.var() / clean.mean().square()
        if not spread > COLLAPSED:  # nor if it is not a number
            raise InputError(f"learning_rate: Deep SVDD collapsed (relative variance {spread:.1g}), try a smaller rate")
        weights = {f"encoder.{name}": tensor for name, tensor in encoder.state_dict().items()}
        return weights | {"centre": centre, "low": low, "high": high, "spread": spread}

    @torch.no_grad()
    def distances(self, state: Mapping[str, Tensor], victim: Network | None, x: Tensor) -> Tensor:
        state = {name: tensor.to(x.device) for name, tensor in state.items()}
        encoder = self._encoder()
        encoder.load_state_dict({n.removeprefix("encoder."): t for n, t in state.items() if n.startswith("encoder.")})
        encoder.to(x.device)
        images = torch.cat([normalise_contrast(resize(part, self.size)) for part in x.split(self.chunk)])
        return distance(self._encode(encoder, rescale(images, state["low"], state["high"])), state["centre"])

    def thresholds(self, clean: Tensor) -> dict[str, float]:
        """The quantile of the clean distances, linear between two of them: q95 for 0.95."""
        return {f"q{100 * self.quantile:g}": torch.quantile(clean.double(), self.quantile).item()}

    def _normalised(self, data: ImageSet) -> Tensor:
        """All images (N, 3, size, size), resized and of one contrast."""
        parts = [data.pixels(slice(i, i + self.chunk)) for i in range(0, len(data), self.chunk)]
        return torch.cat([normalise_contrast(resize(part, self.size)) for part in parts])

    def _encoder(self, generator: torch.Generator | None = None) -> nn.Sequential:
        """phi, its weights drawn from `generator`, or about to be loaded."""
        with torch.random.fork_rng(devices=[]):
            return drawn(encoder_of(self.size, self.widths, self.dimensions), generator)

    @torch.no_grad()
    def _encode(self, encoder: nn.Module, images: Tensor) -> Tensor:
        """phi of all images (N, dimensions), in eval mode."""
        encoder.eval()
        return torch.cat([encoder(part) for part in images.split(self.chunk)])

    def _pretrain(self, encoder: nn.Sequential, images: Tensor, generator: torch.Generator) -> None:
        """Trains the encoder, and a decoder that mirrors it, to reproduce the images: mean squared error."""
        with torch.random.fork_rng(devices=[]):
            decoder = drawn(decoder_of(self.size, self.widths, self.dimensions), generator).to(images.device)
        both = nn.Sequential(encoder, decoder)
        self._descend(both, lambda x: F.mse_loss(both(x), x), images, self.pretrain_epochs, generator)

    def _descend(
        self,
        module: nn.Module,
        loss: Callable[[Tensor], Tensor],
        images: Tensor,
        epochs: int,
        generator: torch.Generator,
    ) -> None:
        module.train().requires_grad_(True)
        adam = torch.optim.Adam(module.parameters(), self.learning_rate, weight_decay=self.weight_decay)
        schedule = torch.optim.lr_scheduler.MultiStepLR(adam, [self.milestone])
        for _ in range(epochs):
            for x in shuffled(images, self.batch, generator):
                adam.zero_grad()
                loss(x).backward()
                adam.step()
            schedule.step()


def resize(x: Tensor, size: int) -> Tensor:
    """Pixels (N, 3, size, size), bilinear, antialiased where that is smaller."""
    return F.interpolate(x, size=(size, size), mode="bilinear", align_corners=False, antialias=True)


def normalise_contrast(x: Tensor) -> Tensor:
    """Each image of x (N, C, H, W) less its mean, over its mean absolute deviation; a uniform image becomes 0."""
    centred = x - x.mean(dim=(1, 2, 3), keepdim=True)
    deviation = centred.abs().mean(dim=(1, 2, 3), keepdim=True)
    return torch.where(deviation > 1e-6, centred / deviation.clamp_min(1e-6), 0.0)


def rescale(x: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """(x - low) / (high - low), of which the training images are within [0, 1], in channels-last format for speed."""
    return ((x - low) / (high - low)).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def settle_statistics(encoder: nn.Module, images: Tensor, chunk: int) -> None:
    """Gives the batch norms the statistics of all images, at the weights as they are.

    With those of a fresh layer (mean 0, variance 1) the centre would lie where phi never is in training, and noise
    would end up nearer to it than clean images.
    """
    norms = [module for module in encoder.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches so far
    encoder.train()
    for part in images.split(chunk):
        encoder(part)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def away_from_zero(centre: Tensor) -> Tensor:
    """The centre with each coordinate at least 0.1 from 0, on the side where it is; 0 itself becomes +0.1."""
    return torch.where(centre < 0, centre.clamp_max(-NEAR_ZERO), centre.clamp_min(NEAR_ZERO))


def distance(codes: Tensor, centre: Tensor) -> Tensor:
    """||phi - c||^2 per image (N,), codes (N, dimensions)."""
    return (codes - centre).square().sum(dim=1)


def encoder_of(size: int, widths: tuple[int, ...], dimensions: int) -> nn.Sequential:
    """LeNet style: 5x5 convolution, batch norm, leaky ReLU and halving a width, one linear layer; no bias, no affine.

    With a bias, or an affine batch norm, phi could answer c whatever the image (Ruff et al. 2018, proposition 2).
    """
    layers: list[nn.Module] = []
    for before, width in pairwise((3, *widths)):
        layers += [nn.Conv2d(before, width, 5, padding=2, bias=False), nn.BatchNorm2d(width, affine=False)]
        layers += [nn.MaxPool2d(2), nn.LeakyReLU(SLOPE)]  # pooled first: the same values out of a quarter of the work
    side = size // 2 ** len(widths)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(widths[-1] * side**2, dimensions, bias=False))


def decoder_of(size: int, widths: tuple[int, ...], dimensions: int) -> nn.Sequential:
    """The encoder's mirror image: a linear layer, then a doubling and a 5x5 convolution a width, sigmoid at the end."""
    side = size // 2 ** len(widths)
    layers: list[nn.Module] = [nn.BatchNorm1d(dimensions, affine=False)]
    layers += [nn.Linear(dimensions, widths[-1] * side**2, bias=False), nn.Unflatten(1, (widths[-1], side, side))]
    for before, width in pairwise((*widths[::-1], 3)):
        layers += [nn.BatchNorm2d(before, affine=False), nn.LeakyReLU(SLOPE), nn.Upsample(scale_factor=2)]
        layers.append(nn.Conv2d(before, width, 5, padding=2, bias=False))
    return nn.Sequential(*layers, nn.Sigmoid())


def drawn(module: nn.Sequential, generator: torch.Generator | None) -> nn.Sequential:
    """The module with its weights drawn anew from `generator` (Glorot and Bengio 2010), if there is one."""
    if generator is not None:
        for weight in module.parameters():
            nn.init.xavier_uniform_(weight, nn.init.calculate_gain("leaky_relu", SLOPE), generator)
    return module


def shuffled(images: Tensor, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Batches in random order; a last, smaller one is dropped."""
    size = min(size, len(images))
    order = torch.randperm(len(images), generator=generator).to(images.device)
    for index in order[: len(order) // size * size].split(size):
        yield images[index]
