"""LeNet-5 (LeCun et al. 1998), with rectifiers and max pools in place of its sigmoids and trained averages."""

from __future__ import annotations

from torch import nn

from benchmark.errors import InputError
from benchmark.networks.network import Architecture, Network, assemble
from benchmark.spec.component import setting


class LeNet5(Architecture, name="network/lenet5"):
    """Two 5x5 convolutions without padding, each with a 2x2 max pool, and three linear layers; no batch norm.

    62,006 parameters on three channels of 32 x 32 pixels and for ten classes (61,706 on one channel).

    Attributes:
        widths: channels of the two convolutions.
        hidden: widths of the two hidden layers.
        side: height and width of the last map: 5 at 32 pixels, 4 at 28, in general (pixels - 12) / 4.
    """

    widths: tuple[int, ...] = setting(default=(6, 16), low=2)
    hidden: tuple[int, ...] = setting(default=(120, 84), low=2)
    side: int = setting(default=5, low=1)

    def check(self) -> None:
        for name, given in (("widths", self.widths), ("hidden", self.hidden)):
            if len(given) != 2:
                raise InputError(f"{name}: wants two numbers, got {list(given)}")

    def network(self, outputs: int, *, unit: tuple[float, float] | None = None, classes: int = 0) -> Network:
        (one, two), (wide, narrow) = self.widths, self.hidden
        body = nn.Sequential(
            *(nn.Conv2d(3, one, 5), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(one, two, 5), nn.ReLU(), nn.MaxPool2d(2)),
        )
        head = nn.Sequential(
            *(nn.Flatten(), nn.Linear(two * self.side**2, wide), nn.ReLU()),
            *(nn.Linear(wide, narrow), nn.ReLU(), nn.Linear(narrow, outputs)),
        )
        return assemble(body, head, unit, classes)
