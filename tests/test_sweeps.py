"""Hydra's launchers: the runs of a sweep at the same time, on one store, into one table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd

from benchmark.paths import ROOT

TINY = (
    "experiment=smoke",
    "task=[digits_class]",
    "suspect=[weight_pruning,independent]",
    "fingerprint=[random]",
    "detector=[]",
    "ablation.settings={}",
    "executor.workers=1",
    "trainer.device=cpu",
)


def swept(folder: Path, *overrides: str) -> pd.DataFrame:
    """sweep.csv of a sweep over the number of prints."""
    places = (f"store={folder / 'store'}", f"results={folder / 'results'}", f"hydra.sweep.dir={folder / 'multirun'}")
    command = [sys.executable, "-m", "benchmark", "-m", *TINY, "count=5,6,7", *places, *overrides]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not (folder / "store" / "damaged").exists()
    models = {path.parent.name for path in (folder / "store").glob("??/*/weights.safetensors")}
    assert len(models) == 5  # the victim, two pruned and two independent ones, shared by all
    return pd.read_csv(folder / "results/smoke.sweep/sweep.csv")


def test_joblibs_launcher(tmp_path):
    table = swept(tmp_path, "hydra/launcher=joblib", "hydra.launcher.n_jobs=3")
    assert sorted(set(table["override count"])) == [5, 6, 7]
