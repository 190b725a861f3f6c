"""Grad-CAM (Selvaraju et al. 2017) that can be differentiated again: Eq. 1 and 2 of the saliency paper."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmark.errors import Inapplicable
from benchmark.networks.network import Network
from benchmark.tasks.base import Scorer


def class_map(network: Network, maps: Tensor, scorer: Scorer, *, create_graph: bool = False) -> tuple[Tensor, Tensor]:
    """The map sum_k w_k A^k before its ReLU (N, h, w), and the network's output.

    w_k is the mean over cells of dF/dA^k (Eq. 1). The score is differentiated with respect to the feature map only.

    Args:
        maps: A = network.maps(x), (N, C, h, w).
        scorer: F as a function of the output.
        create_graph: keep the graph, for gradients of the map with respect to x (a second differentiation).
    """
    if not maps.requires_grad:
        maps = maps.detach().requires_grad_(True)
    with torch.enable_grad():
        output = network.head(maps)
        (gradient,) = torch.autograd.grad(scorer(output).sum(), maps, create_graph=create_graph, retain_graph=True)
        weights = gradient.mean(dim=(2, 3), keepdim=True)
        combined = (weights * maps).sum(dim=1)
    return (combined, output) if create_graph else (combined.detach(), output.detach())


def class_map_pooled(network: Network, maps: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """The same map in closed form, for the logit of class `label` (N,) and a global mean pool with one linear layer.

    There dF_c/dA^k is W_ck / (h w) in every cell, so nothing has to be differentiated twice.

    Raises:
        ValueError: the network's head is another.
    """
    matrix = network.class_weights()
    if matrix is None:
        raise ValueError("the closed form needs a head of global mean pool and one linear layer")
    weights = matrix[label] / (maps.shape[2] * maps.shape[3])
    return torch.einsum("nk,nkhw->nhw", weights, maps), network.head(maps)


def normalise(combined: Tensor, norm: str) -> Tensor:
    """S_hat = S / ||S|| with S = ReLU(map) (N, h, w); a map that is zero everywhere stays zero.

    Args:
        norm: `max` (values in [0, 1], the peak is 1), `l2`, or `minmax` of the map before its ReLU.
    """
    if norm == "minmax":
        low = combined.amin(dim=(1, 2), keepdim=True)
        combined = combined - low
    positive = F.relu(combined)
    size = positive.pow(2).sum(dim=(1, 2), keepdim=True).sqrt() if norm == "l2" else positive.amax((1, 2), keepdim=True)
    return torch.where(size > 0, positive / size.clamp_min(1e-12), torch.zeros_like(positive))


def covered(pattern: int, cells: tuple[int, int], pixels: tuple[int, int]) -> tuple[int, int]:
    """How many rows and columns of a picture lie under the cells of the map where P is 1, those in its corner.

    Args:
        cells: height and width of the map.
        pixels: height and width of the picture.

    Raises:
        Inapplicable: P covers all of the map.
    """
    corner = F.interpolate(rasterise(pattern, *cells)[None, None], size=pixels, mode="nearest")[0, 0]
    return int(corner[:, 0].sum()), int(corner[0].sum())


def rasterise(pattern: int, height: int, width: int) -> Tensor:
    """P: the `pattern` x `pattern` grid with 1 in its top left cell, at (height, width) by nearest neighbour.

    Raises:
        Inapplicable: P covers all of it, so that there is nothing to tell the corner from.
    """
    grid = torch.zeros(1, 1, pattern, pattern)
    grid[..., 0, 0] = 1
    raster = F.interpolate(grid, size=(height, width), mode="nearest")[0, 0]
    if raster.all():
        raise Inapplicable(f"the network's map is {height}x{width}, all of it corner; larger images have larger maps")
    return raster
