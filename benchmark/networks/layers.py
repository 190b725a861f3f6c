"""Inner layers of a network by name, and what their neurons answer.

phi_{l,i}(x), the output of neuron i of layer l, is the mean of channel i over all positions where the layer answers
with maps (N, C, h, w), and the value itself where it answers with vectors (N, C).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from benchmark.errors import InputError, near_misses
from benchmark.networks.network import Network

ELEMENTWISE = (nn.BatchNorm2d, nn.ReLU, nn.PReLU, nn.Identity)


def shallow(body: nn.Module) -> str:
    """The name of the first layer with two convolutions behind it, its norm and activation included.

    A residual block counts as one layer, so that it is the block's output, which pruning the inside leaves as wide.
    """
    passed, name = 0, ""
    for path, module in _units(body):
        if passed >= 2 and not isinstance(module, ELEMENTWISE):
            break
        passed += sum(isinstance(inner, nn.Conv2d) for inner in module.modules())
        name = path
    return name


def layer_name(network: Network, name: str) -> str:
    """`name` if the network's body has such a layer, its shallow one for `auto`.

    Raises:
        InputError: there is none of that name.
    """
    known = [path for path, _ in network.body.named_modules() if path]
    if name == "auto":
        return shallow(network.body)
    if name not in known:
        raise InputError(f"layer: the network's body has no «{name}», {near_misses(name, known)}")
    return name


def neuron_outputs(network: Network, name: str, x: Tensor) -> Tensor:
    """phi_l(x) (N, N_l) of images x (N, 3, H, W); what lies behind the layer is not run.

    Raises:
        InputError: the layer is never reached, or answers with neither maps nor vectors.
    """

    def stop(_: nn.Module, __: object, output: Tensor) -> None:
        raise _Reached(output)

    hook = network.body.get_submodule(name).register_forward_hook(stop)
    try:
        network.features(x)
    except _Reached as reached:
        output = reached.output
    else:
        raise InputError(f"layer: «{name}» is never run")
    finally:
        hook.remove()
    if output.ndim == 4:
        return output.mean(dim=(2, 3))
    if output.ndim != 2:
        raise InputError(f"layer: «{name}» answers with {output.ndim} dimensions, wants maps or vectors")
    return output


def largest(network: Network, name: str, images: Iterator[Tensor]) -> Tensor:
    """The largest phi_{l,i}(x) (N_l,) over batches of images."""
    with torch.no_grad():
        return torch.stack([neuron_outputs(network, name, x).amax(dim=0) for x in images]).amax(dim=0)


class _Reached(Exception):
    """Carries a layer's output out of the forward pass."""

    def __init__(self, output: Tensor) -> None:
        super().__init__()
        self.output = output


def _units(module: nn.Module, path: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The parts of a body in order, containers opened."""
    for name, child in module.named_children():
        inner = f"{path}.{name}" if path else name
        if isinstance(child, nn.Sequential):
            yield from _units(child, inner)
        else:
            yield inner, child
