"""TAFA-R: prints that fix the signs of hidden pre-activations, for any task (after Pan, Zhang, Lu, Yang, ESORICS 2021).

A reconstruction: the paper's text was not available. Known of it is that it fingerprints networks of rectified linear
units, in any task, without training data. All five steps are ours: 1. which hidden units carry a code, 2. the base
images, 3. the code and its loss, 4. which candidates are kept, 5. when an answer matches (fingerprints/tafa/verify.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmark.contracts.fingerprint import Fingerprint, Verifier
from benchmark.contracts.owner import Needs, Owner
from benchmark.contracts.prints import Prints
from benchmark.crafting.active import minimise
from benchmark.crafting.descent import AdamDescent
from benchmark.data.base import ImageSet, draw
from benchmark.errors import Inapplicable, InputError
from benchmark.networks.layers import rectifiers
from benchmark.spec.component import setting
from benchmark.tasks.base import Task, labels
from fingerprints.labels import LabelMatch
from fingerprints.tafa.verify import AnswerMatch, calibrate

DEAD = 1e-3  # a neuron whose deviation is below this share of its layer's median carries no bit


class TAFA(Fingerprint, name="fingerprint/tafa"):
    """min_x sum_j ReLU(kappa - b_j z_j(x) / s_j) + tv TV(x) over x in [0, 1], for a secret code b in {-1, +1}^m.

    z_j are the pre-activations of `neurons` random neurons in the layer of rectifiers at each of `depths` (0 the first,
    1 the last), s_j their standard deviations on `probes` noise images. b is the sign pattern of the base image with
    the share `flip` of its bits turned over, so that x has to enter another linear region of the victim. A print is
    done when the share `held` of its bits has the margin kappa. For the first layer alone z_j is affine in x and the
    problem convex. kappa is 3 because that brings the PSNR on small digits near the published 10.24 dB.

    Of `candidates` times N candidates those are good that hold `held` of their bits with any margin; in classification
    less those with the victim's modal label on noise, which other models are likely to give too, and the classes that
    occur take turns. The best of the others fill up. Without `code` the base images are the prints, which shows what
    the code is worth.

    Training images as `base` have a PSNR, as the published one of TAFA implies, and their true label is
    `payload["label"]`, so that the published label accuracy of 100 % is measured. With `noise` no data is used, and
    neither is defined.
    """

    display: ClassVar[str] = "TAFA"

    base: str = setting(default="image", choices=("image", "noise"))
    code: bool = True
    depths: tuple[float, ...] = setting(default=(0.0, 0.5), low=0, high=1)
    neurons: int = setting(default=64, low=1)
    flip: float = setting(default=0.5, low=0, high=1)
    kappa: float = setting(default=3.0, above=0)
    tv: float = setting(default=0.0, low=0)
    learning_rate: float = setting(default=0.01, above=0)
    steps: int = setting(default=300, low=1)
    held: float = setting(default=0.95, low=0, high=1)
    candidates: int = setting(default=2, low=1)
    probes: int = setting(default=128, low=2)
    references: int = setting(default=2, low=1)
    tolerance: float = setting(default=0.5, low=0, high=1, stage="score")
    chunk: int = setting(default=256, low=1, stage="runtime")

    reconstruction: ClassVar[bool] = True

    def check(self) -> None:
        if not self.depths:
            raise InputError("depths: wants one or more; 0 is the first layer of rectifiers, 1 the last")

    def needs(self) -> Needs:
        """References calibrate the tolerance of values and cosines; labels have no use for them."""
        return Needs(references=self.references)

    def verifiers(self, task: Task) -> Mapping[str, Verifier]:
        return {"answer": AnswerMatch(self.tolerance) if task.no_label else LabelMatch()}

    def generate(self, owner: Owner, count: int, generator: torch.Generator) -> Prints:
        train = owner.data.train
        like = train.pixels(slice(1))
        noise = (0.5 + 0.25 * torch.randn((self.probes, *like.shape[1:]), generator=generator)).clamp(0, 1).to(like)
        base, label = self._bases(train, self.candidates * count, generator)
        samples, share = base, torch.ones(len(base), dtype=torch.double, device=base.device)
        if self.code:
            neurons = find_neurons(owner.victim, noise, self.depths, self.neurons, generator)
            samples, share = self._encode(owner.victim, neurons, base, generator)
        held = good = share >= self.held
        answer = None
        if not owner.task.no_label:
            answer = labels(owner.victim, samples)
            good = held & (answer != labels(owner.victim, noise).mode().values)
        chosen = ranking(good, share, answer)[:count]
        notes: dict[str, Any] = {
            "candidates": len(base),
            "accepted": good.double().mean().item(),
            "collapsed": (held & ~good).double().mean().item(),
            "filled up": (~good[chosen]).double().mean().item(),
            "bits held": share[chosen].double().mean().item(),
        }
        if answer is None:
            payload = calibrate(owner, samples[chosen], generator)
        else:
            payload = {"answer": answer[chosen]} | ({} if label is None else {"label": label[chosen]})
            notes["classes"] = len(payload["answer"].unique())
        return Prints(samples[chosen], None if self.base == "noise" else base[chosen], payload, notes)

    def _bases(self, train: ImageSet, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
        """Base images (N, 3, H, W), at most as many as there are training images, and the targets that they have."""
        if self.base == "noise":
            like = train.pixels(slice(1))
            return torch.rand((count, *like.shape[1:]), generator=generator).to(like), None
        index = draw(torch.arange(len(train), device=train.images.device), count, generator)
        return train.pixels(index), train.targets[index]

    def _encode(
        self, victim: nn.Module, neurons: Neurons, x: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Samples that start at x (N, 3, H, W) and take on their codes, and the share of bits (N,) that they hold."""
        place = torch.rand((len(x), neurons.count), generator=generator).argsort(dim=1).argsort(dim=1)
        turned = (place < round(self.flip * neurons.count)).to(x.device)
        samples, shares = [], []
        for part in torch.arange(len(x), device=x.device).split(self.chunk):
            with torch.no_grad():
                own = neurons.read(victim, x[part]) >= 0
            bits = torch.where(own != turned[part], 1.0, -1.0).to(x.dtype)
            samples.append(self._descend(victim, neurons, x[part], bits))
            with torch.no_grad():
                shares.append((bits * neurons.read(victim, samples[-1]) > 0).double().mean(dim=1))
        return torch.cat(samples), torch.cat(shares)

    def _descend(self, victim: nn.Module, neurons: Neurons, x: Tensor, bits: Tensor) -> Tensor:
        """Adam on all points at once; a point leaves the batch as it is once `held` of its bits have the margin."""

        def objective(point: Tensor, active: Tensor) -> tuple[Tensor, Tensor]:
            z = neurons.read(victim, point)
            loss = code_loss(z, bits[active], self.kappa)
            if self.tv:
                loss = loss + self.tv * total_variation(point)
            return loss, (bits[active] * z.detach() >= self.kappa).double().mean(dim=1) >= self.held

        return minimise(objective, x, AdamDescent(self.learning_rate), self.steps).points


