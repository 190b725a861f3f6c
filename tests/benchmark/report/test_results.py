"""The whole folder: every file, the same bytes twice."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest

from benchmark.errors import InputError
from benchmark.report import Findings, write
from benchmark.report import summary as summaries
from benchmark.report.findings import COLUMNS
from benchmark.report.reading import file_of

Make = Callable[..., Findings]
TABLES = {
    "channels",
    "headline",
    "areas",
    "owner",
    "differences",
    "family_areas",
    "worth",
    "operating_points",
    "degraded",
    "families",
    "matrix",
    "stealth",
    "generation",
    "cost",
    "models",
    "published",
    "failures",
}

STATISTICS = ("summary", "families", "differences", "verdicts")


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "RESAMPLES", 20)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_file_is_there_and_none_else(whole: Path) -> None:
    figures = {"auc", "aruc", "owner", "families", "gallery_digits_class_saliency"}
    kinds = ("ru_curves", "strips", "conspicuity")
    figures |= {f"{kind}_{task}" for kind in kinds for task in ("digits_class", "digits_angle")}
    figures.add("sensitivity_digits_class")
    expected = {*map(file_of, (*COLUMNS, *STATISTICS)), "index.html", "manifest.json", "galleries.json", ".drawn.json"}
    expected |= {f"tables/{name}.{ending}" for name in TABLES for ending in ("md", "tex")}
    galleries = {name for name in figures if name.startswith("gallery")}
    expected |= {f"figures/{name}.{ending}" for name in figures - galleries for ending in ("pdf", "svg")}
    expected |= {f"figures/{name}.png" for name in figures}
    assert set(files(whole)) == expected
    assert [path.name for path in whole.parent.iterdir()] == ["digits"]


def test_writing_twice_gives_the_same_bytes(make_whole: Make, tmp_path: Path, small: dict[str, object]) -> None:
    for name in ("one", "two"):
        write(make_whole(**small), tmp_path / name, None)
    first, second = files(tmp_path / "one"), files(tmp_path / "two")
    assert first == second
    dated = re.compile(rb"CreationDate|ModDate|dc:date|tEXtSoftware|Matplotlib v", re.IGNORECASE)
    assert [name for name, content in first.items() if dated.search(content)] == []
    assert b"/FontType 42" in first["figures/auc.pdf"] or b"/CIDFontType2" in first["figures/auc.pdf"]
    assert b"/Type3" not in first["figures/auc.pdf"]


def test_the_users_matplotlib_settings_change_nothing(
    make_findings: Make, tmp_path: Path, small: dict[str, object]
) -> None:
    write(make_findings(**small), tmp_path / "one", None)
    with matplotlib.rc_context({"font.size": 20, "axes.grid": True, "lines.linewidth": 5}):
        write(make_findings(**small), tmp_path / "two", None)
    assert files(tmp_path / "one") == files(tmp_path / "two")


@pytest.mark.usefixtures("_no_figures")
def test_csv_keeps_full_precision_and_empty_cells(make_findings: Make, tmp_path: Path) -> None:
    findings = make_findings()
    third = findings.scores.index[1]
    findings.scores.loc[third, ["matched", "score"]] = [np.nan, 0.123456789012]
    write(findings, tmp_path / "r", None)
    scores = pd.read_csv(tmp_path / "r" / "scores.csv.gz")
    assert scores.loc[third, "score"] == 0.123456789012
    assert scores["score"].isna().sum() == findings.scores["score"].isna().sum()
    raw = gzip.decompress((tmp_path / "r" / "scores.csv.gz").read_bytes()).decode()
    assert ",98,100," in raw  # counts are written as integers
    summary = pd.read_csv(tmp_path / "r" / "summary.csv")
    absent = summary[(summary["task"] == "digits_angle") & (summary["fingerprint"] == "akh")]
    assert len(absent) == 3
    assert absent[["aruc", "auc", "tpr_at_5"]].isna().all(axis=None)
    prints = pd.read_csv(tmp_path / "r" / "prints.csv")
    assert json.loads(prints["notes"][0]) == {"gap": 4.0, "rule": "least likely"}


@pytest.mark.usefixtures("_no_figures")
def test_frames_are_written_whole_with_all_channels(make_whole: Make, tmp_path: Path) -> None:
    findings = make_whole()
    findings.distances.loc[3, "distance"] = 1 / 3
    write(findings, tmp_path / "r", None)
    assert b",0.3333\n" in gzip.decompress((tmp_path / "r" / "distances.csv.gz").read_bytes())
    for name, digits in (("visibility", 1e-15), ("detections", 1e-15), ("distances", 5.001e-4), ("ablations", 1e-15)):
        read = pd.read_csv(tmp_path / "r" / file_of(name), keep_default_na=False, na_values={"rate": [""]})
        given = getattr(findings, name)
        assert list(read.columns) == list(given.columns)
        for column in given.columns:
            if given[column].dtype == object or given[column].dtype.name.startswith("str"):
                assert read[column].tolist() == given[column].tolist()
            else:
                values = pd.to_numeric(read[column]).to_numpy(dtype=float)
                assert np.allclose(values, given[column].to_numpy(dtype=float), rtol=digits, atol=0, equal_nan=True)


def changed(findings: Findings) -> Findings:
    """Findings that differ, so that a report is really written again."""
    findings.scores.loc[0, "queries"] += 1
    return findings


@pytest.mark.usefixtures("_no_figures")
def test_a_failure_in_the_middle_leaves_the_old_report(
    make_findings: Make, tmp_path: Path, small: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "r"
    write(make_findings(**small), folder, None)
    before = files(folder)

    def break_down(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("benchmark.report.page.page.write", break_down)
    with pytest.raises(InputError, match=r"cannot write the report \(No space left on device\)"):
        write(changed(make_findings(**small)), folder, None)
    assert files(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["r"]
