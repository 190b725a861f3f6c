"""Synthetic findings and reports made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmark.report import Exhibit, Findings, write
from benchmark.report import summary as summaries
from benchmark.report.figures import every
from tests.benchmark.report import fabricated
from tests.benchmark.report.fabricated import CHANNELS, KINDS, METHODS, RECONSTRUCTION, ZOO, Score, noisy, sets_of


def frame(of_tasks: Iterable[Iterable[dict[str, Any]]]) -> pd.DataFrame:
    """The rows of all tasks."""
    return pd.DataFrame([row for rows in of_tasks for row in rows])


@pytest.fixture(scope="session")
def make_exhibit() -> Callable[..., Exhibit]:
    """The factory of exhibits."""
    return fabricated.exhibit


@pytest.fixture(scope="session")
def make_findings() -> Callable[..., Findings]:
    """A factory of findings: tasks, victims, repeats, methods, the matched prints of each suspect, the zoo."""

    def make(
        tasks: Sequence[str] = ("digits_class", "digits_angle"),
        repeats: int = 2,
        methods: Sequence[tuple[str, str, str]] = METHODS,
        matched: Score = noisy,
        zoo: Sequence[tuple[str, str, bool]] = ZOO,
        victims: int = 1,
        exhibits: list[Exhibit] | None = None,
        **manifest: Any,
    ) -> Findings:
        names, sets = list(dict.fromkeys(method[0] for method in methods)), sets_of(victims, repeats)
        rows = {
            "scores": [fabricated.score_rows(task, sets, methods, matched, zoo) for task in tasks],
            "references": [fabricated.reference_rows(task, sets, methods) for task in tasks],
            "worth": [fabricated.worth_rows(task, victims, zoo) for task in tasks],
            "prints": [fabricated.print_rows(task, sets, names) for task in tasks],
            "models": [fabricated.model_rows(task, victims, zoo) for task in tasks],
            "visibility": [fabricated.visibility_rows(task, sets, names) for task in tasks],
        }
        record = {
            "seeds": {"fingerprint": list(range(repeats))},
            "versions": {"torch": "2.13.0"},
            "hardware": {"cpu": "a processor", "cores": 2},
            "failures": [],
            **{"accusation_rate": 0.05, "victims": victims, "repeats": repeats},
        }
        return Findings(
            "synthetic",
            exhibits=[fabricated.exhibit(tasks[0])] if exhibits is None else exhibits,
            manifest=record | manifest,
            **{"channel": CHANNELS[0], "question": "ownership"},
            **{name: frame(of_tasks) for name, of_tasks in rows.items()},
        )

    return make


@pytest.fixture(scope="session")
def make_whole(make_findings: Callable[..., Findings]) -> Callable[..., Findings]:
    """Findings with detections, distances and ablations too; akh is marked as a reconstruction."""

    def make(
        tasks: Sequence[str] = ("digits_class", "digits_angle"),
        repeats: int = 2,
        methods: Sequence[tuple[str, str, str]] = METHODS,
        victims: int = 1,
        **others: Any,
    ) -> Findings:
        def named(task: str) -> list[str]:
            names = dict.fromkeys(method[0] for method in methods)
            return [name for name in names if name != "akh" or KINDS[task] == "classification"]

        sets = sets_of(victims, repeats)
        return replace(
            make_findings(tasks=tasks, repeats=repeats, methods=methods, victims=victims, **others),
            detections=frame(fabricated.detection_rows(task, sets, named(task)) for task in tasks),
            distances=frame(fabricated.distance_rows(task, sets, named(task)) for task in tasks),
            ablations=frame([fabricated.ablation_rows(tasks[0], sets, methods)]),
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
