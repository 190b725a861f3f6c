"""Characteristic examples: noise that the victim alone reads as an assigned class (Wang et al., IJCAI 2021).

Three stages, each containing the one before. C: sign descent from noise on CE(f_theta(x), t). RC: against pruning, the
gradient is the mean over noisy weights theta + n_q. LTRC: against unrelated models, which share what they see in low
frequencies, every step passes a high-pass filter. No data is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional as F

from benchmark.contracts.owner import Owner
from benchmark.contracts.prints import Prints
from benchmark.networks.network import Network
from benchmark.spec.component import setting
from fingerprints.labels import LabelFingerprint

Weights = dict[str, Tensor]


class LTRC(LabelFingerprint, name="fingerprint/ltrc"):
    """x <- clip_[0,1](x - HP(step sign(1/q sum_q grad_x CE(f_{theta + n_q}(x), t)))) from x0 uniform in [0, 1].

    Stage ltrc starts from clip(HP(x0) + 0.5); c and rc leave HP out, c the noise too. The q = `draws` noises are drawn
    anew in every step, so that few draws over many steps do what many draws over few would. n is uniform in
    (-delta, delta), or normal with a deviation of delta |theta|.

    Labels t are as many of each class as of any other. A print is accepted if the victim gives t at least the
    probability `confident` and, where there is noise, a share `agree` of `copies` noisy victims answers t. What is not
    is made anew from other noise for the same t, `rounds` times at most; then each t keeps the best that it had.

    The match is with t, which the owner chose, so that the victim's own score shows how many prints came out.
    """

    display: ClassVar[str] = "LTRC"

    stage: str = setting(default="ltrc", choices=("ltrc", "rc", "c"))
    cutoff: float = setting(default=0.125, above=0, high=1)
    noise: str = setting(default="uniform", choices=("uniform", "relative"))
    delta: float = setting(default=0.005, low=0)
    draws: int = setting(default=2, low=1)
    step: float = setting(default=0.01, above=0)
    steps: int = setting(default=100, low=1)
    confident: float = setting(default=0.9, low=0, high=1)
    copies: int = setting(default=10, low=1)
    agree: float = setting(default=0.9, low=0, high=1)
    rounds: int = setting(default=2, low=1)
    chunk: int = setting(default=256, low=1, stage="runtime")

    def generate(self, owner: Owner, count: int, generator: torch.Generator) -> Prints:
        victim, like = owner.victim, owner.data.train.pixels(slice(0, 1))  # of the data, the images' shape only
        goal = balanced_labels(count, victim.last.out_features, generator).to(like.device)
        samples = like.new_empty((count, *like.shape[1:]))
        quality, accepted = like.new_full((count,), -1.0), torch.zeros(count, dtype=torch.bool, device=like.device)
        tried = 0
        for _ in range(self.rounds):
            index = torch.nonzero(~accepted).squeeze(1)
            if not len(index):
                break
            start = torch.rand((len(index), *like.shape[1:]), generator=generator, dtype=like.dtype).to(like.device)
            found = self._descend(victim, start, goal[index], generator)
            probability, agreement = self._judge(victim, found, goal[index], generator)
            mean = (probability + agreement) / 2
            better = mean > quality[index]
            samples[index[better]], quality[index[better]] = found[better], mean[better]
            good = (probability >= self.confident) & (agreement >= self.agree)
            samples[index[good]], accepted[index[good]] = found[good], True
            tried += len(index)
        notes = {"tried": tried, "accepted": accepted.double().sum().item() / tried}
        return Prints(samples, None, {"answer": goal, "label": goal.clone()}, notes)

    def _descend(self, victim: Network, x: Tensor, goal: Tensor, generator: torch.Generator) -> Tensor:
        """Sign descent of all prints at once; in one step all of them meet the same noisy victims."""
        if self.stage == "ltrc":
            x = (high_pass(x, self.cutoff) + 0.5).clamp(0, 1)
        for _ in range(self.steps):
            draws = self._draws(victim, self.draws, generator)
            parts = zip(x.split(self.chunk), goal.split(self.chunk), strict=True)
            gradient = torch.cat([mean_gradient(victim, draws, *part) for part in parts])
            move = self.step * gradient.sign()
            x = (x - (high_pass(move, self.cutoff) if self.stage == "ltrc" else move)).clamp(0, 1)
        return x

    def _draws(self, victim: Network, number: int, generator: torch.Generator) -> list[Weights]:
        """Noisy weights, or in stage c the victim's own alone."""
        if self.stage == "c":
            return [{}]
        return [noisy_weights(victim, self.noise, self.delta, generator) for _ in range(number)]

    @torch.no_grad()
    def _judge(self, victim: Network, x: Tensor, goal: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The victim's probability of t, and the share of noisy victims that answer t, per print (N,)."""
        probability = victim(x).softmax(dim=1).gather(1, goal[:, None]).squeeze(1)
        answers = [functional_call(victim, w, (x,)).argmax(dim=1) for w in self._draws(victim, self.copies, generator)]
        return probability, torch.stack([answer == goal for answer in answers]).to(x.dtype).mean(dim=0)


def balanced_labels(count: int, classes: int, generator: torch.Generator) -> Tensor:
    """`count` classes (N,) in random order, no class more than once oftener than another."""
    order = torch.randperm(classes, generator=generator)  # so that what is left over is of random classes
    labels = order[torch.arange(count) % classes]
    return labels[torch.randperm(count, generator=generator)]


def noisy_weights(network: Network, noise: str, delta: float, generator: torch.Generator) -> Weights:
    """Copies, with noise on them, of the convolutions' and linear layers' weights theta, by name.

    Biases and batch norm stay as they are: noise on a normalisation's scale would explode in the layers behind it.

    Args:
        noise: `uniform` in (-delta, delta), or `relative`, normal with the deviation delta |theta|.
    """
    weights = {}
    for name, layer in network.weighted().items():
        theta = layer.weight
        if noise == "uniform":
            n = torch.rand(theta.shape, generator=generator, dtype=theta.dtype) * 2 - 1
        else:
            n = torch.randn(theta.shape, generator=generator, dtype=theta.dtype)
        weights[f"{name}.weight"] = theta + delta * n.to(theta.device) * (1 if noise == "uniform" else theta.abs())
    return weights


def mean_gradient(network: Network, draws: Sequence[Weights], x: Tensor, goal: Tensor) -> Tensor:
    """1/q sum_q grad_x CE(f_{theta_q}(x), t) per print (N, 3, H, W), t = `goal` (N,); the network is not changed.

    Args:
        draws: for each of the q networks, the weights in which it differs from `network`.
    """
    x = x.detach().requires_grad_(True)
    total = torch.zeros_like(x)
    for weights in draws:
        loss = F.cross_entropy(functional_call(network, weights, (x,)), goal, reduction="sum")
        total += torch.autograd.grad(loss, x)[0]
    return total.detach() / len(draws)


def high_pass(images: Tensor, cutoff: float) -> Tensor:
    """Images (N, C, H, W) without their low frequencies.

    Set to 0 are, in the two-dimensional Fourier transform of each channel, the frequencies with |f_y| < cutoff H / 2
    and |f_x| < cutoff W / 2, in cycles an image: a square around the mean, which always goes, of the share `cutoff` of
    each side.
    """
    low = [
        (torch.fft.fftfreq(size, 1 / size, device=images.device).abs() < cutoff * size / 2) for size in images.shape[2:]
    ]
    spectrum = torch.fft.fft2(images).masked_fill(low[0][:, None] & low[1][None, :], 0)
    return torch.fft.ifft2(spectrum).real
