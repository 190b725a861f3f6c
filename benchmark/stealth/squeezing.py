"""Feature squeezing: does the answer change when detail that a natural image can spare is squeezed out? (Xu 2018)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np
import torch
from scipy.ndimage import median_filter
from skimage.restoration import denoise_nl_means
from torch import Tensor

from benchmark.data.base import Splits
from benchmark.errors import InputError, Reason
from benchmark.networks.network import Network
from benchmark.spec.component import setting
from benchmark.stealth.base import Detector, false_positive_threshold
from benchmark.tasks.base import Task

Squeezer = Callable[[Tensor], Tensor]  # pixels (N, 3, H, W) in [0, 1] -> the same, squeezed


class FeatureSqueezing(Detector, name="detector/squeezing"):
    """max over squeezers s of ||f(x) - f(s(x))||_1, f the class probabilities, in [0, 2] (Xu, Evans, Qi, NDSS 2018).

    The defaults are that paper's best joint set for CIFAR-10; for ImageNet it has search 11 and strength 4. A squeezer
    whose `bits`, `median` or `strength` is None is left out.
    """

    display: ClassVar[str] = "feature squeezing"

    bits: int | None = setting(default=5, low=1, high=16)
    median: int | None = setting(default=2, low=1)
    strength: float | None = setting(default=2.0, above=0, high=255)
    search: int = setting(default=13, low=1)
    patch: int = setting(default=3, low=1)
    fixed: float = setting(default=1.0, low=0, high=2)
    fpr: float = setting(default=0.05, above=0, high=0.5)
    chunk: int = setting(default=256, low=1, stage="runtime")

    asks_victim: ClassVar[bool] = True

    def check(self) -> None:
        if not self.squeezers():
            raise InputError("bits, median, strength: at least one must be a number, or nothing is squeezed")
        for name in ("search", "patch"):
            if getattr(self, name) % 2 == 0:
                raise InputError(f"{name}: {getattr(self, name)} pixels have no middle, wants an odd number")

    def inapplicable(self, task: Task) -> Reason:
        return "" if task.kind == "classification" else "feature squeezing compares class probabilities"

    def fit(self, data: Splits, seed: int) -> dict[str, Tensor]:
        return {}

    def squeezers(self) -> dict[str, Squeezer]:
        """The squeezers that are switched on, by name."""
        found: dict[str, Squeezer] = {}
        if (bits := self.bits) is not None:
            found["bit depth"] = lambda x: reduce_depth(x, bits)
        if (median := self.median) is not None:
            found["median"] = lambda x: smooth_median(x, median)
        if (strength := self.strength) is not None:
            found["non-local means"] = lambda x: smooth_non_local(x, self.search, self.patch, strength)
        return found

    @torch.no_grad()
    def distances(self, state: Mapping[str, Tensor], victim: Network | None, x: Tensor) -> Tensor:
        assert victim is not None  # it asks the victim
        return torch.cat([self._distances(victim, part) for part in x.split(self.chunk)])

    def _distances(self, victim: Network, x: Tensor) -> Tensor:
        def probabilities(pixels: Tensor) -> Tensor:
            return victim(pixels).double().softmax(dim=1)

        answer = probabilities(x)
        moved = [(answer - probabilities(squeeze(x))).abs().sum(dim=1) for squeeze in self.squeezers().values()]
        return torch.stack(moved).amax(dim=0).clamp_max(2).float()

    def thresholds(self, clean: Tensor) -> dict[str, float]:
        """`fixed`, and the order statistic above which at most `fpr` of the clean images lie: fpr05 for 0.05."""
        return {"fixed": self.fixed, f"fpr{100 * self.fpr:02g}": false_positive_threshold(clean, self.fpr)}


def reduce_depth(x: Tensor, bits: int) -> Tensor:
    """Pixels in [0, 1] rounded to the nearest of 2^bits levels."""
    levels = 2**bits - 1
    return (x * levels).round() / levels


def smooth_median(x: Tensor, size: int) -> Tensor:
    """The median over a window of `size` x `size` pixels, in each channel of x (N, 3, H, W).

    A window of even size reaches one pixel further up and left than down and right, and its median is the upper of the
    two middle values. Outside, the image is mirrored about its border, the border pixels repeated (d c b a | a b c d).
    """
    smooth = median_filter(_array(x), size=(1, 1, size, size), mode="reflect")
    return torch.from_numpy(smooth).to(x)


def smooth_non_local(x: Tensor, search: int, patch: int, strength: float) -> Tensor:
    """Non-local means (Buades, Coll, Morel 2005) of colour images (N, 3, H, W), on all channels jointly.

    A pixel becomes the mean of the pixels q of a `search` x `search` window around it, weighted by exp(-d(q)^2 / h^2),
    d(q)^2 the mean squared difference between the patches about both pixels, h = strength / 255. This is scikit-image's
    fast mode: of a patch it compares the lower right (patch - 1) x (patch - 1) pixels only, while d^2 is still divided
    by patch^2. OpenCV's filter, of which the published settings are, compares whole patches, in Lab colours.
    """
    images = _array(x).astype(np.float64)  # the fast mode takes differences of running sums: too coarse in float32
    options = {"patch_size": patch, "patch_distance": search // 2, "h": strength / 255}
    smooth = [denoise_nl_means(image, **options, fast_mode=True, channel_axis=0) for image in images]
    return torch.from_numpy(np.stack(smooth)).to(x)


def _array(x: Tensor) -> np.ndarray:
    return x.detach().cpu().numpy()
