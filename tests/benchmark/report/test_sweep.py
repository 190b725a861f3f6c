"""The runs of a sweep, side by side."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from benchmark.report.sweep import LONGEST, folder_name, join


def run(folder: Path, overrides: list[str], aruc: float) -> None:
    path = folder / folder_name(overrides)
    path.mkdir(parents=True)
    pd.DataFrame({"task": ["digits"], "aruc": [aruc]}).to_csv(path / "summary.csv", index=False)
    (path / "manifest.json").write_text(json.dumps({"overrides": overrides}))


def test_the_overrides_that_differ_stand_first(tmp_path: Path) -> None:
    run(tmp_path, ["task=[digits]", "fingerprint.saliency.xi=0.05", "~suspect.distill"], 0.5)
    run(tmp_path, ["task=[digits]", "fingerprint.saliency.xi=0.1", "~suspect.distill"], 0.75)
    table = pd.read_csv(join(tmp_path))
    assert list(table.columns) == ["override fingerprint.saliency.xi", "task", "aruc"]
    assert table.to_numpy().tolist() == [[0.05, "digits", 0.5], [0.1, "digits", 0.75]]
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []


def test_a_run_that_lacks_an_override_leaves_it_empty(tmp_path: Path) -> None:
    run(tmp_path, ["count=10"], 0.5)
    run(tmp_path, ["count=10", "repeats=2"], 0.25)
    assert pd.read_csv(join(tmp_path))["override repeats"].isna().tolist() == [True, False]


def test_long_names_stay_short_and_apart() -> None:
    many = [f"suspect.independent.replicate={list(range(100))}", "a=1"]
    others = [many[0], "a=2"]
    assert folder_name(many) != folder_name(others)
    assert all(LONGEST < len(folder_name(names)) <= LONGEST + 9 for names in (many, others))
    assert folder_name(["b=1", "a=x/y"]) == "a=x_y,b=1"
