"""Recipes that misbehave, importable where a Slurm task runs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import ClassVar

from benchmark.contracts.suspect import Case, Suspect
from benchmark.networks.network import Network


class Broken(Suspect):
    """A copy that cannot be made."""

    stolen: ClassVar[bool] = True

    def derive(self, case: Case) -> Network:
        raise ArithmeticError("the ratio is cursed")


class Slow(Suspect):
    """An independent model whose every step takes `seconds`; each one adds a letter to the file `diary`."""

    seconds: float = 0.1
    diary: str = ""

    stolen: ClassVar[bool] = False

    def derive(self, case: Case) -> Network:
        def loss(network, x, targets):
            time.sleep(self.seconds)
            with Path(self.diary).open("a") as file:
                file.write("x")
            return case.task.loss(network, x, targets)

        return case.fit(case.fresh(), case.data.train, loss, case.task.training, case.seed)
