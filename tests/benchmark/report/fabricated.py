"""Rows of synthetic findings: a small zoo of suspects whose scores a test chooses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from benchmark.report import Exhibit

ZOO = [
    ("finetune layers=all", "finetune", True),
    ("finetune layers=last", "finetune", True),
    ("retrain layers=all", "retrain", True),
    ("weight_pruning ratio=0.5", "weight_pruning", True),
    ("filter_pruning ratio=7/16", "filter_pruning", True),
    ("distill replicate=0", "distill", True),
    *((f"independent replicate={i}", "independent", False) for i in range(6)),
]
METHODS = [
    ("saliency", "white", "white box"),
    ("saliency", "black", "probability"),
    ("akh", "label", "label"),
]
RECONSTRUCTION = "Reconstruction: the text was not available."
NEEDS_CLASSES = "squeezing compares class probabilities: the task has none"
RELATIONS = {"distill": "derived", "independent": "independent"}  # of other families: modified
CHANNELS = ("as_made", "eight_bit")
LABELS_ONLY = "needs class labels: the task has none"
KINDS = {"digits_class": "classification", "digits_angle": "regression", "digits_pair": "similarity"}
THRESHOLDS = (("squeezing", "fixed", 1.0), ("squeezing", "fpr05", 0.3), ("svdd", "q95", 0.5))
REFERENCES = 20
Score = Callable[[str, int, str, bool], int]  # fingerprint, number of the set of prints, suspect, positive
Sets = Sequence[tuple[int, int]]  # the victim and the repeat of each set of prints


def perfect(fingerprint: str, repeat: int, suspect: str, positive: bool) -> int:
    """Matched prints of a method that errs on nobody."""
    return 100 if positive else 0


def noisy(fingerprint: str, repeat: int, suspect: str, positive: bool) -> int:
    """Deterministic scores that differ between methods, repeats and suspects, positives higher on the whole."""
    seed = sum(map(ord, fingerprint + suspect)) + 17 * repeat
    return int(
        np.random.default_rng(seed).integers(40, 101) if positive else np.random.default_rng(seed).integers(0, 60)
    )


def sets_of(victims: int, repeats: int) -> list[tuple[int, int]]:
    """Victim and repeat of each set of prints; their order gives a set its number."""
    return list(product(range(victims), range(repeats)))


def score_rows(
    task: str,
    sets: Sets,
    methods: Sequence[tuple[str, str, str]],
    matched: Score,
    zoo: Sequence[tuple[str, str, bool]],
) -> list[dict[str, Any]]:
    """Rows of findings.scores for one task; filter pruning is degraded, akh has no answer outside classification.

    One print fewer matches behind the second channel. Every print works on the victim. Independent models are the same
    for all victims.
    """
    rows = []
    for fingerprint, verifier, access in methods:
        absent = fingerprint == "akh" and KINDS[task] != "classification"
        for number, (victim, repeat) in enumerate(sets):
            for (suspect, family, positive), channel in product([("victim", "victim", True), *zoo], CHANNELS):
                count = 98 if family == "victim" else matched(fingerprint, number, suspect, positive)
                count = max(count - CHANNELS.index(channel), 0)
                lost, relation = family == "filter_pruning", RELATIONS.get(family, "modified")
                rows.append(
                    {
                        **{"task": task, "kind": KINDS[task], "victim": victim, "repeat": repeat, "suspect": suspect},
                        **{"family": family, "relation": relation, "positive": positive, "channel": channel},
                        **{"fingerprint": fingerprint, "verifier": verifier, "access": access},
                        "score": np.nan if absent else count / 100,
                        **{"statistic": np.nan, "threshold": np.nan},
                        "matched": np.nan if absent else count,
                        **{"n": 100, "made": 100},
                        "reason": LABELS_ONLY if absent else "",
                        **{"queries": 0 if absent else 200, "seconds": 0.25, "quality": 60.5 if lost else 98.25},
                        "shares_training_data": True,
                        **{"skill": 0.5 if lost else 0.98, "victim_skill": 0.99},
                        **{"victim_quality": 99.0, "degraded": lost, "victim_key": f"v-{task}-{victim}"},
                        "suspect_key": f"s-{suspect}" if relation == "independent" else f"s-{suspect}-{victim}",
                        **{"prints_key": f"p-{fingerprint}-{victim}-{repeat}"},
                    }
                )
    return rows


def reference_rows(task: str, sets: Sets, methods: Sequence[tuple[str, str, str]]) -> Iterator[dict[str, Any]]:
    """Rows of findings.references: the owner's own models match 0, 1, 2, ... of 100 prints."""
    for (fingerprint, verifier, _), (victim, repeat), number in product(methods, sets, range(REFERENCES)):
        absent = fingerprint == "akh" and KINDS[task] != "classification"
        yield {
            **{"task": task, "victim": victim, "repeat": repeat, "reference": f"reference {number}"},
            **{"fingerprint": fingerprint, "verifier": verifier, "score": np.nan if absent else number / 100},
            **{"matched": np.nan if absent else number, "n": 100, "reason": LABELS_ONLY if absent else ""},
        }


