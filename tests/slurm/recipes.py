"""Recipes that misbehave, importable where a Slurm task runs."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import ClassVar

from benchmark.contracts.suspect import Ingredients, Suspect
from benchmark.contracts.truth import Relation
from benchmark.networks.network import Network


class Broken(Suspect, name="suspect/test_broken"):
    """A copy that cannot be made."""

    relation: ClassVar[Relation] = Relation.MODIFIED

    def derive(self, given: Ingredients) -> Network:
        raise ArithmeticError("the ratio is cursed")


class Slow(Suspect, name="suspect/test_slow"):
    """An independent model whose every step takes `seconds`; each one adds a letter to the file `diary`."""

    seconds: float = 0.1
    diary: str = ""

    relation: ClassVar[Relation] = Relation.INDEPENDENT

    def derive(self, given: Ingredients) -> Network:
        def loss(network, x, targets):
            time.sleep(self.seconds)
            with Path(self.diary).open("a") as file:
                file.write("x")
            return given.task.loss(network, x, targets)

        return given.fit(given.fresh(), given.data.train, loss, given.task.training, given.seed)


class Deadly(Suspect, name="suspect/test_deadly"):
    """A copy whose making kills its process, where that has less than `memory` MiB from Slurm.

    With `whole` it takes its task along and leaves Slurm's words for a want of memory, as a Slurm that limits memory
    would: the one of the tests limits none.
    """

    memory: int = 10**9
    whole: bool = False

    relation: ClassVar[Relation] = Relation.MODIFIED

    def derive(self, given: Ingredients) -> Network:
        if int(os.environ.get("SLURM_MEM_PER_NODE", "0")) < self.memory:
            if self.whole:
                print("slurmstepd: error: Detected 1 oom_kill event in StepId=0.0.", file=sys.stderr, flush=True)
                os.kill(os.getppid(), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)
        return given.copy_of_victim()
