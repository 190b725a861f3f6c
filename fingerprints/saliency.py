"""Saliency fingerprints (Zhang, Pan, Zhang 2024): prints whose Grad-CAM map lights up a background corner.

min_delta L_sam + lambda L_prd(x + delta, F_c(x))  s.t. ||delta||_p <= xi  (Eq. 4), verified white box by the share of
the map's height in the corner (Eq. 5), black box by how far the answer moves when the corner is covered (Eq. 6).
What the paper leaves open is a setting each; results/DEVIATIONS.md lists them as A1 to A20.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmark.access.access import PROBABILITY, WHITE_BOX, AnswerAPI, WhiteBox
from benchmark.access.target import Target
from benchmark.contracts.fingerprint import Fingerprint, Matcher, Verifier
from benchmark.contracts.owner import Owner
from benchmark.contracts.prints import Prints, first, part
from benchmark.crafting.descent import AdamDescent, Descent, SignDescent
from benchmark.crafting.gradcam import class_map, class_map_pooled, covered, normalise, rasterise
from benchmark.data.base import draw
from benchmark.errors import InputError
from benchmark.networks.network import Network
from benchmark.spec.component import setting
from benchmark.tasks.base import Payload, Scorer, Task


class Saliency(Fingerprint, name="fingerprint/saliency"):
    """The method with every reading of the paper as a setting; the defaults are those of results/DEVIATIONS.md."""

    display: ClassVar[str] = "Saliency"
    displays: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"white": "Saliency white box", "black": "Saliency black box"}
    )

    xi: float = setting(default=0.1, above=0, high=1)
    norm: str = setting(default="linf", choices=("linf", "l2"))  # A1
    xi_space: str = setting(default="pixel", choices=("pixel", "normalised"))  # A2
    start: str = setting(default="random", choices=("random", "zero"))  # A3
    optimiser: str = setting(default="adam", choices=("sign", "adam"))  # A3
    step: float = setting(default=0.01, above=0)  # A3
    steps: int = setting(default=200, low=1)  # A3
    select: str = setting(default="last", choices=("last", "gap"))  # A3
    cam_score: str = setting(default="logit", choices=("logit", "probability"))  # A4
    saliency_norm: str = setting(default="max", choices=("max", "l2", "minmax"))  # A6
    sam_pre_relu: bool = True  # A7
    lam: float = setting(default=0.1, low=0)  # A15
    pattern: int = setting(default=7, low=2)  # A16
    accept: str = setting(default="none", choices=("none", "label", "full"))  # 1.6
    rounds: int = setting(default=3, low=1)
    drop: str = setting(default="abs", choices=("abs", "signed"), stage="score")  # A8
    fill: str = setting(default="black", choices=("black", "mean", "zero_normalised", "blur"))  # A9
    thresholds: str = setting(default="fixed", choices=("fixed", "auto"), stage="score")  # A10
    t_wb: float = setting(default=0.5, low=0, high=1, stage="score")
    t_bb: float | None = setting(default=None, above=0, stage="score")  # A11: None is the task's own `drop`
    chunk: int = setting(default=256, low=1, stage="runtime")

    def generate(self, owner: Owner, count: int, generator: torch.Generator) -> Prints:
        train, corner = owner.data.train, self._corner(owner)
        candidates = draw(owner.task.eligible(owner.victim, train), len(train), generator)
        if len(candidates) < count:
            raise InputError(f"count: the victim answers only {len(candidates)} training images right, {count} wanted")
        kept, spare, tried, accepted = [], [], 0, 0
        for _ in range(self.rounds):
            index = candidates[tried : tried + count - accepted]
            if not len(index):
                break
            batch = self._craft(owner, index, corner, generator)
            good = self._accepted(owner.task, owner.victim, batch)
            kept.append(batch.part(good))
            spare.append(batch.part(~good))
            tried, accepted = tried + len(index), accepted + int(good.sum())
        prints = first(kept + spare, count)  # what was not accepted fills up
        unchanged, _, _ = self._inspect(owner.task, owner.victim, prints.samples, prints.payload)
        answer_kept = unchanged.double().mean().item()
        notes = {"tried": tried, "accepted": accepted / tried, "answer kept": answer_kept}
        return Prints(prints.samples, prints.origin, {**prints.payload, **self._auto(owner, prints)}, notes)

    def _corner(self, owner: Owner) -> dict[str, Tensor]:
        """The part of a picture that the victim's map has under P: rows and columns, as single numbers."""
        x = owner.data.train.pixels(slice(1))
        height, width = owner.victim.maps(x).shape[2:]
        rows, columns = covered(self.pattern, (height, width), (x.shape[2], x.shape[3]))
        return {"rows": torch.tensor(rows, device=x.device), "columns": torch.tensor(columns, device=x.device)}

    def verifiers(self, task: Task) -> Mapping[str, Verifier]:
        return {"white": WhiteSaliency(self), "black": BlackSaliency(self, task)}

    def _craft(self, owner: Owner, index: Tensor, corner: Payload, generator: torch.Generator) -> Prints:
        """One candidate print per training image of `index`."""
        x = owner.data.train.pixels(index)
        payload = {**owner.task.reference(owner.victim, owner.data.train, index), **corner}
        noise = torch.zeros(x.shape)
        if self.start == "random":
            noise = torch.rand(x.shape, generator=generator) * 2 - 1
        delta = self._project(noise.to(x.device) * self._bound)
        parts = [
            self._optimise(owner.task, owner.victim, x[some], delta[some], part(payload, some))
            for some in torch.arange(len(x), device=x.device).split(self.chunk)
        ]
        return Prints(torch.cat(parts), x, payload)

    @property
    def _bound(self) -> float:
        """xi in pixels; normalisation divides by 0.5, so a bound in normalised space is half as large in pixels."""
        return self.xi * (0.5 if self.xi_space == "normalised" else 1.0)

    def _project(self, delta: Tensor) -> Tensor:
        """delta inside ||delta||_p <= xi."""
        if self.norm == "linf":
            return delta.clamp(-self._bound, self._bound)
        size = delta.flatten(1).norm(dim=1).clamp_min(1e-12)
        return delta * (self._bound / size).clamp_max(1)[:, None, None, None]

    def _optimise(self, task: Task, victim: Network, x: Tensor, delta: Tensor, payload: Payload) -> Tensor:
        """Samples x + delta (N, 3, H, W) after `steps` steps on Eq. 4.

        With `select: gap`, every fifth iterate is looked at: of those that keep the answer and reach S_hat(P) >= 0.9,
        the one that covering P moves most is kept, and a sample leaves when it moves by three times `task.drop`. The
        last iterate stands in for a sample that never qualifies.
        """
        best, most = x + delta, x.new_full((len(x),), -torch.inf)
        active = torch.arange(len(x), device=x.device)
        descent: Descent = SignDescent(self.step) if self.optimiser == "sign" else AdamDescent(self.step)
        objective = self.objective(task, victim, x, payload)
        for step in range(1, self.steps + 1):
            delta = self._project(delta + descent.move(_gradient(objective, delta)))
            delta = (x + delta).clamp(0, 1) - x
            if self.select == "last" or (step % 5 and step < self.steps):
                continue
            gap = self._gap(task, victim, x + delta, payload)
            better = (gap > most[active]) | most[active].isneginf()
            best[active[better]], most[active[better]] = (x + delta)[better], gap[better]
            going = gap < 3 * task.drop
            if not going.any():
                break
            if not going.all():
                active, x, delta, payload = active[going], x[going], delta[going], part(payload, going)
                descent.keep(going)
                objective = self.objective(task, victim, x, payload)
        return x + delta if self.select == "last" else best

    def objective(self, task: Task, victim: Network, x: Tensor, payload: Payload) -> Callable[[Tensor], Tensor]:
        """Eq. 4 per print (N,) as a function of delta; what does not depend on delta is computed once."""
        scorer, preservation = self._scorer(task, victim, payload), task.preservation(victim, payload)

        def loss(delta: Tensor) -> Tensor:
            combined, output = self._map(victim, x + delta, payload, scorer, create_graph=True)
            mask = rasterise(self.pattern, *combined.shape[1:]).to(x.device)
            return sam_loss(combined, mask, pre_relu=self.sam_pre_relu) + self.lam * preservation(output)

        return loss

    def _scorer(self, task: Task, network: Network, payload: Payload) -> Scorer:
        return task.scorer(network, payload, probability=self.cam_score == "probability")

    def _map(
        self, network: Network, x: Tensor, payload: Payload, scorer: Scorer, *, create_graph: bool = False
    ) -> tuple[Tensor, Tensor]:
        """The map before its ReLU (N, h, w) of the print's own F_c on any network, and the network's output."""
        pooled = network.class_weights() is not None and "label" in payload and self.cam_score == "logit"
        with torch.set_grad_enabled(create_graph):
            maps = network.maps(x)
            if pooled:
                return class_map_pooled(network, maps, payload["label"])
        return class_map(network, maps, scorer, create_graph=create_graph)

    def corner(self, task: Task, network: Network, x: Tensor, payload: Payload) -> Tensor:
        """mean of S_hat over P (N,), in [0, 1]: the inner fraction of Eq. 5."""
        combined, _ = self._map(network, x, payload, self._scorer(task, network, payload))
        mask = rasterise(self.pattern, *combined.shape[1:]).to(x.device)
        return (normalise(combined, self.saliency_norm) * mask).sum(dim=(1, 2)) / mask.sum()

    def cover(self, x: Tensor, payload: Payload) -> Tensor:
        """x_mask of Eq. 6: the region of P filled with black, the image's mean colour, grey 0.5 or its blur.

        The region is what lies under P's cells on the victim's map: the same corner that Eq. 3 and 5 are about.
        """
        mask = torch.zeros(x.shape[2:], dtype=torch.bool, device=x.device)
        mask[: int(payload["rows"]), : int(payload["columns"])] = True
        if self.fill == "blur":
            size = 2 * (x.shape[2] // 14) + 1
            filling = F.avg_pool2d(x, size, stride=1, padding=size // 2, count_include_pad=False)
        elif self.fill == "mean":
            filling = x.mean(dim=(2, 3), keepdim=True)
        else:
            filling = torch.tensor(0.5 if self.fill == "zero_normalised" else 0.0, device=x.device)
        return torch.where(mask, filling, x)

    def fall(self, task: Task, box: AnswerAPI | Target, x: Tensor, payload: Payload) -> tuple[Tensor, Tensor]:
        """F(x) - F(x_mask) of Eq. 6 through a prediction API (N,), two queries a print, and the answers to x."""
        answer, covered = (box.answers(image, payload.get("pair")) for image in (x, self.cover(x, payload)))
        return task.read(answer, payload) - task.read(covered, payload), answer

    def _inspect(self, task: Task, victim: Network, x: Tensor, payload: Payload) -> tuple[Tensor, Tensor, Tensor]:
        """On the victim, per print (N,): is the original answer kept, S_hat(P), and |F(x) - F(x_mask)|."""
        change, answer = self.fall(task, Target.of(task, victim), x, payload)
        return task.kept(answer, payload), self.corner(task, victim, x, payload), change.abs()

    def _gap(self, task: Task, victim: Network, x: Tensor, payload: Payload) -> Tensor:
        """|F(x) - F(x_mask)| on the victim (N,), -inf where the answer is lost or S_hat(P) < 0.9."""
        kept, corner, change = self._inspect(task, victim, x, payload)
        return torch.where(kept & (corner >= 0.9), change, torch.full_like(change, -torch.inf))

    def _accepted(self, task: Task, victim: Network, prints: Prints) -> Tensor:
        """Which candidates (N,) to keep: all, those with their answer, or those that match white box and black box.

        The thresholds are the paper's 0.5 and the task's own: t_wb and t_bb belong to the score, not to the prints.
        """
        kept, corner, change = self._inspect(task, victim, prints.samples, prints.payload)
        if self.accept == "none":
            return torch.ones_like(kept)
        return kept if self.accept == "label" else kept & (corner >= 0.5) & (change >= task.drop)

    def _auto(self, owner: Owner, prints: Prints) -> dict[str, Tensor]:
        """The thresholds of A10, from the victim alone: the remarks under Eq. 5 and Eq. 6."""
        assert prints.origin is not None
        task, victim, payload = owner.task, owner.victim, prints.payload
        both = [self.corner(task, victim, x, payload) for x in (prints.origin, prints.samples)]
        change, _ = self.fall(task, Target.of(task, victim), prints.origin, payload)
        return {"auto_t_wb": torch.cat(both).mean(), "auto_t_bb": change.abs().quantile(0.95)}


class WhiteSaliency(Matcher):
    """Eq. 5: share of prints whose normalised map reaches t_wb in the corner, on the suspect's own weights (A20)."""

    access = WHITE_BOX

    def __init__(self, method: Saliency) -> None:
        self.method = method

    def measure(self, prints: Prints, suspect: WhiteBox) -> Tensor:
        return self.method.corner(suspect.task, suspect.inspect(len(prints.samples)), prints.samples, prints.payload)

    def matches(self, measured: Tensor, payload: Payload) -> Tensor:
        threshold = payload["auto_t_wb"] if self.method.thresholds == "auto" else self.method.t_wb
        return (measured >= threshold) & (measured > 0)  # a map that is zero everywhere matches no threshold


class BlackSaliency(Matcher):
    """Eq. 6: share of prints whose answer falls by t_bb when the corner is covered; two queries a print.

    The fall is measured with its sign; `drop` decides at scoring whether a rise counts (the paper's norm) or not.
    """

    access = PROBABILITY

    def __init__(self, method: Saliency, task: Task) -> None:
        self.method, self.task = method, task

    def measure(self, prints: Prints, suspect: AnswerAPI) -> Tensor:
        return self.method.fall(self.task, suspect, prints.samples, prints.payload)[0]

    def matches(self, measured: Tensor, payload: Payload) -> Tensor:
        fixed = self.task.drop if self.method.t_bb is None else self.method.t_bb
        threshold = payload["auto_t_bb"] if self.method.thresholds == "auto" else fixed
        fall = measured.abs() if self.method.drop == "abs" else measured
        return (fall >= threshold) & (fall > 0)  # no fall at all matches no threshold, not even an automatic one of 0


def sam_loss(combined: Tensor, mask: Tensor, *, pre_relu: bool) -> Tensor:
    """Eq. 3 per sample (N,): mean of S over cells where P = 0, minus mean of S over cells where P = 1.

    Args:
        combined: the map before its ReLU (N, h, w), not normalised.
        mask: P (h, w).
        pre_relu: take the P = 1 term before the ReLU, which would give a dark corner no gradient (A7).
    """
    positive = F.relu(combined)
    corner = combined if pre_relu else positive
    outside = (positive * (1 - mask)).sum(dim=(1, 2)) / (1 - mask).sum()
    return outside - (corner * mask).sum(dim=(1, 2)) / mask.sum()


def _gradient(objective: Callable[[Tensor], Tensor], delta: Tensor) -> Tensor:
    delta = delta.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(objective(delta).sum(), delta)
    return gradient
