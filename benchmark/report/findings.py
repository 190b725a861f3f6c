"""What an experiment found, as the harness hands it to the report: tidy frames, exhibits and a manifest."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.errors import InputError

FAMILIES = ("finetune", "retrain", "weight_pruning", "filter_pruning", "distill", "independent")

COLUMNS: dict[str, tuple[str, ...]] = {
    "scores": (
        *("task", "kind", "repeat", "suspect", "family", "stolen", "fingerprint", "verifier", "access"),
        *("score", "score_8bit", "statistic", "threshold", "matched", "n", "reason", "queries", "seconds"),
        *("quality", "victim_quality", "degraded", "victim_key", "suspect_key", "prints_key", "key"),
        "shares_training_data",
    ),
    "prints": (
        *("task", "fingerprint", "repeat", "n", "seconds", "accepted"),
        *("psnr", "psnr_8bit", "label_accuracy", "label_accuracy_8bit", "notes"),
    ),
    "models": (
        *("task", "name", "role", "family", "stolen", "quality", "measure", "detail", "seconds", "parameters", "key"),
        *("queries", "shares_training_data"),
    ),
    "detections": (
        *("task", "fingerprint", "repeat", "detector", "threshold", "value"),
        *("n", "rate", "rate_8bit", "auroc", "clean_rate", "reason"),
    ),
    "distances": ("task", "fingerprint", "repeat", "detector", "number", "distance", "distance_8bit"),
    "ablations": (
        *("task", "fingerprint", "verifier", "setting", "value", "repeat"),
        *("aruc", "auc", "positives", "negatives", "n"),
    ),
}
NUMBERS: dict[str, tuple[str, ...]] = {
    "scores": (
        *("score", "score_8bit", "statistic", "threshold", "matched", "n"),
        *("queries", "seconds", "quality", "victim_quality"),
    ),
    "prints": ("n", "seconds", "accepted", "psnr", "psnr_8bit", "label_accuracy", "label_accuracy_8bit"),
    "detections": ("value", "n", "rate", "rate_8bit", "auroc", "clean_rate"),
    "distances": ("distance", "distance_8bit"),
    "ablations": ("value", "aruc", "auc", "positives", "negatives", "n"),
}
# What a row is of: there is one row of each.
UNIQUE: dict[str, tuple[str, ...]] = {
    "scores": ("task", "repeat", "suspect", "fingerprint", "verifier"),
    "detections": ("task", "fingerprint", "repeat", "detector", "threshold"),
    "distances": ("task", "fingerprint", "repeat", "detector", "number"),
    "ablations": ("task", "fingerprint", "verifier", "setting", "value", "repeat"),
}
SIGN = "§"  # behind a marked fingerprint's name in figures; in Latin-1, and * stands for degraded suspects there
UNMARKED: Mapping[str, str] = MappingProxyType({})


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


def empty(name: str) -> pd.DataFrame:
    """A frame of this name without rows."""
    return pd.DataFrame(columns=list(COLUMNS[name]))


@dataclass(frozen=True)
class Findings:
    """Everything the report reads.

    Attributes:
        scores: one row per (task, repeat, suspect, fingerprint, verifier); a pair that does not apply has a NaN score
            and a reason. `score_8bit` is the score on prints rounded to 8-bit pixels. `statistic` is the number in its
            own unit that the score was made of, if there is one; where it is a distance, `threshold` is the largest
            at which a suspect is called stolen. Rows of family "victim" are the self-check and count neither as
            positive nor as negative.
        prints: one row per (task, fingerprint, repeat).
        models: one row per model; `queries` is how many images a thief put to the victim's API to make it.
        manifest: what was run, on what; `failures` lists {"job", "error"}.
        detections: one row per (task, fingerprint, repeat, detector, threshold). `value` is the threshold that bears
            the name `threshold`; `rate` the share of prints in [0, 1] that it flags, `rate_8bit` after 8-bit rounding,
            `clean_rate` the share of clean test images; `auroc` is of prints against clean images. A detector that
            does not apply has NaN in all of them and a reason.
        distances: what a detector measured on one print, or on one clean test image where `fingerprint` is "" (then
            `repeat` is 0 and `distance_8bit` NaN).
        ablations: ARUC and AUC of one verifier with one setting at another value, all else as in the run. `setting`
            is "count" for the number of prints, else a field of the fingerprint.
        marks: fingerprint -> a footnote wherever its numbers stand, such as "a reconstruction".
    """

    experiment: str
    scores: pd.DataFrame
    prints: pd.DataFrame
    models: pd.DataFrame
    exhibits: list[Exhibit] = field(default_factory=list)
    manifest: dict[str, Any] = field(default_factory=dict)
    detections: pd.DataFrame = field(default_factory=partial(empty, "detections"))
    distances: pd.DataFrame = field(default_factory=partial(empty, "distances"))
    ablations: pd.DataFrame = field(default_factory=partial(empty, "ablations"))
    marks: dict[str, str] = field(default_factory=dict)


def checked(findings: Findings) -> Findings:
    """The findings with exact scores and every expected column.

    A score that is a share is recomputed as matched / n in double precision, so that comparisons with thresholds are
    those of the rationals (see `benchmark.metrics.levels`).

    Raises:
        InputError: a column is missing, nothing was scored, a row stands twice, or has neither number nor reason.
    """
    frames: dict[str, Any] = {name: _frame(name, getattr(findings, name)) for name in COLUMNS}
    scores, detections = frames["scores"], frames["detections"]
    if scores.empty:
        raise InputError("findings.scores: no score at all, the experiment judged no suspect")
    for name, keys in UNIQUE.items():
        if frames[name].duplicated(list(keys)).any():
            raise InputError(f"findings.{name}: two rows of the same {', '.join(keys)}")
    for name, columns in NUMBERS.items():
        for column in columns:
            frames[name][column] = pd.to_numeric(frames[name][column]).astype(float)
    for column in ("stolen", "degraded"):
        scores[column] = scores[column].astype(bool)
    for name, frame, known in (("scores", scores, "score"), ("detections", detections, "rate")):
        frame["reason"] = frame["reason"].fillna("").astype(str)
        if (frame[known].isna() & (frame["reason"] == "")).any():
            raise InputError(f"findings.{name}: a row without a {known} needs a reason")
    share = scores["matched"].notna() & scores["score"].notna()
    scores["score"] = np.where(share, scores["matched"] / scores["n"], scores["score"])
    return replace(findings, **frames)


def _frame(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """A copy with a plain index; one without any row need not have columns."""
    if frame.empty:
        return empty(name)
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


def label(scores: pd.DataFrame, fingerprint: str, verifier: str, marks: Container[str] = ()) -> str:
    """A method's name in tables and figures: the verifier is named only where the fingerprint has several.

    Figures hand in `marks`, and a marked fingerprint gets a sign; tables have footnotes instead.
    """
    several = scores.loc[scores["fingerprint"] == fingerprint, "verifier"].nunique() > 1
    return signed(f"{fingerprint} {verifier}" if several else fingerprint, fingerprint, marks)


def signed(name: str, fingerprint: str, marks: Container[str]) -> str:
    """A name in a figure, with the sign of a marked fingerprint."""
    return name + SIGN * (fingerprint in marks)


def explained(marks: Mapping[str, str], shown: Iterable[str]) -> str:
    """What a figure's caption says of the marked fingerprints among those shown, a space before it; or nothing."""
    names = [name for name in dict.fromkeys(shown) if name in marks]
    return "".join(f" {SIGN} {name}: {marks[name]}" for name in names)


def families(scores: pd.DataFrame) -> list[str]:
    """Families of suspects, the paper's in its order, then others; families of negatives last."""
    found = scores[scores["family"] != "victim"].drop_duplicates("family").set_index("family")["stolen"]
    names = [str(name) for name in found.index]
    rank = {name: FAMILIES.index(name) if name in FAMILIES else len(FAMILIES) + i for i, name in enumerate(names)}
    return sorted(names, key=lambda name: (not bool(found[name]), rank[name]))
