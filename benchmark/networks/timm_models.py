"""Any architecture of timm's by its name."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.compat import ensure_torchvision
from benchmark.errors import InputError, near_misses
from benchmark.networks.network import Network, PoolLinear, assemble
from benchmark.networks.weights import Startable, timm_model

OURS = ("num_classes", "global_pool", "in_chans", "pretrained", "features_only", "checkpoint_path")


class TimmModel(Startable, name="network/timm"):
    """timm's model `name` as the body, and a pooling and one linear layer of the house's as the head.

    Whether the body answers with maps, tokens or vectors is found out. Maps and tokens are averaged, or the class token
    is taken where there is one. What timm computes between its own pooling and classifier, such as MobileNetV3's hidden
    layer, is computed at each place instead, before the pooling. Weights are drawn as timm draws them.

    Attributes:
        name: as `timm.list_models()` has it.
        options: `key=value` for timm's model, such as `img_size=32`, `patch_size=4`, `depth=2`.
    """

    name: str = "resnet18"
    options: tuple[str, ...] = ()

    def check(self) -> None:
        _layout(self.name, self.options)

    def network(self, outputs: int, *, unit: tuple[float, float] | None = None, classes: int = 0) -> Network:
        layout = _layout(self.name, self.options)
        body = _create(self.name, self.options, pooled=layout.pooled)
        if layout.size:
            body.register_forward_pre_hook(_FixedSize(self.name, layout.size))
        head: nn.Sequential
        if layout.kind == "maps":
            head = PoolLinear(layout.channels, outputs)
        elif layout.kind == "tokens":
            head = nn.Sequential(PoolTokens(layout.prefix, layout.class_token), nn.Linear(layout.channels, outputs))
        else:
            head = nn.Sequential(nn.Linear(layout.channels, outputs))
        return assemble(body, head, unit, classes, channels_last=layout.channels_last)


class PoolTokens(nn.Module):
    """One vector (N, C) of tokens (N, T, C): the first, the class token, or the mean of all but the first `prefix`."""

    def __init__(self, prefix: int, class_token: bool):
        super().__init__()
        self.prefix, self.class_token = prefix, class_token

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens[:, 0] if self.class_token else tokens[:, self.prefix :].mean(dim=1)


@dataclass(frozen=True)
class Layout:
    """What a timm model without its head answers with.

    Attributes:
        kind: `maps`, `tokens` or `vectors`.
        channels: C of them.
        channels_last: maps are (N, h, w, C).
        prefix: tokens in front that stand for no part of the picture.
        class_token: the first of them is the class token.
        pooled: the model cannot do without a pooling of its own.
        size: height and width of the pictures where only one will do.
    """

    kind: str
    channels: int
    channels_last: bool
    prefix: int
    class_token: bool
    pooled: bool
    size: tuple[int, int] | None


class _FixedSize:
    """Refuses pictures of another size before the model fails on them."""

    def __init__(self, name: str, size: tuple[int, int]) -> None:
        self.name, self.size = name, size

    def __call__(self, _: nn.Module, inputs: tuple[Tensor]) -> None:
        height, width = inputs[0].shape[2:]
        if (height, width) != self.size:
            raise InputError(
                f"options: {self.name} takes pictures of {self.size[0]}x{self.size[1]} pixels, these have "
                f"{height}x{width}; give 'img_size={height}'"
            )


@lru_cache(maxsize=64)
def _layout(name: str, options: tuple[str, ...]) -> Layout:
    """The layout, from a run on torch's meta device, where nothing is computed or drawn.

    Raises:
        InputError: timm has no such model, or it does not take the options.
    """
    pooled = False
    with torch.device("meta"):
        try:
            model = _create(name, options)
        except AssertionError:  # some cannot be built without a pooling
            model, pooled = _create(name, options, pooled=True), True
        (height, width), fixed = _size(_parsed(options), model.pretrained_cfg)
        try:
            found = model.eval()(torch.zeros(1, 3, height, width))
        except Exception as error:  # the model's own, of any type
            raise InputError(
                f"options: {name} does not run on {height}x{width} pixels ({_first_line(error)})"
            ) from None
    if not isinstance(found, Tensor) or found.ndim not in (2, 3, 4):
        raise InputError(f"name: {name} answers with neither maps, tokens nor vectors, take another model")
    widths = {model.num_features, getattr(model, "head_hidden_size", model.num_features)}
    last = found.ndim == 4 and found.shape[3] in widths
    if last and found.shape[1] in widths:  # both could be channels
        last = getattr(model, "output_fmt", "NCHW") == "NHWC"
    class_token = getattr(model, "cls_token", None) is not None
    prefix = getattr(model, "num_prefix_tokens", None) or int(class_token)
    return Layout(
        kind={2: "vectors", 3: "tokens", 4: "maps"}[found.ndim],
        channels=found.shape[1] if found.ndim == 4 and not last else found.shape[-1],
        channels_last=last,
        prefix=prefix,
        class_token=class_token,
        pooled=pooled,
        size=(height, width) if fixed else None,
    )


def _size(given: Mapping[str, Any], config: Mapping[str, Any]) -> tuple[tuple[int, int], bool]:
    """Height and width of the pictures that a model is made for, and whether it takes no others."""
    size = given.get("img_size", config["input_size"][1:])
    height, width = size if isinstance(size, (tuple, list)) else (size, size)
    free = given.get("dynamic_img_size") or not given.get("strict_img_size", True)
    return (height, width), bool(config.get("fixed_input_size")) and not free


def _create(name: str, options: tuple[str, ...], *, pooled: bool = False) -> Any:
    """timm's model without its classifier, and without its pooling unless `pooled`.

    Raises:
        AssertionError: the model cannot be without its pooling.
        InputError: timm has no such model, or it does not take the options.
    """
    ensure_torchvision()
    import timm

    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), n=3, cutoff=0.5)
        clause = near_misses(name, near) if near else "timm.list_models() has them all"
        raise InputError(f"name: timm has no model {name!r}, {clause}")
    settings = _parsed(options)
    try:
        return timm_model(name, **settings, pooled=pooled)
    except Exception as error:  # timm's own, of any type, for what an option makes of the model
        if isinstance(error, AssertionError) and not pooled:
            raise
        raise InputError(f"options: {name} does not take {list(options)} ({_first_line(error)})") from None


def _parsed(options: tuple[str, ...]) -> dict[str, Any]:
    """Options `key=value` as keyword arguments, values as Python literals or else text."""
    found: dict[str, Any] = {}
    for option in options:
        key, equals, text = (part.strip() for part in option.partition("="))
        if not (equals and key.isidentifier() and text):
            raise InputError(f"options: needs 'key=value' such as 'img_size=32', got {option!r}")
        if key in OURS:
            raise InputError(f"options: {key!r} is given by the task and the house, leave it out")
        if key in found:
            raise InputError(f"options: {key!r} is given twice")
        try:
            found[key] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            found[key] = text
    return found


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0] or type(error).__name__
