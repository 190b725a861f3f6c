"""Prints made as one batch against one image at a time, as published code does it; the same steps in both."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmark.contracts.owner import Owner
from benchmark.crafting.gradcam import rasterise
from benchmark.data.base import ImageSet, Splits
from benchmark.networks.network import Network
from fingerprints.ipguard import IPGuard
from fingerprints.saliency import Saliency
from tests.speed.networks import owner, seeded
from tests.speed.ratio import Equality, Row, race

Method = IPGuard | Saliency
PRINTS, STEPS = 100, 8
IPGUARD = IPGuard(k=1000.0, steps=STEPS)  # a gap out of reach: every print takes every step
SALIENCY = Saliency(start="zero", steps=STEPS, optimiser="adam", step=0.01, lam=1.0)
BARS = {"6k CNN": (8.0, 8.0), "24k CNN": (2.5, 3.0), "24k CNN, no stride": (None, None), "ResNet": (2.5, 3.0)}


def ipguard_alone(method: IPGuard, victim: Network, x: Tensor) -> Tensor:
    """One print by torch.optim.Adam on Eq. 5."""
    x = x.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([x], lr=method.learning_rate)
    with torch.no_grad():
        logits = victim(x)[0]
    i, j = int(logits.argmax()), int(logits.argmin())
    rest = [t for t in range(len(logits)) if t not in (i, j)]
    for _ in range(method.steps):
        z = victim(x)[0]
        loss = F.relu(z[i] - z[j] + method.k) + F.relu(z[rest].max() - z[i])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            x.clamp_(0, 1)
    return x.detach()


def saliency_alone(method: Saliency, victim: Network, x: Tensor, label: int) -> Tensor:
    """One print by torch.optim.Adam on Eq. 4, the score differentiated through the whole network and then again."""
    delta = torch.zeros_like(x, requires_grad=True)
    optimiser = torch.optim.Adam([delta], lr=method.step)
    corner = rasterise(method.pattern, *victim.features(x).shape[2:])
    for _ in range(method.steps):
        maps = victim.features(x + delta)
        logits = victim.head(maps)
        gradient, _ = torch.autograd.grad(logits[0, label], (maps, delta), create_graph=True)
        combined = (gradient.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1)[0]
        loss = F.relu(combined)[corner == 0].mean() - combined[corner == 1].mean()
        loss = loss + method.lam * F.cross_entropy(logits, torch.tensor([label]))
        (delta.grad,) = torch.autograd.grad(loss, delta)
        optimiser.step()
        with torch.no_grad():
            delta.copy_((x + delta.clamp(-method.xi, method.xi)).clamp(0, 1) - x)
    return (x + delta).detach()


def looped(method: Method, held: Owner, index: Tensor) -> Tensor:
    """Prints of the training images at `index`, one at a time."""
    images, labels = held.data.train.pixels(index).split(1), held.data.train.targets[index].tolist()
    if isinstance(method, IPGuard):
        return torch.cat([ipguard_alone(method, held.victim, x) for x in images])
    return torch.cat([saliency_alone(method, held.victim, x, c) for x, c in zip(images, labels, strict=True)])


def batched(method: Method, held: Owner, index: Tensor) -> Tensor:
    """The same prints by the method's own optimisation, without the choice of images before and the notes after it."""
    if isinstance(method, IPGuard):
        x = held.data.train.pixels(index)
        return method._optimise(held.victim, x, x.new_full((len(x),), method.k), seeded()).samples
    return method._craft(held, index, method._corner(held), seeded()).samples


def crafting(name: str, method: Method, network: str, bar: float | None) -> Row:
    held, index = owner(network), torch.arange(PRINTS)
    note = "" if bar else "compute bound"
    title = f"{name}: {PRINTS} prints, {network}"
    return race(title, lambda: looped(method, held, index), lambda: batched(method, held, index), bar, note=note)


class DoubleSet(ImageSet):
    """Pixels as float64, so that rounding does not turn the first step of Adam, whose size is the gradient's sign."""

    def pixels(self, index: Tensor | slice = slice(None)) -> Tensor:
        return self.images[index].double() / 255


def equality(name: str, method: Method, network: str) -> Equality:
    held, index = owner(network), torch.arange(20)
    parts = (DoubleSet(part.images, part.targets) for part in (held.data.train, held.data.valid, held.data.test))
    held = Owner(held.task, Splits(*parts), copy.deepcopy(held.victim).double())
    difference = (batched(method, held, index) - looped(method, held, index)).abs().max().item()
    return Equality(f"{name}: batched = looped, {network}", difference)


def rows() -> Iterator[Row | Equality]:
    for place, (name, method) in enumerate((("ipguard", IPGUARD), ("saliency", SALIENCY))):
        for network, bars in BARS.items():
            yield crafting(name, method, network, bars[place])
            yield equality(name, method, network)
