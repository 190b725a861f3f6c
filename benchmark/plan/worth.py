"""Jobs that ask what a copy is worth: how far it answers as the victim does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from benchmark.plan.job import Bench, Job
from benchmark.plan.models import ModelJob, of_victim
from benchmark.spec.component import spec_of


@dataclass(frozen=True, eq=False)
class WorthJob(Job):
    """Compares the answers of a suspect and of the victim on test images."""

    suspect: ModelJob = field(repr=False)
    victim: ModelJob = field(repr=False)

    kind: ClassVar[str] = "worth"

    @property
    def title(self) -> str:
        return f"{self.task_name}{of_victim(self.victim)}: worth of {self.suspect.recipe.label}"

    def made_from(self) -> Mapping[str, Job]:
        return {"suspect": self.suspect, "victim": self.victim}

    def identity(self) -> dict[str, Any]:
        return {"task": spec_of(self.task, "measure")}

    def build(self, bench: Bench, folder: Path) -> None:
        """A model of other labels or of another kind of answer cannot be compared.

        Raises:
            Inapplicable: it is such a one.
        """
        from benchmark.errors import Inapplicable
        from benchmark.store.artefacts import write_json

        network, victim = bench.loaded(self.suspect), bench.loaded(self.victim)
        if reason := self.task.mismatch(network.last.out_features):
            raise Inapplicable(reason)
        likeness = self.task.likeness(network, victim, bench.data(self.task))
        record = {name: value if value == value else None for name, value in vars(likeness).items()}
        write_json(folder / "worth.json", record)
