"""DeepJudge's white box: images that drive single neurons to extremes, distances NOD, NAD, LOD and LAD on them.

phi_{l,i}(x) is the output of neuron i of layer l, f_l(x) the vector of all N_l of them, S its step function: 1 where
the output, brought to [0, 1] by the least and the largest of its layer on x, exceeds theta. x in T was made for i.

    NOD = mean |phi_{l,i}(x) - phi^S_{l,i}(x)|              NAD = mean |S(phi_{l,i}(x)) - S(phi^S_{l,i}(x))|
    LOD = mean ||f_l(x) - f^S_l(x)||_p                      LAD = mean of NAD over all N_l neurons
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar

import torch
from torch import Tensor

from benchmark.access.access import WHITE_BOX, WhiteBox
from benchmark.contracts.fingerprint import Verifier
from benchmark.contracts.owner import Owner
from benchmark.contracts.prints import Prints
from benchmark.crafting.active import Minimised, minimise
from benchmark.crafting.descent import AdamDescent
from benchmark.data.base import draw
from benchmark.errors import Inapplicable, InputError
from benchmark.networks.layers import largest, layer_name, neuron_outputs
from benchmark.networks.network import Network
from benchmark.spec.component import setting
from benchmark.tasks.base import Payload, Task
from fingerprints.deepjudge.distances import DeepJudge, DistanceVerifier

SPARE = 32  # seeds that are tried at once at least
GIVEN_UP = 3  # seeds that fail in a row, after which a neuron that none has reached gets no other


class DeepJudgeWhite(DeepJudge, name="fingerprint/deepjudge_white"):
    """Test cases are those that drive a neuron past its bar k_i = m max phi_{l,i}, over training images.

    Attributes:
        layer: its name in the network's body; `auto` is the first with two convolutions or linear layers
            behind it.
        m: the bar as a multiple of the largest output seen.
        images: how many training images are looked at for that.
        starts: number of seeds.
        learning_rate: of Adam, on pixels.
        steps: of Adam at most.
        clip: keep to pictures in [0, 1] on the way. Prints are pictures in any case, so that without it what crossed
            the bar outside is brought back at the end, and may fall below the bar again.
        theta: of the step function S.
        p: of LOD's norm.
        repo_scale: show NAD and LAD as the released code prints them: as often as large as there are neurons, for NAD
            those that test cases were made for, for LAD all N_l.
    """

    display: ClassVar[str] = "DeepJudge white box"
    displays: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "nod": "DeepJudge NOD",
            "nad": "DeepJudge NAD",
            "lod": "DeepJudge LOD",
            "lad": "DeepJudge LAD",
            "white": "DeepJudge white box",
        }
    )

    layer: str = "auto"
    m: float = setting(default=3.0, above=0)
    images: int = setting(default=20000, low=1)
    starts: int = setting(default=100, low=1)
    learning_rate: float = setting(default=0.01, above=0)
    steps: int = setting(default=1000, low=1)
    clip: bool = True
    alpha: float = setting(default=0.6, above=0, high=1, stage="score")
    theta: float = setting(default=0.5, low=0, high=1)
    p: float = setting(default=2.0, low=1)
    repo_scale: bool = setting(default=False, stage="score")
    chunk: int = setting(default=512, low=1, stage="runtime")

    distances: ClassVar[tuple[str, ...]] = ("nod", "nad", "lod", "lad")
    whole: ClassVar[str] = WHITE_BOX

    def verifiers(self, task: Task) -> Mapping[str, Verifier]:
        single = {name: LayerDistance(self, name) for name in self.distances}
        return {**single, "white": LayerDistance(self, *self.distances)}

    def generate(self, owner: Owner, count: int, generator: torch.Generator) -> Prints:
        victim, test = owner.victim, owner.data.test
        layer = layer_name(victim, self.layer)
        bars = self.m * largest(victim, layer, self._training_images(owner))
        index = self.seeds(owner, generator)[: self.starts]
        seed, neuron, samples, notes = self._cases(victim, layer, test.pixels(index), bars, count, generator)
        kind = type(victim.body.get_submodule(layer)).__name__
        with torch.no_grad():
            outputs = neuron_outputs(victim, layer, samples)
        payload = {"neuron": neuron, "layer": written(f"{kind} {layer}", count).to(samples.device), "outputs": outputs}
        if not owner.task.no_label:
            payload["label"] = test.targets[index[seed]]
        notes = {"layer": layer, **notes, "neurons": len(neuron.unique()), "dead": int((bars <= 0).sum())}
        below = outputs.gather(1, neuron[:, None]).squeeze(1) <= bars[neuron]
        notes |= {} if self.clip else {"below the bar": below.double().mean().item()}
        return self.calibrated(owner, Prints(samples, test.pixels(index[seed]), payload, notes))

    def _training_images(self, owner: Owner) -> Iterator[Tensor]:
        train = owner.data.train
        for part in torch.arange(min(self.images, len(train)), device=train.images.device).split(self.chunk):
            yield train.pixels(part)

    def _cases(
        self, victim: Network, layer: str, x: Tensor, bars: Tensor, count: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor, dict[str, object]]:
        """`count` test cases: which of the seeds x each began at, its neuron, its sample, and notes.

        Neurons take turns, each time with another seed; one that several seeds have failed to reach is left out.
        """
        alive = torch.nonzero(bars > 0).squeeze(1)
        pairs = turns(draw(alive, len(alive), generator), len(x))
        failed, reached = torch.zeros_like(bars), torch.zeros_like(bars, dtype=torch.bool)
        kept, found, tried, steps = [], 0, 0, 0
        while found < count and len(pairs):
            now, pairs = pairs[: max(count - found, SPARE)], pairs[max(count - found, SPARE) :]
            samples, crossed, used = self._drive(victim, layer, x[now[:, 0]], now[:, 1], bars[now[:, 1]])
            kept.append((now[crossed, 0], now[crossed, 1], samples[crossed]))
            reached[now[crossed, 1]] = True
            failed += torch.bincount(now[~crossed, 1], minlength=len(bars))
            tried, found, steps = tried + len(now), found + int(crossed.sum()), steps + int(used.sum())
            pairs = pairs[(reached | (failed < GIVEN_UP))[pairs[:, 1]]]
        if found < count:
            raise InputError(
                f"count: {found} of {tried} seeds drove a neuron of layer {layer} past its bar, {count} wanted; "
                "a smaller count or m, or more steps, would do"
            )
        seed, neuron, samples = (torch.cat(items)[:count] for items in zip(*kept, strict=True))
        unreached = int((~reached & (failed > 0)).sum())
        notes: dict[str, object] = {"accepted": found / tried, "unreached": unreached, "steps taken": steps / tried}
        outside = (samples.clamp(0, 1) != samples).flatten(1).any(dim=1).double().mean().item()
        return seed, neuron, samples.clamp(0, 1), notes | ({} if self.clip else {"outside [0,1]": outside})

    def _drive(
        self, victim: Network, layer: str, x: Tensor, neuron: Tensor, bar: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Samples (N, 3, H, W), whether each crossed its bar (N,), and after how many steps (N,)."""
        parts = zip(*(each.split(self.chunk) for each in (x, neuron, bar)), strict=True)
        found = zip(*(self._ascend(victim, layer, *part) for part in parts), strict=True)
        samples, crossed, steps = (torch.cat(items) for items in found)
        return samples, crossed, steps

    def _ascend(self, victim: Network, layer: str, x: Tensor, neuron: Tensor, bar: Tensor) -> Minimised:
        """Adam on all pairs at once; one leaves the batch as it is at the first sight of phi > k."""

        def objective(point: Tensor, active: Tensor) -> tuple[Tensor, Tensor]:
            output = neuron_outputs(victim, layer, point).gather(1, neuron[active, None]).squeeze(1)
            return -output, output > bar[active]

        return minimise(objective, x, AdamDescent(self.learning_rate), self.steps, clip=self.clip)

    def terms(self, suspect: WhiteBox, samples: Tensor, payload: Payload) -> Tensor:
        own, neuron = payload["outputs"], payload["neuron"][:, None]
        network = suspect.inspect(len(samples), inner_only=True)
        layer = same_layer(network, read(payload["layer"]))
        with torch.no_grad():
            found = torch.cat([neuron_outputs(network, layer, x) for x in samples.split(self.chunk)])
        if found.shape != own.shape:
            raise Inapplicable(f"layer {layer} has {found.shape[1]} neurons instead of {own.shape[1]}")
        apart, flips = (found - own).abs(), (activated(found, self.theta) != activated(own, self.theta)).to(own)
        single = [each.gather(1, neuron).squeeze(1) for each in (apart, flips)]
        return torch.stack([*single, apart.norm(self.p, dim=1), flips.mean(dim=1)], dim=1)

    def factors(self, payload: Payload) -> Tensor:
        tested, neurons = (len(payload["neuron"].unique()), payload["outputs"].shape[1]) if self.repo_scale else (1, 1)
        return torch.tensor([1.0, tested, 1.0, neurons], dtype=torch.double)


