"""The verdicts of an owner who sets his threshold before he sees a suspect: from his references, at a stated rate.

Threshold and p of every victim, repeat and verifier come of the references' scores on the same prints, by the rule of
`benchmark.metrics.thresholds`. References serve all victims, as independent suspects do, and no suspect is one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmark import metrics
from benchmark.report.numbers import share

RATE = 0.05  # of innocents that the owner is ready to accuse, where the manifest does not say
SET = ["task", "victim", "repeat", "fingerprint", "verifier"]  # a set of prints and who judges by it
PER_SUSPECT = ["task", "victim", "fingerprint", "verifier", "suspect"]


def rate_of(manifest: Mapping[str, Any]) -> float:
    """The share of innocents that the owner of this experiment is ready to accuse."""
    return float(manifest.get("accusation_rate", RATE))


def decided(scores: pd.DataFrame, references: pd.DataFrame, rate: float) -> pd.DataFrame:
    """The suspects' rows of scores with four columns more.

    `references`: how many have a score with these prints. `rho`: the threshold. `accused`: 1 where the score is above
    it, else 0, NaN without score or threshold. `p`: conformal, NaN without score or references.
    """
    suspects = scores[scores["family"] != "victim"]
    known = {str(key): group["score"].dropna().to_numpy() for key, group in references.groupby(SET, sort=False)}
    score, count = suspects["score"].to_numpy(), np.zeros(len(suspects))
    rho, p = np.full((2, len(suspects)), np.nan)
    for key, places in suspects.groupby(SET, sort=False).indices.items():
        own = known.get(str(key), np.empty(0))
        if own.size:
            count[places], rho[places] = own.size, metrics.owners_threshold(own, rate)
            p[places] = metrics.conformal_p(score[places], own)
    suspects = suspects.assign(references=count, rho=rho, p=p)
    both = suspects["score"].notna() & suspects["rho"].notna()
    suspects["accused"] = (suspects["score"] > suspects["rho"]).astype(float).where(both)
    return suspects


def verdicts(scores: pd.DataFrame, references: pd.DataFrame, rate: float) -> pd.DataFrame:
    """verdicts.csv: one row per task, victim, fingerprint, verifier and suspect, the repeats together.

    `score` and `rho` are means over repeats, `accused` the share of repeats that accuse, and `p` the largest of them,
    since the smallest of several p-values is none. Suspects without a score have no row.
    """
    rows = decided(scores, references, rate)
    groups = rows[rows["score"].notna()].groupby(PER_SUSPECT, sort=False)
    aggregated = groups.agg(
        positive=("positive", "first"),
        score=("score", "mean"),
        rho=("rho", "mean"),
        accused=("accused", "mean"),
        p=("p", "max"),
        repeats=("repeat", "nunique"),
        references=("references", "min"),
    )
    return aggregated.astype({"references": int}).reset_index()


def without_threshold(references: float, rate: float) -> str:
    """Why there is none."""
    needed = metrics.references_needed(rate)
    return f"no threshold keeps {share(rate)}: it takes {needed} references, there are {references:.0f}"
