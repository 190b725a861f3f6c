"""Label match: what methods share whose prints are judged by the suspect's labels alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from benchmark.access.access import LABEL, LabelAPI
from benchmark.contracts.fingerprint import Fingerprint, Matcher, Verifier
from benchmark.contracts.prints import Prints
from benchmark.errors import Reason
from benchmark.tasks.base import Payload, Task


class LabelMatch(Matcher):
    """Share of prints on which the suspect's label equals the victim's (`payload["answer"]`); one query a print."""

    access: ClassVar[str] = LABEL

    def measure(self, prints: Prints, suspect: LabelAPI) -> Tensor:
        return suspect.labels(prints.samples).float()

    def matches(self, measured: Tensor, payload: Payload) -> Tensor:
        return measured == payload["answer"]


class LabelFingerprint(Fingerprint):
    """A method whose prints are verified by label match; it applies to classification only."""

    def inapplicable(self, task: Task) -> Reason:
        return task.no_label

    def verifiers(self, task: Task) -> Mapping[str, Verifier]:
        return {"label": LabelMatch()}
