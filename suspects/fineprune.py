"""Fine-pruning: units that clean images leave idle are cut, then the rest is fine-tuned (Liu et al., RAID 2018)."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from benchmark.contracts.suspect import Ingredients, Suspect
from benchmark.contracts.truth import Relation
from benchmark.data.base import ImageSet
from benchmark.errors import Inapplicable
from benchmark.networks.channels import depthwise
from benchmark.networks.layers import over_places
from benchmark.networks.network import Network
from benchmark.spec.component import setting
from benchmark.training.trainer import freeze


class FinePruning(Suspect, name="suspect/fine_pruning"):
    """Zeroes the `ratio` of feature channels (the last maps', tokens') least active on clean images, fine-tunes.

    A channel is zeroed where it is read, for then nothing of it is left, whatever a batch norm or an activation would
    make of zeroed weights. It stays zero while the network is fine-tuned.
    """

    ratio: float = setting(default=0.5, above=0, high=0.99)
    epochs: int = setting(default=5, low=1)
    learning_rate: float = setting(default=0.001, above=0)

    relation: ClassVar[Relation] = Relation.MODIFIED

    def derive(self, given: Ingredients) -> Network:
        network = given.copy_of_victim()
        activity = mean_activity(network, given.data.train)
        idle = activity.argsort(stable=True)[: math.floor(self.ratio * len(activity) + 1e-9)]
        reader = first_reader(network.head)
        prune.custom_from_mask(reader, "weight", reader_mask(reader, idle, len(activity)))
        training = dataclasses.replace(given.task.training, epochs=self.epochs, learning_rate=self.learning_rate)
        network = given.fit(network, given.data.train, given.task.loss, training, given.seed)
        prune.remove(reader, "weight")
        return freeze(network)


@torch.no_grad()
def mean_activity(network: Network, data: ImageSet, chunk: int = 512) -> Tensor:
    """Mean |A| (C,) of each channel of `features` over images and places or tokens."""
    sums = [
        over_places(network.features(data.pixels(slice(i, i + chunk))).abs()).sum(dim=0)
        for i in range(0, len(data), chunk)
    ]
    return torch.stack(sums).sum(dim=0) / len(data)


def first_reader(head: nn.Module) -> nn.Conv2d | nn.Linear:
    """The layer of a head that reads the features."""
    return next(module for module in head.modules() if isinstance(module, (nn.Conv2d, nn.Linear)))


def reader_mask(reader: nn.Conv2d | nn.Linear, channels: Tensor, width: int) -> Tensor:
    """1 where `reader.weight` reads one of `width` feature channels that stays, 0 where it reads one of `channels`.

    Raises:
        Inapplicable: the reader does not read them channel by channel.
    """
    mask = torch.ones_like(reader.weight)
    inputs = reader.in_channels if isinstance(reader, nn.Conv2d) else reader.in_features
    grouped = isinstance(reader, nn.Conv2d) and reader.groups > 1
    if inputs % width or (grouped and not depthwise(reader)):
        raise Inapplicable(f"the head's first layer reads {inputs} numbers, not {width} channels one by one")
    if grouped:
        mask[channels] = 0  # its filter c reads channel c
    elif isinstance(reader, nn.Conv2d):
        mask[:, channels] = 0
    else:  # maps were flattened, channel by channel
        mask.reshape(len(mask), width, -1)[:, channels] = 0
    return mask
