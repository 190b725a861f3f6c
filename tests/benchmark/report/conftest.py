"""Synthetic findings: a small zoo of suspects whose scores a test chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.report import Exhibit, Findings, write
from benchmark.report import summary as summaries
from benchmark.report.figures import every

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
Score = Callable[[str, int, str, bool], int]


def perfect(fingerprint: str, repeat: int, suspect: str, positive: bool) -> int:
    """Matched prints of a method that errs on nobody."""
    return 100 if positive else 0


def noisy(fingerprint: str, repeat: int, suspect: str, positive: bool) -> int:
    """Deterministic scores that differ between methods, repeats and suspects, positives higher on the whole."""
    seed = sum(map(ord, fingerprint + suspect)) + 17 * repeat
    return int(
        np.random.default_rng(seed).integers(40, 101) if positive else np.random.default_rng(seed).integers(0, 60)
    )


def score_rows(
    task: str,
    repeats: int,
    methods: Sequence[tuple[str, str, str]],
    matched: Score,
    zoo: Sequence[tuple[str, str, bool]],
) -> list[dict[str, Any]]:
    """Rows of findings.scores for one task; filter pruning is degraded, akh has no answer outside classification.

    One print fewer matches behind the second channel.
    """
    rows = []
    for fingerprint, verifier, access in methods:
        absent = fingerprint == "akh" and KINDS[task] != "classification"
        for repeat in range(repeats):
            for (suspect, family, positive), channel in product([("victim", "victim", True), *zoo], CHANNELS):
                count = 98 if family == "victim" else matched(fingerprint, repeat, suspect, positive)
                count = max(count - CHANNELS.index(channel), 0)
                lost = family == "filter_pruning"
                rows.append(
                    {
                        **{"task": task, "kind": KINDS[task], "repeat": repeat, "suspect": suspect, "family": family},
                        **{"relation": RELATIONS.get(family, "modified"), "positive": positive, "channel": channel},
                        **{"fingerprint": fingerprint, "verifier": verifier, "access": access},
                        "score": np.nan if absent else count / 100,
                        **{"statistic": np.nan, "threshold": np.nan},
                        "matched": np.nan if absent else count,
                        "n": 100,
                        "reason": LABELS_ONLY if absent else "",
                        **{"queries": 0 if absent else 200, "seconds": 0.25, "quality": 60.5 if lost else 98.25},
                        "shares_training_data": True,
                        **{"victim_quality": 99.0, "degraded": lost, "victim_key": f"v-{task}"},
                        **{"suspect_key": f"s-{suspect}", "prints_key": f"p-{fingerprint}-{repeat}", "key": "k"},
                    }
                )
    return rows


def print_rows(task: str, repeats: int, fingerprints: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of findings.prints; akh makes none outside classification."""
    return [
        {
            **{"task": task, "fingerprint": name, "repeat": repeat},
            **{"n": 100, "seconds": 12.0 + repeat, "accepted": 0.5},
            "notes": {"gap": 4.0 + repeat, "rule": "least likely"},
        }
        for name in fingerprints
        if not (name == "akh" and KINDS[task] != "classification")
        for repeat in range(repeats)
    ]


