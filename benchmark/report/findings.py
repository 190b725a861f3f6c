"""What an experiment found, as the harness hands it to the report: tidy frames, exhibits and a manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.errors import InputError

FAMILIES = ("finetune", "retrain", "weight_pruning", "filter_pruning", "distill", "independent")

# What an experiment may ask. The answer is yes for positives, no for negatives.
QUESTIONS: dict[str, str] = {
    "ownership": "does the suspect come of the victim?",
    "integrity": "is the suspect still the victim, not tampered with?",
}

COLUMNS: dict[str, tuple[str, ...]] = {
    "scores": (
        *("task", "kind", "victim", "repeat", "suspect", "family", "relation", "positive"),
        *("fingerprint", "verifier", "access", "channel", "score", "statistic", "threshold", "matched", "n", "made"),
        *("reason", "queries", "seconds", "quality", "victim_quality", "skill", "victim_skill", "degraded"),
        *("victim_key", "suspect_key", "prints_key", "shares_training_data", "blind"),
    ),
    "references": (
        "task",
        "victim",
        "repeat",
        "reference",
        "fingerprint",
        "verifier",
        "score",
        "matched",
        "n",
        "reason",
    ),
    "worth": (
        *("task", "victim", "suspect", "family", "positive"),
        *("agreement", "kl", "balanced_accuracy", "skill", "quality", "queries"),
    ),
    "prints": ("task", "victim", "repeat", "fingerprint", "n", "works", "seconds", "accepted", "notes"),
    "visibility": ("task", "fingerprint", "victim", "repeat", "channel", "psnr", "label_accuracy"),
    "models": (
        *("task", "victim", "name", "role", "family", "relation", "quality", "measure", "detail", "seconds"),
        *("parameters", "key", "queries", "shares_training_data"),
    ),
    "detections": (
        *("task", "fingerprint", "victim", "repeat", "channel", "detector", "threshold", "value"),
        *("n", "rate", "auroc", "clean_rate", "reason"),
    ),
    "distances": ("task", "fingerprint", "victim", "repeat", "channel", "detector", "number", "distance"),
    "ablations": (
        *("task", "fingerprint", "verifier", "setting", "value", "victim", "repeat"),
        *("aruc", "auc", "positives", "negatives", "n"),
    ),
}
NUMBERS: dict[str, tuple[str, ...]] = {
    "scores": (
        *("score", "statistic", "threshold", "matched", "n", "made", "queries", "seconds"),
        *("quality", "victim_quality", "skill", "victim_skill"),
    ),
    "references": ("score", "matched", "n"),
    "worth": ("agreement", "kl", "balanced_accuracy", "skill", "quality", "queries"),
    "prints": ("n", "works", "seconds", "accepted"),
    "visibility": ("psnr", "label_accuracy"),
    "models": ("quality", "seconds", "parameters", "queries"),
    "detections": ("value", "n", "rate", "auroc", "clean_rate"),
    "distances": ("distance",),
    "ablations": ("aruc", "auc", "positives", "negatives", "n"),
}
EXACT = 12  # decimals of a score
LATER: dict[str, dict[str, Any]] = {"scores": {"blind": False}}  # what results of an earlier version lack, and mean
WHOLE = ("victim", "repeat", "number")  # whole numbers in whichever frame has them
# The key columns of each frame: no two rows agree in all of them.
KEYS: dict[str, tuple[str, ...]] = {
    "scores": ("task", "victim", "repeat", "suspect", "fingerprint", "verifier", "channel"),
    "references": ("task", "victim", "repeat", "reference", "fingerprint", "verifier"),
    "worth": ("task", "victim", "suspect"),
    "prints": ("task", "victim", "repeat", "fingerprint"),
    "visibility": ("task", "fingerprint", "victim", "repeat", "channel"),
    "detections": ("task", "fingerprint", "victim", "repeat", "channel", "detector", "threshold"),
    "distances": ("task", "fingerprint", "victim", "repeat", "channel", "detector", "number"),
    "ablations": ("task", "fingerprint", "verifier", "setting", "value", "victim", "repeat"),
}
CLEAN = "clean test images"  # what detectors are calibrated on and compared with
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

    A channel is what stands between a query and whoever is asked, such as rounding to 8-bit pictures. Rows of all
    channels stand in one frame; averages over them mean nothing, so all but what compares channels reads
    `of_main_channel`.

    In every frame `victim` numbers the owner's victims from 0, and `repeat` the sets of prints of one victim, which
    differ in their seed alone. Victims are what is replicated; repeats of one victim are no further evidence.

    Attributes:
        channel: the key of the main channel, the experiment's first: all tables and figures that name none are of it.
        question: one of QUESTIONS.
        scores: one row per (task, victim, repeat, suspect, fingerprint, verifier, channel); where the method or the
            channel does not apply the score is NaN and there is a reason. `relation` says how the suspect came to be:
            independent, equivalent, modified or derived; `positive` whether the answer to the question is yes for it.
            Of these, independent models are trained once and judged against every victim; a suspect of another
            relation is another network for each victim under one label. `made` counts the prints, `n` those of them
            that work on the victim itself for this verifier, of which `matched` match; the others were dropped.
            `statistic` is the number in its own unit that the score was made of, if there is one; where it is a
            distance, `threshold` is the largest at which a suspect is called positive. `skill` is how far a model is
            above the blind answer, 1 at most; `degraded` rests on it and on quality; `blind` is a model that no test
            finds to be above it. Rows of family "victim" are the self-check and count neither as positive nor as
            negative.
        references: one row per (task, victim, repeat, reference, fingerprint, verifier), main channel alone: scores of
            the owner's own independent models, which are never judged; his threshold comes of them.
        worth: one row per (task, victim, suspect), what a copy is worth: `agreement`, the share of test inputs that it
            answers as the victim does; `kl` in nats and `balanced_accuracy`, NaN outside of classification.
        prints: one row per (task, victim, repeat, fingerprint): how the prints were made; `works` is the share of them
            that works on the victim, over all verifiers.
        visibility: one row per (task, fingerprint, victim, repeat, channel): `psnr` in dB of the prints behind the
            channel against their source images, and `label_accuracy`, the share in [0, 1] that the victim gives their
            label.
        models: one row per model; `victim` is -1 for a model that needs none and serves them all; `relation` is "" for
            the victim; `queries` is how many images a thief put to the victim's API to make it.
        manifest: what was run, on what; `failures` lists {"job", "error"}; `accusation_rate` is the share of innocents
            that the owner is ready to accuse.
        detections: one row per (task, fingerprint, victim, repeat, channel, detector, threshold). `value` is the
            threshold that bears the name `threshold`; `rate` the share of prints in [0, 1] that it flags, `clean_rate`
            the share of clean test images; `auroc` is of prints against clean images. A detector that does not apply
            has NaN in all of them and a reason.
        distances: what a detector measured on one print behind a channel, or on one clean test image, where
            `fingerprint` and `channel` are "" and `repeat` is 0.
        ablations: ARUC and AUC of one verifier on the main channel with one setting at another value, all else as in
            the run. `setting` is "count" for the number of prints, else a field of the fingerprint; `value` a number or
            a word.
        marks: fingerprint -> a footnote wherever its numbers stand, such as "a reconstruction".
    """

    experiment: str
    scores: pd.DataFrame
    prints: pd.DataFrame
    models: pd.DataFrame
    exhibits: list[Exhibit] = field(default_factory=list)
    manifest: dict[str, Any] = field(default_factory=dict)
    channel: str = field(kw_only=True)
    question: str = field(kw_only=True)
    references: pd.DataFrame = field(default_factory=partial(empty, "references"))
    worth: pd.DataFrame = field(default_factory=partial(empty, "worth"))
    visibility: pd.DataFrame = field(default_factory=partial(empty, "visibility"))
    detections: pd.DataFrame = field(default_factory=partial(empty, "detections"))
    distances: pd.DataFrame = field(default_factory=partial(empty, "distances"))
    ablations: pd.DataFrame = field(default_factory=partial(empty, "ablations"))
    marks: dict[str, str] = field(default_factory=dict)


