"""Which layers of a network share channels, by torch-pruning's graph of it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.errors import Inapplicable
from benchmark.networks.channels import known
from benchmark.networks.network import Network


def channel_groups(
    network: Network, example: Tensor, kinds: Sequence[type[nn.Module]], ignored: Sequence[nn.Module] = ()
) -> tuple[Any, list[Any]]:
    """torch-pruning's graph of the network and its groups of layers that share channels, those of `kinds` at the root.

    Args:
        example: pixels (N, 3, H, W) that trace the graph.
        ignored: layers whose outputs keep their order; groups with one of them are left out.

    Raises:
        Inapplicable: weights lie in a layer of an unknown kind, or the network cannot be traced.
    """
    import torch_pruning as tp

    for part, top in (("body", network.body), ("head", network.head)):
        for name, module in top.named_modules(prefix=part):
            own = next((key for key, _ in module.named_parameters(recurse=False)), "")
            if own and not known(module):
                kind = type(module).__name__ + (" in groups" if isinstance(module, nn.Conv2d) else "")
                raise Inapplicable(f"how channels lie in {name}.{own} ({kind}) is not known")
    loose = [(network.prototypes, 1)] if network.prototypes is not None else []  # no part of the traced graph
    network.requires_grad_(True)
    with warnings.catch_warnings(), torch.enable_grad():  # the graph is read off autograd
        warnings.simplefilter("ignore")
        try:
            graph = tp.DependencyGraph().build_dependency(network, example, unwrapped_parameters=loose)
            groups = list(graph.get_all_groups(ignored_layers=[*ignored], root_module_types=[*kinds]))
        except (MemoryError, OSError, torch.OutOfMemoryError, torch.AcceleratorError):
            raise  # of the machine, not of the network
        except Exception as error:  # the tracer's own, of any type: it knows some operations only
            raise Inapplicable(f"which layers share channels cannot be traced ({type(error).__name__})") from error
    return graph, groups
