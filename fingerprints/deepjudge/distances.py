"""DeepJudge: copy or not, by distances between two models on test cases (Chen et al., S&P 2022), in either setting.

A distance lambda(O, S, T) between the owner's model O and a suspect S on test cases T votes for a copy where it does
not exceed tau_lambda = alpha_lambda LB_lambda; LB_lambda is the one-tailed lower confidence bound of the same distance
to contrast models, independent ones that the owner trained and that are never judged. p_copy is the share of votes.

The curves need more levels than a few votes: the matching score is s = clip(1 - lambda / (2 tau), 0, 1), one half at
the threshold itself, and of several distances the mean of theirs.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from scipy import stats
from torch import Tensor

from benchmark.access.access import grant
from benchmark.access.target import Target
from benchmark.contracts.fingerprint import Fingerprint, Verifier
from benchmark.contracts.owner import Needs, Owner
from benchmark.contracts.prints import Prints
from benchmark.data.base import draw
from benchmark.spec.component import setting
from benchmark.tasks.base import Payload, outputs


class DeepJudge(Fingerprint):
    """What both settings share: where test cases start, and the thresholds out of contrast models.

    Attributes:
        order: seeds are test images that O classifies rightly: those of which it is most (`max`) or least (`min`)
            certain, as released, which are the same ones in every generation; or drawn from the more certain `half`.
        contrast: number of contrast models.
        level: of the lower bound's confidence.
        bound: of the distances' `mean`, or a `prediction` bound for one more model.
        alpha: of the thresholds.
    """

    order: str = setting(default="half", choices=("half", "max", "min"))
    contrast: int = setting(default=10, low=2)
    level: float = setting(default=0.99, low=0.5, high=0.9999)
    bound: str = setting(default="mean", choices=("mean", "prediction"))
    alpha: float = setting(default=0.9, above=0, high=1, stage="score")

    pool: ClassVar[str] = "test"
    distances: ClassVar[tuple[str, ...]]  # names of the lambdas, in the order of `terms`
    whole: ClassVar[str]  # what all of them together are measured through

    def needs(self) -> Needs:
        return Needs(references=self.contrast)

    @abstractmethod
    def terms(self, suspect: Any, samples: Tensor, payload: Payload) -> Tensor:
        """Each print's summand in each distance (N, len(distances)), `suspect` of the class `whole`.

        A distance is the absolute value of the mean of its summands.
        """

    def factors(self, payload: Payload) -> Tensor:
        """What the distances (len(distances),) are multiplied by where they are shown."""
        return torch.ones(len(self.distances), dtype=torch.double)

    def seeds(self, owner: Owner, generator: torch.Generator) -> Tensor:
        """Indices of the test images that O classifies rightly, by their Gini certainty sum_c p_c(x)^2.

        With `half` both halves are in random order, the more certain one first, so that the other is for attacks that
        find too few seeds there. Where there are no classes, all test images in random order.
        """
        index = owner.task.eligible(owner.victim, owner.data.test)
        if owner.task.no_label:
            return draw(index, len(index), generator)
        certainty = outputs(owner.victim, owner.data.test)[index].double().softmax(dim=1).square().sum(dim=1)
        ordered = index[certainty.argsort(descending=self.order != "min", stable=True)]
        if self.order != "half":
            return ordered
        middle = (len(ordered) + 1) // 2
        return torch.cat([draw(half, len(half), generator) for half in (ordered[:middle], ordered[middle:])])

    def calibrated(self, owner: Owner, prints: Prints) -> Prints:
        """The prints with the summands of every contrast model in the payload, and what the bounds are made of."""
        boxes = [grant(self.whole, Target.of(owner.task, model)) for model in owner.references]
        contrast = [self.terms(box, prints.samples, prints.payload) for box in boxes]
        payload = {**prints.payload, "contrast": torch.stack(contrast, dim=1)}
        columns = list(range(len(self.distances)))
        found, bounds = distances_of(payload["contrast"]), self.lower_bounds(payload, columns)
        notes: dict[str, Any] = {}
        for name, values, bound in zip(self.distances, found.T, bounds.tolist(), strict=True):
            notes[f"LB of {name}"] = max(bound, 0.0)
            notes |= {f"least {name} of contrast": values.min().item()}
            notes |= {f"bound of {name}": "below 0, set to 0"} if bound < 0 else {}
        return Prints(prints.samples, prints.origin, payload, {**prints.notes, **notes})

    def lower_bounds(self, payload: Payload, columns: Sequence[int]) -> Tensor:
        """LB (len(columns),) = mean - t_{level, n - 1} s / sqrt(n) over the n contrast models, s with n - 1.

        With `bound: prediction`, s sqrt(1 + 1 / n) in the place of s / sqrt(n). A few models that differ much may
        bring it below 0.
        """
        found = distances_of(payload["contrast"][:, :, list(columns)])
        n = len(found)
        width = (1 + 1 / n) ** 0.5 if self.bound == "prediction" else n**-0.5
        return found.mean(dim=0) - float(stats.t.ppf(self.level, n - 1)) * width * found.std(dim=0)

    def thresholds(self, payload: Payload, columns: Sequence[int]) -> Tensor:
        """tau (len(columns),), 0 where the bound lies below."""
        return self.alpha * self.lower_bounds(payload, columns).clamp_min(0)


class DistanceVerifier(Verifier):
    """One distance of a setting, or several: then the statistic is p_copy, and the score the mean of their scores."""

    def __init__(self, method: DeepJudge, *names: str) -> None:
        self.method, self.columns = method, [method.distances.index(name) for name in names]

    def measure(self, prints: Prints, suspect: Any) -> Tensor:
        """The summands of the distance (N,), or of all (N, len(names))."""
        terms = self.method.terms(suspect, prints.samples, prints.payload)[:, self.columns]
        return terms.squeeze(1)

    def score(self, measured: Tensor, payload: Payload) -> float:
        tau = self.method.thresholds(payload, self.columns).clamp_min(1e-300)
        return (1 - distances_of(measured) / (2 * tau)).clamp(0, 1).mean().item()

    def statistic(self, measured: Tensor, payload: Payload) -> float:
        found = distances_of(measured)
        if len(self.columns) > 1:
            return (found <= self.method.thresholds(payload, self.columns)).double().mean().item()
        return (found * self._factors(payload)).item()

    def threshold(self, payload: Payload) -> float | None:
        if len(self.columns) > 1:
            return None
        return (self.method.thresholds(payload, self.columns) * self._factors(payload)).item()

    def _factors(self, payload: Payload) -> Tensor:
        return self.method.factors(payload)[self.columns].to(payload["contrast"].device)


def distances_of(terms: Tensor) -> Tensor:
    """|mean over prints| of summands (N, ...), in double precision."""
    return terms.double().mean(dim=0).abs()