def checked(findings: Findings) -> Findings:
    """The findings with exact scores and every expected column.

    A score that is a share is recomputed as matched / n in double precision, so that comparisons with thresholds are
    those of the rationals (see `benchmark.metrics.levels`). Other scores are rounded to 12 decimals: in the last places
    of a sum of floats 0.45 is above 0.45.

    Raises:
        InputError: a column is missing, nothing was scored, on the main channel or at all, the question is not known,
            a row stands twice, or has neither number nor reason.
    """
    frames: dict[str, Any] = {name: _frame(name, getattr(findings, name)) for name in COLUMNS}
    scores = frames["scores"]
    if scores.empty:
        raise InputError("findings.scores: no score at all, the experiment judged no suspect")
    if findings.channel not in set(scores["channel"]):
        known = ", ".join(dict.fromkeys(scores["channel"]))
        raise InputError(f"findings.channel: no score is of channel {findings.channel!r}, there are {known}")
    if findings.question not in QUESTIONS:
        raise InputError(f"findings.question: {findings.question!r} is none of {', '.join(QUESTIONS)}")
    for name, keys in KEYS.items():
        if frames[name].duplicated(list(keys)).any():
            raise InputError(f"findings.{name}: two rows of the same {', '.join(keys)}")
    for name, columns in NUMBERS.items():
        for column in columns:
            frames[name][column] = pd.to_numeric(frames[name][column]).astype(float)
    for frame in frames.values():
        for column in (column for column in WHOLE if column in frame):
            frame[column] = frame[column].astype(int)
    for column in ("positive", "degraded", "blind"):
        scores[column] = scores[column].astype(bool)
    frames["worth"]["positive"] = frames["worth"]["positive"].astype(bool)
    for name, known in (("scores", "score"), ("references", "score"), ("detections", "rate")):
        frame = frames[name]
        frame["reason"] = frame["reason"].fillna("").astype(str)
        if (frame[known].isna() & (frame["reason"] == "")).any():
            raise InputError(f"findings.{name}: a row without a {known} needs a reason")
    for frame in (scores, frames["references"]):
        share = frame["matched"].notna() & frame["score"].notna()
        frame["score"] = np.where(share, frame["matched"] / frame["n"], frame["score"].round(EXACT))
    return replace(findings, **frames)


