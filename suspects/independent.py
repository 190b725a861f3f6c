"""Independent models, which a court must acquit: the task trained from scratch with another seed."""

from __future__ import annotations

from typing import ClassVar

from benchmark.models import Network
from suspects.base import Case, Suspect


class Independent(Suspect):
    """Same architecture and training data as the victim, another initialisation and order of batches (paper 002)."""

    stolen: ClassVar[bool] = False

    def derive(self, case: Case) -> Network:
        return case.fit(case.fresh(), case.data.train, case.task.loss, case.task.training, case.seed)
