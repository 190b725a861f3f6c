"""Inner layers of a network by name, and what their neurons answer.

phi_{l,i}(x), the output of neuron i of layer l, is the mean of channel i over all positions where the layer answers
with maps (N, C, h, w) or tokens (N, T, C), and the value itself where it answers with vectors (N, C).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from benchmark.errors import Inapplicable, InputError, near_misses
from benchmark.networks.network import Network

RECTIFIERS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU)  # all have a kink at 0
ELEMENTWISE = (
    *(nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm, nn.Identity, nn.Dropout),
    *(*RECTIFIERS, nn.GELU, nn.SiLU, nn.ELU, nn.Hardswish),
)


def rectifiers(network: nn.Module) -> list[nn.Module]:
    """The modules of rectified linear units.

    Raises:
        Inapplicable: there are none.
    """
    found: list[nn.Module] = [module for module in network.modules() if isinstance(module, RECTIFIERS)]
    if not found:
        raise Inapplicable("the network has no rectified linear units (nn.ReLU, nn.PReLU)")
    return found


def shallow(body: nn.Module) -> str:
    """The name of the first layer with two convolutions or linear layers behind it, its norm and activation included.

    A residual block counts as one layer, so that it is the block's output, which pruning the inside leaves as wide.

    Raises:
        Inapplicable: the body has fewer.
    """
    passed, name = 0, ""
    for path, module in _units(body):
        if passed >= 2 and not isinstance(module, ELEMENTWISE):
            break
        passed += sum(isinstance(inner, (nn.Conv2d, nn.Linear)) for inner in module.modules())
        name = path
    if passed < 2:
        raise Inapplicable("the network's body has no layer with two convolutions or linear layers behind it")
    return name


def layer_name(network: Network, name: str) -> str:
    """`name` if the network's body has such a layer, its shallow one for `auto`.

    Raises:
        InputError: there is none of that name.
        Inapplicable: the body has no inner layer that `auto` could take.
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
        InputError: the layer is never reached, or answers with neither maps, tokens nor vectors.
    """

    def stop(_: nn.Module, __: object, output: Tensor) -> None:
        raise _Reached(output)

    layer = network.body.get_submodule(name)
    hook = layer.register_forward_hook(stop)
    try:
        network.features(x)
    except _Reached as reached:
        output = reached.output
    else:
        raise InputError(f"layer: «{name}» is never run")
    finally:
        hook.remove()
    if not isinstance(output, Tensor) or output.ndim not in (2, 3, 4):
        raise InputError(f"layer: «{name}» answers with neither maps, tokens nor vectors; name another one")
    first = isinstance(layer, (nn.Conv2d, nn.BatchNorm2d))
    last = isinstance(layer, nn.Linear) or (network.channels_last and not first)
    return over_places(output.permute(0, 3, 1, 2) if last and output.ndim == 4 else output)


def over_places(output: Tensor) -> Tensor:
    """Means (N, C) over the places of maps (N, C, h, w) or over tokens (N, T, C); vectors (N, C) as they are."""
    if output.ndim == 4:
        return output.mean(dim=(2, 3))
    return output.mean(dim=1) if output.ndim == 3 else output


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