def code_loss(z: Tensor, bits: Tensor, kappa: float) -> Tensor:
    """sum_j ReLU(kappa - b_j z_j) per sample (N,); z (N, m) in deviations, b (N, m) of -1 and +1."""
    return F.relu(kappa - bits * z).sum(dim=1)


def total_variation(x: Tensor) -> Tensor:
    """Sum of |differences| between neighbouring pixels, down and across, per sample (N,)."""
    return x.diff(dim=2).abs().sum(dim=(1, 2, 3)) + x.diff(dim=3).abs().sum(dim=(1, 2, 3))


def ranking(good: Tensor, share: Tensor, labels: Tensor | None) -> Tensor:
    """All candidates in order of preference: the good ones, label by label in turn, then the others by `share`.

    Args:
        good: (N,) booleans.
        share: share of bits held (N,).
        labels: (N,), or None where there are none and the good ones stay in order.
    """
    first, rest = good.nonzero().squeeze(1), (~good).nonzero().squeeze(1)
    if labels is not None:
        same = labels[first][:, None] == labels[first][None]
        first = first[same.tril().sum(dim=1).argsort(stable=True)]  # by how many of the label have come before
    return torch.cat([first, rest[share[rest].argsort(descending=True, stable=True)]])


@dataclass(frozen=True)
class Neurons:
    """The hidden units that carry a code: `places[i]` (m_i,) are flat positions (channel, row, column) in layer i.

    Attributes:
        layers: numbers of the layers of rectifiers, in order of execution.
        places: positions in each of the layers.
        scale: s_j (m,), all layers in a row.
    """

    layers: tuple[int, ...]
    places: tuple[Tensor, ...]
    scale: Tensor

    @property
    def count(self) -> int:
        """m, the number of bits."""
        return len(self.scale)

    def read(self, network: nn.Module, x: Tensor) -> Tensor:
        """z_j(x) / s_j (N, m)."""
        found = pre_activations(network, x, self.layers)
        z = [layer.flatten(1)[:, place] for layer, place in zip(found, self.places, strict=True)]
        return torch.cat(z, dim=1) / self.scale


