"""Architectures out of timm, and weights out of a file of the user's. Nothing is downloaded."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from benchmark.compat import ensure_torchvision
from benchmark.errors import InputError
from benchmark.networks.network import Architecture, Network
from benchmark.paths import located
from benchmark.spec.component import setting


class Startable(Architecture):
    """An architecture whose training may start from a file: victim, independent models and students alike.

    The file's content, not its place, is part of a model's identity.

    Attributes:
        init: a safetensors or torch state dict in timm's names that has every tensor of the body (the head stays as
            drawn), or `scratch` for none.
    """

    init: str = setting(default="scratch", stage="runtime")

    def content(self) -> str:
        """The file's digest.

        Raises:
            InputError: there is no such file, or it is no state dict.
        """
        return "" if self.init == "scratch" else _digest(self.init)

    def start(self, network: Network) -> Network:
        """The network with the file's weights in its body, in place.

        Raises:
            InputError: the file is no state dict, or a tensor of the body is not in it with the same shape.
        """
        if self.init == "scratch":
            return network
        own, given = network.body.state_dict(), _read(self.init)
        fitting = {name: value for name, value in given.items() if name in own and own[name].shape == value.shape}
        missing = [name for name in own if name not in fitting and not name.endswith("num_batches_tracked")]
        if missing:
            raise InputError(
                f"init: {self.init} does not fit this architecture, {len(missing)} of {len(own)} tensors are missing "
                f"or of another shape, the first is {missing[0]}"
            )
        network.body.load_state_dict(fitting, strict=False)
        return network


def timm_model(name: str, *, pooled: bool = False, **settings: Any) -> Any:
    """timm's model without its head, and without its pooling unless `pooled`, drawn from torch's global generator."""
    ensure_torchvision()
    import timm

    pooling = {} if pooled else {"global_pool": ""}
    return timm.create_model(name, pretrained=False, num_classes=0, **pooling, **settings)


@lru_cache(maxsize=4)
def _digest(path: str) -> str:
    file = located(path)
    if not file.is_file():
        raise InputError(f"init: no file {path}; give 'scratch' or a state dict (.safetensors, .pth)")
    _read(path)  # junk is told before any work
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _read(path: str) -> dict[str, Tensor]:
    try:
        if path.endswith(".safetensors"):
            from safetensors.torch import load_file

            return load_file(located(path))
        found = torch.load(located(path), map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(f"init: {path} is no state dict, or damaged; give one, or 'scratch'") from error
    if not (isinstance(found, Mapping) and all(isinstance(value, Tensor) for value in found.values())):
        raise InputError(f"init: {path} is no state dict, which has a tensor by each name; save that part of it alone")
    return dict(found)
