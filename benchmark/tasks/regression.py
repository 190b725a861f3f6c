"""Which number belongs to an image? The answer is the number in its own unit (degrees, years)."""

from __future__ import annotations

import math
from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from benchmark.data.base import ImageSet, Splits
from benchmark.networks.network import Network
from benchmark.spec.component import setting
from benchmark.tasks.base import Likeness, Payload, Quality, Scorer, Task, finite_outputs, outputs


class Regression(Task, name="task/regression"):
    """Smooth L1 on values standardised by `centre` and `scale` (inside the network); F(x) = y, the predicted value."""

    centre: float = 0.0
    scale: float = setting(default=1.0, above=0)
    unit: str = "units"

    kind: ClassVar[str] = "regression"
    blind: ClassVar[str] = "the median of training (paired t-test of absolute errors)"
    no_label: ClassVar[str] = "a regression model answers with a number, there are no labels to match"

    def network(self) -> Network:
        return self.architecture.network(1, unit=(self.centre, self.scale))

    def loss(self, network: Network, x: Tensor, targets: Tensor) -> Tensor:
        return F.smooth_l1_loss(network(x) / self.scale, targets / self.scale)

    def imitation(self, student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
        """Mean squared error of the values in units of `scale`; the temperature has no meaning here."""
        return F.mse_loss(student / self.scale, teacher / self.scale)

    def answer(self, network: Network, x: Tensor, pair: Tensor | None = None) -> Tensor:
        return network(x)

    def read(self, answer: Tensor, payload: Payload) -> Tensor:
        return answer

    def scorer(self, network: Network, payload: Payload, *, probability: bool = False) -> Scorer:
        return lambda output: output

    def preservation(self, network: Network, payload: Payload) -> Scorer:
        """(F(x + delta) - F(x))^2 in the value's own unit squared."""
        value = payload["value"]
        return lambda output: (output - value) ** 2

    def kept(self, answer: Tensor, payload: Payload) -> Tensor:
        return (answer - payload["value"]).abs() <= self.drop

    def reference(self, network: Network, data: ImageSet, index: Tensor) -> dict[str, Tensor]:
        chosen = ImageSet(data.images[index], data.targets[index])
        return {"value": outputs(network, chosen)}

    def quality(self, network: Network, data: Splits) -> Quality:
        """100 (1 - MAE / MAE of always answering the training median), so that 100 is perfect and 0 is no skill."""
        errors = (finite_outputs(network, data.test) - data.test.targets).abs().double()
        of_blind = (data.test.targets - data.train.targets.median()).abs().double()
        error, skill = errors.mean().item(), 1 - errors.mean().item() / of_blind.mean().item()
        return Quality(100 * skill, skill, smaller(errors, of_blind), {f"MAE {self.unit}": error})

    def likeness(self, network: Network, victim: Network, data: Splits) -> Likeness:
        apart = (outputs(network, data.test) - outputs(victim, data.test)).abs()
        return Likeness((apart <= self.drop).double().mean().item(), math.nan, math.nan)


def smaller(errors: Tensor, others: Tensor) -> float:
    """p of the paired one-sided t-test that errors (N,) are no smaller than others (N,) on the mean, in [0, 1].

    Where all differ by the same it is 0 or 1, for there is no spread to doubt it.
    """
    from scipy.stats import ttest_rel

    apart = errors - others
    if bool((apart == apart[0]).all()):
        return float(apart[0] >= 0)
    return float(ttest_rel(errors.cpu().numpy(), others.cpu().numpy(), alternative="less").pvalue)
