"""Whatever happens on another channel, nothing changes but what compares channels."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.paths import ROOT
from benchmark.report import Findings, write
from benchmark.report import summary as summaries
from benchmark.report.reading import file_of

Make = Callable[..., Findings]
THIEVES = ("distill replicate=0", "distill replicate=1")
ZOO = [
    ("finetune layers=all", "finetune", True),
    *((name, "distill", True) for name in THIEVES),
    *((f"independent replicate={i}", "independent", False) for i in range(3)),
]
METHODS = [
    *(("judge", name, "white box") for name in ("nod", "nad", "lod")),
    ("saliency", "black", "probability"),
    ("akh", "label", "label"),
]
COMPARING = re.compile(r"tables/(channels|stealth)\.|figures/conspicuity_|csv(.gz)?$")
REPORTING = {"index.html", ".drawn.json"}  # the one holds the tables, the other the sums of all files


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "RESAMPLES", 20)


def sober(make_whole: Make) -> Findings:
    """Every table and figure has something to show: distances, an extraction of two budgets, published values."""
    findings = make_whole(tasks=["digits_class"], zoo=ZOO, methods=METHODS)
    rows = findings.scores
    judge = rows["fingerprint"] == "judge"
    rows.loc[judge, "statistic"] = 1 - rows.loc[judge, "score"]
    rows.loc[judge, ["threshold", "matched"]] = [0.5, np.nan]
    models = findings.models
    models["key"] = "s-" + models["name"]
    for queries, name in zip((100, 1000), THIEVES, strict=True):
        models.loc[models["name"] == name, "queries"] = queries
    return findings


def absurd(findings: Findings) -> Findings:
    """The same on the main channel; on the other all is upside down, out of all proportion, or refused."""
    frames = {name: getattr(findings, name).copy() for name in ("scores", "visibility", "detections", "distances")}
    others = {name: frame["channel"] == "eight_bit" for name, frame in frames.items()}
    scores, other = frames["scores"], others["scores"]
    scores["matched"] = scores["matched"].where(~other, 7 * (100 - scores["matched"]))
    scores["n"] = scores["n"].where(~other, 700)
    scores["score"] = scores["score"].where(~other, 1 - scores["score"])
    numbers = ["statistic", "threshold", "queries", "seconds"]
    scores[numbers] = scores[numbers].astype(float)
    scores.loc[other, numbers] = [1e6, 7e5, 1e9, 1e9]
    gone = other & ((scores["repeat"] == 1) | (scores["suspect"] == "finetune layers=all"))
    scores.loc[gone, ["score", "matched", "reason"]] = [np.nan, np.nan, "refused behind the other channel"]
    frames["visibility"].loc[others["visibility"], ["psnr", "label_accuracy"]] = [-1e4, 0.0]
    columns = ["value", "n", "rate", "auroc", "clean_rate"]
    frames["detections"][columns] = frames["detections"][columns].astype(float)
    frames["detections"].loc[others["detections"], columns] = [1e5, 1e6, 1.0, 0.0, 1.0]
    frames["distances"].loc[others["distances"], "distance"] = 1e6
    return replace(findings, **frames)


def reported(findings: Findings, folder: Path) -> dict[str, bytes]:
    write(findings, folder, ROOT / "results" / "published")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def beside(page: bytes) -> str:
    """The page without the tables and figures that compare channels."""
    text = page.decode()
    table = r'<div class="wide"><table id="table-{}">.*?</div>(\n<p class="notes">.*?</p>)?'
    figure = r"<figure>\n<img [^>]*what each detector measures.*?</figure>"
    for pattern in (table.format("channels"), table.format("stealth"), figure):
        text, count = re.subn(pattern, "", text, flags=re.DOTALL)
        assert count == 1, pattern
    return text


def test_another_channel_changes_nothing_but_what_compares_channels(make_whole: Make, tmp_path: Path) -> None:
    given = sober(make_whole)
    calm, wild = reported(given, tmp_path / "calm"), reported(absurd(given), tmp_path / "wild")
    assert set(calm) == set(wild)
    shown = {name.rpartition("/")[2].partition("_digits")[0] for name in calm if name.endswith(".pdf")}
    assert {"ru_curves.pdf", "aruc_bars.pdf", "families.pdf", "strips", "separation", "radar", "extraction"} <= shown
    changed = {name for name in calm if calm[name] != wild[name]} - REPORTING
    assert [name for name in changed if not COMPARING.search(name)] == []
    assert beside(calm["index.html"]) == beside(wild["index.html"])
    tables = {"tables/channels.md", "tables/stealth.md", "figures/conspicuity_digits_class.pdf"}
    frames = {file_of(name) for name in ("scores", "visibility", "detections", "distances")}
    assert tables | frames <= changed and "summary.csv" not in changed


def test_the_order_of_channels_in_the_frames_changes_nothing_but_them(make_whole: Make, tmp_path: Path) -> None:
    given = sober(make_whole)

    def turned(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.sort_values("channel", key=lambda names: names == "as_made", kind="stable")

    frames = {name: turned(getattr(given, name)) for name in ("scores", "visibility", "detections")}
    one, two = reported(given, tmp_path / "one"), reported(replace(given, **frames), tmp_path / "two")
    assert {name for name in one if one[name] != two[name]} <= {*map(file_of, frames), ".drawn.json"}
