"""Recipes that harm the process which they are made in."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import ClassVar

from benchmark.contracts.suspect import Ingredients, Suspect
from benchmark.contracts.truth import Relation
from benchmark.networks.network import Network


class Crashing(Suspect, name="suspect/test_crashing"):
    """A copy whose making kills its process the first `times` times; each one adds a letter to the file `diary`."""

    times: int = 10**9
    diary: str = ""

    relation: ClassVar[Relation] = Relation.MODIFIED

    def derive(self, given: Ingredients) -> Network:
        with Path(self.diary).open("a") as file:
            file.write("x")
        if len(Path(self.diary).read_text()) <= self.times:
            os.kill(os.getpid(), signal.SIGKILL)
        return given.copy_of_victim()


class Stuck(Suspect, name="suspect/test_stuck"):
    """A copy that is never finished."""

    relation: ClassVar[Relation] = Relation.MODIFIED

    def derive(self, given: Ingredients) -> Network:
        while True:
            time.sleep(1)
