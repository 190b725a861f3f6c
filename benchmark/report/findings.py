"""What an experiment found, as the harness hands it to the report: three tidy frames, exhibits and a manifest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.errors import InputError

FAMILIES = ("finetune", "retrain", "weight_pruning", "filter_pruning", "distill", "independent")

COLUMNS: dict[str, tuple[str, ...]] = {
    "scores": (
        *("task", "kind", "repeat", "suspect", "family", "stolen", "fingerprint", "verifier", "access"),
        *("score", "score_8bit", "matched", "n", "reason", "queries", "seconds"),
        *("quality", "victim_quality", "degraded", "victim_key", "suspect_key", "prints_key", "key"),
    ),
    "prints": (
        *("task", "fingerprint", "repeat", "n", "seconds", "accepted"),
        *("psnr", "psnr_8bit", "label_accuracy", "label_accuracy_8bit", "notes"),
    ),
    "models": (
        *("task", "name", "role", "family", "stolen", "quality", "measure", "detail", "seconds", "parameters", "key"),
    ),
}


@dataclass(frozen=True)
class Exhibit:
    """One gallery block: a few prints of one method on one task, from repeat 0.

    Attributes:
        originals: (n, 3, H, W) in [0, 1], or None where the method has no source image.
        samples: (n, 3, H, W) in [0, 1].
        maps: a suspect's label -> its saliency maps, (n, h, w) in [0, 1]; may be empty.
        captions: n short texts.
    """

    task: str
    fingerprint: str
    originals: NDArray[Any] | None
    samples: NDArray[Any]
    maps: dict[str, NDArray[Any]]
    captions: list[str]


@dataclass(frozen=True)
class Findings:
    """Everything the report reads.

    Attributes:
        scores: one row per (task, repeat, suspect, fingerprint, verifier); a pair that does not apply has a NaN score
            and a reason. `score_8bit` is the score on prints rounded to 8-bit pixels. Rows of family "victim" are
            the self-check and count neither as positive nor as negative.
        prints: one row per (task, fingerprint, repeat).
        models: one row per model.
        manifest: what was run, on what; `failures` lists {"job", "error"}.
    """

    experiment: str
    scores: pd.DataFrame
    prints: pd.DataFrame
    models: pd.DataFrame
    exhibits: list[Exhibit] = field(default_factory=list)
    manifest: dict[str, Any] = field(default_factory=dict)


def checked(findings: Findings) -> Findings:
    """The findings with exact scores and every expected column.

    A score that is a share is recomputed as matched / n in double precision, so that comparisons with thresholds are
    those of the rationals (see `benchmark.metrics.levels`).

    Raises:
        InputError: a column is missing, nothing was scored, or a row has neither score nor reason.
    """
    scores, prints, models = (_frame(name, getattr(findings, name)) for name in COLUMNS)
    if scores.empty:
        raise InputError("findings.scores: no score at all, the experiment judged no suspect")
    if scores.duplicated(["task", "repeat", "suspect", "fingerprint", "verifier"]).any():
        raise InputError("findings.scores: a suspect is scored twice by one verifier in one repeat")
    for column in ("score", "score_8bit", "matched", "n", "queries", "seconds", "quality", "victim_quality"):
        scores[column] = pd.to_numeric(scores[column]).astype(float)
    for column in ("stolen", "degraded"):
        scores[column] = scores[column].astype(bool)
    scores["reason"] = scores["reason"].fillna("").astype(str)
    if (scores["score"].isna() & (scores["reason"] == "")).any():
        raise InputError("findings.scores: a row without a score needs a reason")
    share = scores["matched"].notna() & scores["score"].notna()
    scores["score"] = np.where(share, scores["matched"] / scores["n"], scores["score"])
    for column in ("n", "seconds", "accepted", "psnr", "psnr_8bit", "label_accuracy", "label_accuracy_8bit"):
        prints[column] = pd.to_numeric(prints[column]).astype(float)
    return Findings(findings.experiment, scores, prints, models, findings.exhibits, findings.manifest)


def _frame(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """A copy with a plain index; one without any row need not have columns."""
    if frame.empty:
        return pd.DataFrame(columns=list(COLUMNS[name]))
    missing = [column for column in COLUMNS[name] if column not in frame.columns]
    if missing:
        raise InputError(f"findings.{name}: column {', '.join(missing)} is missing")
    return frame.reset_index(drop=True)


def tasks(scores: pd.DataFrame) -> list[str]:
    """Tasks in order of appearance."""
    return [str(task) for task in scores["task"].unique()]


def methods(scores: pd.DataFrame) -> list[tuple[str, str]]:
    """(fingerprint, verifier) pairs in order of appearance."""
    return [(str(f), str(v)) for f, v in scores[["fingerprint", "verifier"]].drop_duplicates().itertuples(index=False)]


def label(scores: pd.DataFrame, fingerprint: str, verifier: str) -> str:
    """A method's name in tables and figures: the verifier is named only where the fingerprint has several."""
    several = scores.loc[scores["fingerprint"] == fingerprint, "verifier"].nunique() > 1
    return f"{fingerprint} {verifier}" if several else fingerprint


def families(scores: pd.DataFrame) -> list[str]:
    """Families of suspects, the paper's in its order, then others; families of negatives last."""
    found = scores[scores["family"] != "victim"].drop_duplicates("family").set_index("family")["stolen"]
    names = [str(name) for name in found.index]
    rank = {name: FAMILIES.index(name) if name in FAMILIES else len(FAMILIES) + i for i, name in enumerate(names)}
    return sorted(names, key=lambda name: (not bool(found[name]), rank[name]))