def worth_rows(task: str, victims: int, zoo: Sequence[tuple[str, str, bool]]) -> Iterator[dict[str, Any]]:
    """Rows of findings.worth: copies agree with the victim, distilled ones less, and were asked for."""
    classes = KINDS[task] == "classification"
    for victim, (suspect, family, positive) in product(range(victims), zoo):
        agreement = {"distill": 0.9, "independent": 0.8}.get(family, 0.99)
        yield {
            **{"task": task, "victim": victim, "suspect": suspect, "family": family, "positive": positive},
            **{"agreement": agreement - victim / 100, "kl": 0.1 if classes else np.nan},
            **{"balanced_accuracy": agreement if classes else np.nan, "skill": agreement},
            **{"quality": 100 * agreement, "queries": 600 if family == "distill" else 0},
        }


def print_rows(task: str, sets: Sets, fingerprints: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of findings.prints; akh makes none outside classification."""
    return [
        {
            **{"task": task, "fingerprint": name, "victim": victim, "repeat": repeat},
            **{"n": 100, "works": 0.98, "seconds": 12.0 + repeat, "accepted": 0.5},
            "notes": {"gap": 4.0 + repeat, "rule": "least likely"},
        }
        for name in fingerprints
        if not (name == "akh" and KINDS[task] != "classification")
        for victim, repeat in sets
    ]


def visibility_rows(task: str, sets: Sets, fingerprints: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of findings.visibility; akh has no origin, so no PSNR."""
    return [
        {name: made[name] for name in ("task", "fingerprint", "victim", "repeat")}
        | {
            "channel": channel,
            "psnr": np.nan if made["fingerprint"] == "akh" else psnr + made["repeat"],
            "label_accuracy": accuracy,
        }
        for made in print_rows(task, sets, fingerprints)
        for channel, psnr, accuracy in zip(CHANNELS, (24.0, 23.5), (1.0, 0.97), strict=True)
    ]


def model_rows(task: str, victims: int, zoo: Sequence[tuple[str, str, bool]]) -> list[dict[str, Any]]:
    """Rows of findings.models: victims, suspects, and one auxiliary model, which serves all victims as others do."""
    named = [("victim", "victim", "victim"), *((name, "suspect", family) for name, family, _ in zoo)]
    return [
        {
            **{"task": task, "victim": victim, "name": name, "role": role, "family": family, "quality": 98.0},
            **{"measure": "accuracy %", "detail": {"accuracy": 0.98}, "seconds": 2.0, "parameters": 1000},
            "key": f"{name} {victim}",
            **{"queries": 0, "shares_training_data": True},
            "relation": "" if role == "victim" else RELATIONS.get(family, "modified"),
        }
        for name, role, family in [*named, ("surrogate 0", "auxiliary", "")]
        for victim in ([-1] if family in ("", "independent") else range(victims))
    ]


def detection_rows(task: str, sets: Sets, fingerprints: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of findings.detections: squeezing has two thresholds and needs classes, svdd has one that moves."""
    rows = []
    for name in fingerprints:
        for victim, repeat in sets:
            for (detector, threshold, value), channel in product(THRESHOLDS, CHANNELS):
                known = detector == "svdd" or KINDS[task] == "classification"
                rate = (0.5 if threshold == "fixed" else 0.75) + repeat / 100
                rows.append(
                    {
                        **{"task": task, "fingerprint": name, "victim": victim, "repeat": repeat},
                        "detector": detector,
                        "channel": channel,
                        "threshold": threshold,
                        "value": value + repeat / 10 * (detector == "svdd") if known else np.nan,
                        "n": 100,
                        "rate": rate - 0.25 * CHANNELS.index(channel) if known else np.nan,
                        "auroc": 0.625 - 0.125 * CHANNELS.index(channel) if known else np.nan,
                        "clean_rate": 0.05 if known else np.nan,
                        "reason": "" if known else NEEDS_CLASSES,
                    }
                )
    return rows


def distance_rows(task: str, sets: Sets, fingerprints: Sequence[str], count: int = 9) -> list[dict[str, Any]]:
    """Rows of findings.distances: squeezing in [0, 2], svdd up to a thousand times its threshold."""
    rows = []
    for detector in ("squeezing", "svdd") if KINDS[task] == "classification" else ("svdd",):
        for place, name in enumerate(["", *fingerprints]):
            for victim, repeat in sets if name else [pair for pair in sets if pair[1] == 0]:
                steps = np.linspace(0.1, 1.0, count)
                values = steps * 2 * place / len(fingerprints) if detector == "squeezing" else steps * 10.0**place
                rows += [
                    {
                        **{"task": task, "fingerprint": name, "victim": victim, "repeat": repeat},
                        **{"detector": detector, "number": number},
                        **{"channel": channel, "distance": value * factor},
                    }
                    for number, value in enumerate(values)
                    for channel, factor in (zip(CHANNELS, (1.0, 0.9), strict=True) if name else [("", 1.0)])
                ]
    return rows


def ablation_rows(task: str, sets: Sets, methods: Sequence[tuple[str, str, str]]) -> list[dict[str, Any]]:
    """Rows of findings.ablations: the number of prints for every method, xi and t_wb for saliency's verifiers."""
    rows = []
    for place, (fingerprint, verifier, _) in enumerate(methods):
        settings: dict[str, Sequence[float]] = {"count": (10, 50, 100)}
        if fingerprint == "saliency":
            settings |= {"t_wb": (0.0, 0.5, 1.0)} if verifier == "white" else {"t_bb": (0.01, 0.05, 0.1)}
            settings |= {"xi": (0.05, 0.1)}
        for setting, values in settings.items():
            for step, value in enumerate(values):
                rows += [
                    {
                        **{"task": task, "fingerprint": fingerprint, "verifier": verifier, "setting": setting},
                        **{"value": value, "victim": victim, "repeat": repeat},
                        **{"aruc": 0.9 - 0.1 * place - 0.05 * step - 0.02 * repeat, "auc": 0.95},
                        **{"positives": 6, "negatives": 6, "n": value if setting == "count" else 100},
                    }
                    for victim, repeat in sets
                ]
    return rows


def exhibit(
    task: str, fingerprint: str = "saliency", count: int = 2, source: bool = True, maps: bool = True
) -> Exhibit:
    """A few noisy pictures of 8 x 8 pixels."""
    rng = np.random.default_rng(0)
    originals = rng.random((count, 3, 8, 8))
    samples = np.clip(originals + 0.05 * rng.standard_normal(originals.shape), 0, 1)
    saliency = {name: rng.random((count, 4, 4)) for name in ("victim", "finetune all", "independent 0")} if maps else {}
    return Exhibit(task, fingerprint, originals if source else None, samples, saliency, ["label 3"] * count)
