"""A plain stack of linear layers with rectifiers, as papers on MNIST have it."""

from __future__ import annotations

from torch import nn

from benchmark.errors import InputError
from benchmark.networks.network import Architecture, Network, assemble
from benchmark.spec.component import setting


class MLP(Architecture, name="network/mlp"):
    """The picture's numbers in a row, hidden linear layers with a rectifier each, and a linear layer; no map.

    Attributes:
        widths: of the hidden layers.
        side: height and width of the pictures, in pixels.
    """

    widths: tuple[int, ...] = setting(default=(512, 256), low=2)
    side: int = setting(default=32, low=1)

    def check(self) -> None:
        if not self.widths:
            raise InputError("widths: needs one hidden layer or more")

    def network(self, outputs: int, *, unit: tuple[float, float] | None = None, classes: int = 0) -> Network:
        layers: list[nn.Module] = [nn.Flatten()]
        before = 3 * self.side**2
        for width in self.widths:
            layers += [nn.Linear(before, width), nn.ReLU()]
            before = width
        return assemble(nn.Sequential(*layers), nn.Sequential(nn.Linear(before, outputs)), unit, classes)