def of_main_channel(findings: Findings) -> Findings:
    """The findings without the rows of other channels; clean images, which no channel touches, stay."""
    kept = {}
    for name, columns in COLUMNS.items():
        if "channel" in columns:
            frame = getattr(findings, name)
            kept[name] = frame[frame["channel"].isin((findings.channel, ""))].reset_index(drop=True)
    return replace(findings, **kept)


def channels(findings: Findings) -> list[str]:
    """The channels that anything was measured on, the main one first."""
    frames = (findings.scores, findings.visibility, findings.detections, findings.distances)
    found = dict.fromkeys(str(name) for frame in frames for name in frame["channel"].unique())
    return list(dict.fromkeys((findings.channel, *(name for name in found if name))))


def _frame(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """A copy with a plain index; one without any row need not have columns."""
    if frame.empty:
        return empty(name)
    later = {column: value for column, value in LATER.get(name, {}).items() if column not in frame.columns}
    frame = frame.assign(**later)
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
    """A method's name in tables: the column `method`, where `names.Names.labelled` has added it to the scores.

    Else it is made of the keys; the verifier is named only where the fingerprint has several.
    """
    own = scores["fingerprint"] == fingerprint
    if "method" in scores:
        return str(scores["method"][own & (scores["verifier"] == verifier)].iloc[0])
    return f"{fingerprint} {verifier}" if scores["verifier"][own].nunique() > 1 else fingerprint


def families(scores: pd.DataFrame) -> list[str]:
    """Families of suspects, the paper's in its order, then others; families of negatives last."""
    found = scores[scores["family"] != "victim"].drop_duplicates("family").set_index("family")["positive"]
    names = [str(name) for name in found.index]
    rank = {name: FAMILIES.index(name) if name in FAMILIES else len(FAMILIES) + i for i, name in enumerate(names)}
    return sorted(names, key=lambda name: (not bool(found[name]), rank[name]))
