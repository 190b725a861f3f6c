"""What the detectors made of the prints, out of the store: rates at each threshold, and the distances themselves."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score
from torch import Tensor

from benchmark.plan.plan import Plan
from benchmark.plan.prints import PrintsJob
from benchmark.plan.stealth import DetectionJob, DetectorJob
from benchmark.store.artefacts import Store
from benchmark.store.reasons import reason_of


def detections(plan: Plan, store: Store) -> Iterator[dict[str, Any]]:
    """One row per prints, channel, detector and threshold, or one with a reason where there is no detection."""
    clean_of = lru_cache(maxsize=8)(lambda key: store.open(key).tensors("clean.safetensors"))
    for job in plan.of_kind(DetectionJob):
        found, reason = _stored(job, store)
        if reason:
            yield _names(job.prints) | {"channel": job.channel_name, "detector": job.fitted.name, "reason": reason}
        if found is None:
            continue
        clean = clean_of(job.fitted.key)
        for name, value in job.fitted.detector.thresholds(clean["valid"]).items():
            yield _names(job.prints) | {
                "channel": job.channel_name,
                "detector": job.fitted.name,
                "threshold": name,
                "value": value,
                "n": len(found),
                "rate": _flagged(found, value),
                "auroc": _auroc(found, clean["test"]),
                "clean_rate": _flagged(clean["test"], value),
                "reason": "",
            }
    for made in plan.of_kind(PrintsJob):
        for name, detector in plan.experiment.detectors.items() if not made.variant else ():
            if reason := detector.inapplicable(made.task):
                for channel in plan.experiment.channels:
                    yield _names(made) | {"channel": channel, "detector": name, "reason": reason}


def distances(plan: Plan, store: Store) -> Iterator[dict[str, Any]]:
    """One row per print, channel and detector, and one per held-out clean image, whose method is the empty text."""
    for job in plan.of_kind(DetectionJob):
        found, _ = _stored(job, store)
        if found is None:
            continue
        start = _names(job.prints) | {"channel": job.channel_name, "detector": job.fitted.name}
        for number, distance in enumerate(found.tolist()):
            yield start | {"number": number, "distance": distance}
    for detector in plan.of_kind(DetectorJob):
        artefact = store.find(detector.key)
        name = detector.name
        if artefact is None or reason_of(artefact):
            continue
        clean = artefact.tensors("clean.safetensors")["test"].tolist()
        for number, distance in enumerate(clean):
            start = {"task": detector.task_name, "fingerprint": "", "victim": detector.victim.replicate, "repeat": 0}
            start |= {"channel": "", "detector": name}
            yield start | {"number": number, "distance": distance}


def _stored(job: DetectionJob, store: Store) -> tuple[Tensor | None, str]:
    """The distances, or the reason why there are none; neither where the job is not done."""
    found = store.find(job.key)
    reason = reason_of(found) if found is not None else ""
    return (None if found is None or reason else found.tensors("distances.safetensors")["distances"]), reason


def _names(job: PrintsJob) -> dict[str, Any]:
    known = {"task": job.task_name, "fingerprint": job.method}
    return known | {"victim": job.victim.replicate, "repeat": job.repeat}


def _flagged(found: Tensor, threshold: float) -> float:
    return (found.double() > threshold).double().mean().item()


def _auroc(prints: Tensor, clean: Tensor) -> float:
    """The probability that a print is farther than a clean image; distances may exceed 1, unlike matching scores."""
    distances = np.concatenate([prints.numpy(), clean.numpy()])
    return float(roc_auc_score(np.arange(len(distances)) < len(prints), distances))
