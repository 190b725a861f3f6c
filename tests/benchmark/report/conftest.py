"""Synthetic findings: a small zoo of suspects whose scores a test chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.report import Exhibit, Findings

ZOO = [
    ("finetune layers=all", "finetune", True),
    ("finetune layers=last", "finetune", True),
    ("retrain layers=all", "retrain", True),
    ("weight_pruning ratio=0.5", "weight_pruning", True),
    ("filter_pruning ratio=7/16", "filter_pruning", True),
    ("distill copy=0", "distill", True),
    *((f"independent copy={i}", "independent", False) for i in range(6)),
]
METHODS = [
    ("saliency", "white", "white box"),
    ("saliency", "black", "probability"),
    ("akh", "label", "label"),
]
LABELS_ONLY = "needs class labels: the task has none"
KINDS = {"digits_class": "classification", "digits_angle": "regression", "digits_pair": "similarity"}
Score = Callable[[str, int, str, bool], int]


def perfect(fingerprint: str, repeat: int, suspect: str, stolen: bool) -> int:
    """Matched prints of a method that errs on nobody."""
    return 100 if stolen else 0


def noisy(fingerprint: str, repeat: int, suspect: str, stolen: bool) -> int:
    """Deterministic scores that differ between methods, repeats and suspects, positives higher on the whole."""
    seed = sum(map(ord, fingerprint + suspect)) + 17 * repeat
    return int(np.random.default_rng(seed).integers(40, 101) if stolen else np.random.default_rng(seed).integers(0, 60))


def score_rows(
    task: str,
    repeats: int,
    methods: Sequence[tuple[str, str, str]],
    matched: Score,
    zoo: Sequence[tuple[str, str, bool]],
) -> list[dict[str, Any]]:
    """Rows of findings.scores for one task; filter pruning is degraded, akh has no answer outside classification."""
    rows = []
    for fingerprint, verifier, access in methods:
        absent = fingerprint == "akh" and KINDS[task] != "classification"
        for repeat in range(repeats):
            for suspect, family, stolen in [("victim", "victim", True), *zoo]:
                count = 98 if family == "victim" else matched(fingerprint, repeat, suspect, stolen)
                lost = family == "filter_pruning"
                rows.append(
                    {
                        **{"task": task, "kind": KINDS[task], "repeat": repeat, "suspect": suspect, "family": family},
                        **{"stolen": stolen, "fingerprint": fingerprint, "verifier": verifier, "access": access},
                        "score": np.nan if absent else count / 100,
                        "score_8bit": np.nan if absent else max(count - 1, 0) / 100,
                        "matched": np.nan if absent else count,
                        "n": 100,
                        "reason": LABELS_ONLY if absent else "",
                        **{"queries": 0 if absent else 200, "seconds": 0.25, "quality": 60.5 if lost else 98.25},
                        **{"victim_quality": 99.0, "degraded": lost, "victim_key": f"v-{task}"},
                        **{"suspect_key": f"s-{suspect}", "prints_key": f"p-{fingerprint}-{repeat}", "key": "k"},
                    }
                )
    return rows


def print_rows(task: str, repeats: int, fingerprints: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of findings.prints; akh has no origin, so no PSNR."""
    return [
        {
            **{
                "task": task,
                "fingerprint": name,
                "repeat": repeat,
                "n": 100,
                "seconds": 12.0 + repeat,
                "accepted": 0.5,
            },
            "psnr": np.nan if name == "akh" else 24.0 + repeat,
            "psnr_8bit": np.nan if name == "akh" else 23.5 + repeat,
            "label_accuracy": 1.0,
            "label_accuracy_8bit": 0.97,
            "notes": {"gap": 4.0 + repeat, "rule": "least likely"},
        }
        for name in fingerprints
        if not (name == "akh" and KINDS[task] != "classification")
        for repeat in range(repeats)
    ]


def model_rows(task: str, zoo: Sequence[tuple[str, str, bool]]) -> list[dict[str, Any]]:
    """Rows of findings.models: the victim, the suspects, one auxiliary model."""
    named = [("victim", "victim", "victim", True), *((n, "suspect", f, s) for n, f, s in zoo)]
    return [
        {
            **{"task": task, "name": name, "role": role, "family": family, "stolen": stolen, "quality": 98.0},
            **{"measure": "accuracy %", "detail": {"accuracy": 0.98}, "seconds": 2.0, "parameters": 1000, "key": name},
        }
        for name, role, family, stolen in [*named, ("surrogate 0", "auxiliary", "", False)]
    ]


def exhibit(
    task: str, fingerprint: str = "saliency", count: int = 2, source: bool = True, maps: bool = True
) -> Exhibit:
    """A few noisy pictures of 8 x 8 pixels."""
    rng = np.random.default_rng(0)
    originals = rng.random((count, 3, 8, 8))
    samples = np.clip(originals + 0.05 * rng.standard_normal(originals.shape), 0, 1)
    saliency = {name: rng.random((count, 4, 4)) for name in ("victim", "finetune all", "independent 0")} if maps else {}
    return Exhibit(task, fingerprint, originals if source else None, samples, saliency, ["label 3"] * count)


@pytest.fixture
def make_exhibit() -> Callable[..., Exhibit]:
    """The factory of exhibits."""
    return exhibit


@pytest.fixture
def make_findings() -> Callable[..., Findings]:
    """A factory of findings: tasks, repeats, methods, the matched prints of each suspect, the zoo."""

    def make(
        tasks: Sequence[str] = ("digits_class", "digits_angle"),
        repeats: int = 2,
        methods: Sequence[tuple[str, str, str]] = METHODS,
        matched: Score = noisy,
        zoo: Sequence[tuple[str, str, bool]] = ZOO,
        exhibits: list[Exhibit] | None = None,
        **manifest: Any,
    ) -> Findings:
        names = list(dict.fromkeys(method[0] for method in methods))
        scores = [row for task in tasks for row in score_rows(task, repeats, methods, matched, zoo)]
        prints = [row for task in tasks for row in print_rows(task, repeats, names)]
        models = [row for task in tasks for row in model_rows(task, zoo)]
        record = {
            "seeds": {"fingerprint": list(range(repeats))},
            "versions": {"torch": "2.13.0"},
            "hardware": {"cpu": "a processor", "cores": 2},
            "failures": [],
        }
        shown = [exhibit(tasks[0])] if exhibits is None else exhibits
        frames = (pd.DataFrame(scores), pd.DataFrame(prints), pd.DataFrame(models))
        return Findings("synthetic", *frames, shown, record | manifest)

    return make