class LayerDistance(DistanceVerifier):
    """Distances between two models' answers in one layer; one image a print."""

    access = WHITE_BOX


def turns(neurons: Tensor, seeds: int) -> Tensor:
    """All pairs (seed, neuron), (P, 2): round by round every neuron once, its seed another one each round.

    >>> turns(torch.tensor([4, 7]), 3).tolist()
    [[0, 4], [1, 7], [1, 4], [2, 7], [2, 4], [0, 7]]
    """
    place = torch.arange(len(neurons), device=neurons.device)
    rounds = [torch.stack([(place + r) % seeds, neurons], dim=1) for r in range(seeds)]
    return torch.cat(rounds)


def activated(outputs: Tensor, theta: float) -> Tensor:
    """S (N, N_l) of a layer's outputs (N, N_l), as booleans; a layer whose outputs are all alike has none."""
    low, high = outputs.amin(dim=1, keepdim=True), outputs.amax(dim=1, keepdim=True)
    return (outputs - low) / (high - low + 1e-6) > theta


def written(text: str, count: int) -> Tensor:
    """A text as UTF-8 bytes (count, L), one row a print, for a payload."""
    return torch.tensor(list(text.encode()), dtype=torch.uint8).expand(count, -1).contiguous()


def read(rows: Tensor) -> str:
    """The text that `written` wrote."""
    return bytes(rows[0].tolist()).decode()


def same_layer(network: Network, described: str) -> str:
    """The name in «kind name», if the network's body has that layer.

    Raises:
        Inapplicable: it has not, or the layer is of another kind.
    """
    kind, _, name = described.partition(" ")
    layer = dict(network.body.named_modules()).get(name)
    if layer is None:
        raise Inapplicable(f"the network has no layer {name}")
    if type(layer).__name__ != kind:
        raise Inapplicable(f"layer {name} is a {type(layer).__name__} instead of a {kind}")
    return name
