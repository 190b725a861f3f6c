"""What the detectors made of the prints, out of the store: rates at each threshold, and the distances themselves."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score
from torch import Tensor

from benchmark.plan.jobs import DetectionJob, DetectorJob, PrintsJob
from benchmark.plan.plan import Plan
from benchmark.store.artefacts import Store


def detections(plan: Plan, store: Store) -> Iterator[dict[str, Any]]:
    """One row per prints, detector and threshold; a detector that does not apply gives one row with its reason."""
    clean_of = lru_cache(maxsize=8)(lambda key: store.open(key).tensors("clean.safetensors"))
    for job, found in _done(plan, store):
        clean = clean_of(job.fitted.key)
        for name, value in job.fitted.detector.thresholds(clean["valid"]).items():
            yield _names(job.prints) | {
                "detector": job.fitted.name,
                "threshold": name,
                "value": value,
                "n": len(found["made"]),
                "rate": _flagged(found["made"], value),
                "rate_8bit": _flagged(found["8bit"], value),
                "auroc": _auroc(found["made"], clean["test"]),
                "clean_rate": _flagged(clean["test"], value),
                "reason": "",
            }
    for made in plan.of_kind(PrintsJob):
        for name, detector in plan.experiment.detectors.items() if not made.variant else ():
            if reason := detector.inapplicable(made.task):
                yield _names(made) | {"detector": name, "reason": reason}


def distances(plan: Plan, store: Store) -> Iterator[dict[str, Any]]:
    """One row per print and detector, and one per held-out clean image, whose method is the empty text."""
    for job, found in _done(plan, store):
        start = _names(job.prints) | {"detector": job.fitted.name}
        for number, (made, rounded) in enumerate(zip(found["made"].tolist(), found["8bit"].tolist(), strict=True)):
            yield start | {"number": number, "distance": made, "distance_8bit": rounded}
    for detector in plan.of_kind(DetectorJob):
        if detector.victim != _first(plan, detector):
            continue
        artefact = store.find(detector.key)
        clean = artefact.tensors("clean.safetensors")["test"].tolist() if artefact else []
        for number, distance in enumerate(clean):
            start = {"task": detector.task_name, "fingerprint": "", "repeat": 0, "detector": detector.name}
            yield start | {"number": number, "distance": distance, "distance_8bit": np.nan}


def _first(plan: Plan, job: DetectorJob) -> str:
    """The key of the first victim of a task, to which the clean distances that are shown belong."""
    return next(other.victim for other in plan.of_kind(DetectorJob) if other.task_name == job.task_name)


def _done(plan: Plan, store: Store) -> Iterator[tuple[DetectionJob, dict[str, Tensor]]]:
    for job in plan.of_kind(DetectionJob):
        found = store.find(job.key)
        if found is not None:
            yield job, found.tensors("distances.safetensors")


def _names(job: PrintsJob) -> dict[str, Any]:
    return {"task": job.task_name, "fingerprint": job.method, "repeat": job.repeat}


def _flagged(found: Tensor, threshold: float) -> float:
    return (found.double() > threshold).double().mean().item()


def _auroc(prints: Tensor, clean: Tensor) -> float:
    """The probability that a print is farther than a clean image; distances may exceed 1, unlike matching scores."""
    distances = np.concatenate([prints.numpy(), clean.numpy()])
    return float(roc_auc_score(np.arange(len(distances)) < len(prints), distances))
