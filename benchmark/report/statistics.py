"""Everything that is computed of findings before it is shown, each once."""

from __future__ import annotations

from dataclasses import dataclass, fields

import pandas as pd

from benchmark.report import by_family, owner
from benchmark.report.differences import differences
from benchmark.report.findings import Findings, of_main_channel
from benchmark.report.summary import summarise


@dataclass(frozen=True)
class Statistics:
    """Frames of the main channel; each is a csv of its name.

    Attributes:
        summary: a row per task, method and set of suspects.
        families: AUC of each family alone.
        differences: every method beside the best and the cheapest.
        verdicts: whom the owner accuses, and the p of every suspect.
    """

    summary: pd.DataFrame
    families: pd.DataFrame
    differences: pd.DataFrame
    verdicts: pd.DataFrame

    @classmethod
    def of(cls, findings: Findings) -> Statistics:
        """The statistics of checked findings."""
        scores, references, rate = (
            of_main_channel(findings).scores,
            findings.references,
            owner.rate_of(findings.manifest),
        )
        summary = summarise(scores, references, rate)
        return cls(
            summary,
            by_family.areas(scores),
            differences(scores, references, rate, summary, findings.prints),
            owner.verdicts(scores, references, rate),
        )

    def frames(self) -> dict[str, pd.DataFrame]:
        """By name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
