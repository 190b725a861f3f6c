"""Experiments carried out by tests, in this process or as commands of their own, and what their stores hold then."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmark.cli.command import run
from benchmark.collect.findings import collect
from benchmark.paths import ROOT
from benchmark.plan.job import Job
from benchmark.plan.plan import Plan, plan
from benchmark.plan.reading import read
from benchmark.report.figures import every
from benchmark.report.findings import Findings, checked
from benchmark.run.executor import Failure, missing
from benchmark.spec.build import built as component
from benchmark.store.artefacts import Store


@dataclass(frozen=True)
class Done:
    """An experiment that was carried out, its report not yet written."""

    config: Mapping[str, Any]
    plan: Plan
    store: Store
    failures: list[Failure]

    @cached_property
    def findings(self) -> Findings:
        """What the report would be written from."""
        return checked(collect(self.plan, self.store, self.failures, self.config))

    def job(self, title: str) -> Job:
        """The one job whose title ends like this."""
        (found,) = [job for job in self.plan.jobs if job.title.endswith(title)]
        return found


def carried_out(config: Mapping[str, Any]) -> Done:
    """Plans a configuration and has its executor do all that its store lacks."""
    planned, store = plan(read(config)), Store(config["store"])
    executor = component(config["executor"], "executor", "executor")
    todo = missing(planned, store)
    return Done(config, planned, store, executor.run(todo, planned, store) if todo else [])


def command(config: dict[str, Any]) -> int:
    """The whole command, quietly and without figures, which take the time; its exit code."""
    with contextlib.redirect_stderr(io.StringIO()), pytest.MonkeyPatch.context() as patch:
        patch.setattr(every, "drawn", lambda *_: iter(()))
        return run(config)


def program(folder: Path, config: Mapping[str, Any]) -> list[str]:
    """A command line that runs the experiment in a process of its own, workers and all."""
    path = folder / "program.py"
    text = json.dumps(json.dumps(config))
    path.write_text(
        f"import json; from benchmark.cli.command import run\n"
        f"if __name__ == '__main__': raise SystemExit(run(json.loads({text})))"
    )
    return [sys.executable, str(path)]


def built(store: Path) -> dict[str, int]:
    """When each artefact's manifest was written, by key: a rebuilt artefact shows."""
    manifests = (path for path in store.glob("??/*/manifest.json") if not path.parent.name.startswith("."))  # no drafts
    return {path.parent.name: path.stat().st_mtime_ns for path in manifests}


def digests(store: Path) -> dict[str, dict[str, str]]:
    """The checksums of what was computed: weights, prints, measurements (not of records with seconds in them)."""
    manifests = [json.loads(path.read_text()) for path in store.glob("??/*/manifest.json")]
    return {
        m["key"]: {name: f["sha256"] for name, f in m["files"].items() if name.endswith("safetensors")}
        for m in manifests
    }


SWEEP = (
    "experiment=smoke",
    "task=[digits_class]",
    "suspect=[weight_pruning,independent]",
    "fingerprint=[random]",
    "detector=[]",
    "channel=[as_made]",
    "ablation.settings={}",
    "gallery=0",
    "victims=1",
    "accusation.references=0",
    "executor.workers=1",
    "trainer.device=cpu",
    "count=5,6",
)


def swept(folder: Path, *overrides: str) -> pd.DataFrame:
    """sweep.csv of a sweep over the number of prints, through a launcher of Hydra's; checks that models are shared."""
    places = (f"store={folder / 'store'}", f"results={folder / 'results'}", f"hydra.sweep.dir={folder / 'multirun'}")
    line = [sys.executable, "-m", "benchmark", "-m", *SWEEP, *places, *overrides]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not (folder / "store" / "damaged").exists()
    models = {path.parent.name for path in (folder / "store").glob("??/*/weights.safetensors")}
    assert len(models) == 5  # the victim, two pruned and two independent ones, shared by all
    return pd.read_csv(folder / "results/smoke.sweep/sweep.csv")