def visibility_rows(task: str, repeats: int, fingerprints: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of findings.visibility; akh has no origin, so no PSNR."""
    return [
        {name: made[name] for name in ("task", "fingerprint", "repeat")}
        | {
            "channel": channel,
            "psnr": np.nan if made["fingerprint"] == "akh" else psnr + made["repeat"],
            "label_accuracy": accuracy,
        }
        for made in print_rows(task, repeats, fingerprints)
        for channel, psnr, accuracy in zip(CHANNELS, (24.0, 23.5), (1.0, 0.97), strict=True)
    ]


def model_rows(task: str, zoo: Sequence[tuple[str, str, bool]]) -> list[dict[str, Any]]:
    """Rows of findings.models: the victim, the suspects, one auxiliary model."""
    named = [("victim", "victim", "victim"), *((name, "suspect", family) for name, family, _ in zoo)]
    return [
        {
            **{"task": task, "name": name, "role": role, "family": family, "quality": 98.0},
            **{"measure": "accuracy %", "detail": {"accuracy": 0.98}, "seconds": 2.0, "parameters": 1000, "key": name},
            **{"queries": 0, "shares_training_data": True},
            "relation": "" if role == "victim" else RELATIONS.get(family, "modified"),
        }
        for name, role, family in [*named, ("surrogate 0", "auxiliary", "")]
    ]


def detection_rows(task: str, repeats: int, fingerprints: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of findings.detections: squeezing has two thresholds and needs classes, svdd has one that moves."""
    rows = []
    for name in fingerprints:
        for repeat in range(repeats):
            for (detector, threshold, value), channel in product(THRESHOLDS, CHANNELS):
                known = detector == "svdd" or KINDS[task] == "classification"
                rate = (0.5 if threshold == "fixed" else 0.75) + repeat / 100
                rows.append(
                    {
                        **{"task": task, "fingerprint": name, "repeat": repeat, "detector": detector},
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


def distance_rows(task: str, repeats: int, fingerprints: Sequence[str], count: int = 9) -> list[dict[str, Any]]:
    """Rows of findings.distances: squeezing in [0, 2], svdd up to a thousand times its threshold."""
    rows = []
    for detector in ("squeezing", "svdd") if KINDS[task] == "classification" else ("svdd",):
        for place, name in enumerate(["", *fingerprints]):
            for repeat in range(repeats if name else 1):
                steps = np.linspace(0.1, 1.0, count)
                values = steps * 2 * place / len(fingerprints) if detector == "squeezing" else steps * 10.0**place
                rows += [
                    {
                        **{"task": task, "fingerprint": name, "repeat": repeat, "detector": detector, "number": number},
                        **{"channel": channel, "distance": value * factor},
                    }
                    for number, value in enumerate(values)
                    for channel, factor in (zip(CHANNELS, (1.0, 0.9), strict=True) if name else [("", 1.0)])
                ]
    return rows


def ablation_rows(task: str, repeats: int, methods: Sequence[tuple[str, str, str]]) -> list[dict[str, Any]]:
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
                        **{"value": value, "repeat": repeat, "aruc": 0.9 - 0.1 * place - 0.05 * step - 0.02 * repeat},
                        **{"auc": 0.95, "positives": 6, "negatives": 6, "n": value if setting == "count" else 100},
                    }
                    for repeat in range(repeats)
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


@pytest.fixture(scope="session")
def make_exhibit() -> Callable[..., Exhibit]:
    """The factory of exhibits."""
    return exhibit


@pytest.fixture(scope="session")
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
        return Findings(
            "synthetic",
            *frames,
            shown,
            record | manifest,
            **{"channel": CHANNELS[0], "question": "ownership"},
            visibility=pd.DataFrame([row for task in tasks for row in visibility_rows(task, repeats, names)]),
        )

    return make


@pytest.fixture(scope="session")
def make_whole(make_findings: Callable[..., Findings]) -> Callable[..., Findings]:
    """Findings with detections, distances and ablations too; akh is marked as a reconstruction."""

    def make(
        tasks: Sequence[str] = ("digits_class", "digits_angle"),
        repeats: int = 2,
        methods: Sequence[tuple[str, str, str]] = METHODS,
        **others: Any,
    ) -> Findings:
        def named(task: str) -> list[str]:
            names = dict.fromkeys(method[0] for method in methods)
            return [name for name in names if name != "akh" or KINDS[task] == "classification"]

        return replace(
            make_findings(tasks=tasks, repeats=repeats, methods=methods, **others),
            detections=pd.DataFrame([row for task in tasks for row in detection_rows(task, repeats, named(task))]),
            distances=pd.DataFrame([row for task in tasks for row in distance_rows(task, repeats, named(task))]),
            ablations=pd.DataFrame([row for task in tasks[:1] for row in ablation_rows(task, repeats, methods)]),
            marks={"akh": RECONSTRUCTION},
        )

    return make


@pytest.fixture
def _no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes the time, and folders are swapped the same without."""
    monkeypatch.setattr(every, "drawn", lambda *_: iter(()))


@pytest.fixture(scope="session")
def small() -> dict[str, object]:
    """Settings that make the cheapest whole report."""
    return {"tasks": ["digits_class"], "methods": [("saliency", "white", "white box"), ("akh", "label", "label")]}


@pytest.fixture(scope="session")
def whole(make_whole: Callable[..., Findings], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of two tasks with everything that findings may hold."""
    folder = tmp_path_factory.mktemp("whole") / "digits"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(summaries, "RESAMPLES", 20)
        write(make_whole(), folder, None)
    return folder
