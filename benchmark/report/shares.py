"""How many of each family's suspects a method judges rightly, at the best threshold of each set of prints."""

from __future__ import annotations

import pandas as pd

from benchmark import metrics
from benchmark.report.summary import judged

METHOD = ["task", "fingerprint", "verifier"]
AT = (
    "Share of a family's suspects × victims × repeats that are judged rightly (positives: score above ρ, negatives: "
    "not above) at the best ρ of the set of prints, where min(R, U) over all suspects is largest."
)


def shares(scores: pd.DataFrame) -> pd.DataFrame:
    """One row per task, method and family: share judged rightly in [0, 1], suspects, how many degraded.

    Methods that cannot be judged on a task have no rows here.
    """
    suspects = scores[(scores["family"] != "victim") & scores["score"].notna()]
    groups = suspects.groupby([*METHOD, "victim", "repeat"], sort=False)
    verdicts = [_verdicts(group) for _, group in groups if judged(group)]
    if not verdicts:
        return pd.DataFrame(columns=[*METHOD, "family", "positive", "share", "suspects", "degraded"])
    table = pd.concat(verdicts)
    counted = table.groupby([*METHOD, "family", "positive"], sort=False)
    lost = table[table["degraded"]].groupby([*METHOD, "family", "positive"])["suspect"].nunique()
    result = counted.agg(share=("right", "mean"), suspects=("suspect", "nunique"))
    result["degraded"] = lost.reindex(result.index).fillna(0).astype(int)
    return result.reset_index()


def by_key(scores: pd.DataFrame) -> dict[tuple[str, str, str, str], pd.Series]:
    """The rows of `shares` by (task, fingerprint, verifier, family)."""
    rows = shares(scores)
    return {
        (str(row["task"]), str(row["fingerprint"]), str(row["verifier"]), str(row["family"])): row
        for _, row in rows.iterrows()
    }


def _verdicts(group: pd.DataFrame) -> pd.DataFrame:
    """The rows of one method with one set of prints, with a column `right`."""
    rho = metrics.best_threshold(group["score"].to_numpy(), group["positive"].to_numpy()).rho
    return group.assign(right=(group["score"] > rho) == group["positive"])