@torch.no_grad()
def find_neurons(
    network: nn.Module, noise: Tensor, depths: Sequence[float], count: int, generator: torch.Generator
) -> Neurons:
    """`count` random neurons with a deviation on `noise` (N, 3, H, W) in each layer, fewer where there are no more.

    Raises:
        Inapplicable: the network has no rectifier modules, or runs none of them.
        InputError: none of a layer's neurons moves.
    """
    total = count_layers(network, noise[:1])
    if not total:
        raise Inapplicable("the network runs none of its rectified linear units")
    layers = sorted({round(depth * (total - 1)) for depth in depths})
    sums: list[tuple[Tensor, Tensor]] = []
    for part in noise.split(32):  # summed up part by part: all neurons of a wide layer fill the memory
        found = [z.flatten(1).double() for z in pre_activations(network, part, layers)]
        new = [(z.sum(dim=0), (z**2).sum(dim=0)) for z in found]
        sums = [(a + c, b + d) for (a, b), (c, d) in zip(sums, new, strict=True)] if sums else new
    places, scales = [], []
    for layer, (first, second) in zip(layers, sums, strict=True):
        deviation = (second / len(noise) - (first / len(noise)) ** 2).clamp_min(0).sqrt()
        alive = (deviation > DEAD * deviation.median()).nonzero().squeeze(1)
        if not len(alive):
            raise InputError(f"depths: no neuron moves in the victim's layer of rectifiers number {layer}")
        places.append(draw(alive, count, generator))
        scales.append(deviation[places[-1]].to(noise.dtype))
    return Neurons(tuple(layers), tuple(places), torch.cat(scales))


class _ReachedError(Exception):
    """The deepest layer wanted has been seen; what comes after it is not needed."""


@contextmanager
def _watch(network: nn.Module, look: Callable[[Tensor], None]) -> Iterator[None]:
    """Calls `look` on the input of every rectifier module that runs, in order; the hooks go whatever happens."""
    hooks = [module.register_forward_pre_hook(lambda _, inputs: look(inputs[0])) for module in rectifiers(network)]
    try:
        yield
    except _ReachedError:
        pass
    finally:
        for hook in hooks:
            hook.remove()


def count_layers(network: nn.Module, x: Tensor) -> int:
    """How often a rectifier module runs on x; one that a network uses twice counts twice."""
    seen: list[torch.Size] = []
    with _watch(network, lambda z: seen.append(z.shape)):
        network(x)
    return len(seen)


def pre_activations(network: nn.Module, x: Tensor, layers: Sequence[int]) -> list[Tensor]:
    """The inputs of the rectifiers numbered `layers` in order of execution; the network runs no further than needed."""
    found: dict[int, Tensor] = {}
    calls = iter(range(max(layers) + 1))

    def look(z: Tensor) -> None:
        number = next(calls)
        if number in layers:
            found[number] = z.clone()  # an in-place rectifier is about to write over it
        if number == max(layers):
            raise _ReachedError

    with _watch(network, look):
        network(x)
    return [found[layer] for layer in layers]
