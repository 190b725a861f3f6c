"""The whole folder: every file, the same bytes twice, swapped in whole, and what the page says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest

from benchmark.errors import InputError
from benchmark.report import Exhibit, Findings, results, write
from benchmark.report import summary as summaries

Make = Callable[..., Findings]
VOID = {"meta", "img", "br", "link", "hr"}
TABLES = {
    "rounding",
    "headline",
    "operating_points",
    "degraded",
    "families",
    "stealth",
    "cost",
    "models",
    "published",
    "failures",
}


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "RESAMPLES", 20)


@pytest.fixture
def _no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes the time, and folders are swapped the same without."""
    monkeypatch.setattr(results, "_figures", lambda *_: iter(()))


class Outline(HTMLParser):
    """Checks that tags nest, and collects ids, images and text."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in VOID:
            self.opened.append(tag)
        if tag == "img":
            self.images.append(given)
        self.ids += [str(given["id"])] if "id" in given else []
        self.targets += [str(given["href"])] if "href" in given else []

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def outline(folder: Path) -> Outline:
    reader = Outline()
    reader.feed((folder / "index.html").read_text(encoding="utf-8"))
    assert reader.opened == []
    return reader


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def small() -> dict[str, object]:
    """Settings that make the cheapest whole report."""
    return {"tasks": ["digits_class"], "methods": [("saliency", "white", "white box"), ("akh", "label", "label")]}


def test_every_file_is_there_and_none_else(make_findings: Make, tmp_path: Path) -> None:
    write(make_findings(), tmp_path / "digits", None)
    figures = {"ru_curves", "aruc_bars", "families", "gallery_digits_class_saliency"}
    figures |= {f"{kind}_{task}" for kind in ("ru_curves", "strips") for task in ("digits_class", "digits_angle")}
    expected = {"scores.csv", "summary.csv", "prints.csv", "models.csv", "index.html", "manifest.json"}
    expected |= {f"tables/{name}.{ending}" for name in TABLES for ending in ("md", "tex")}
    expected |= {f"figures/{name}.{ending}" for name in figures for ending in ("pdf", "svg", "png")}
    assert set(files(tmp_path / "digits")) == expected
    assert [path.name for path in tmp_path.iterdir()] == ["digits"]


def test_writing_twice_gives_the_same_bytes(make_findings: Make, tmp_path: Path, small: dict[str, object]) -> None:
    for name in ("one", "two"):
        write(make_findings(**small), tmp_path / name, None)
    first, second = files(tmp_path / "one"), files(tmp_path / "two")
    assert first == second
    dated = re.compile(rb"CreationDate|ModDate|dc:date|tEXtSoftware|Matplotlib v", re.IGNORECASE)
    assert [name for name, content in first.items() if dated.search(content)] == []
    assert b"/FontType 42" in first["figures/ru_curves.pdf"] or b"/CIDFontType2" in first["figures/ru_curves.pdf"]
    assert b"/Type3" not in first["figures/ru_curves.pdf"]


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
    findings.scores.loc[third, ["matched", "score"]] = [np.nan, 1 / 3]
    write(findings, tmp_path / "r", None)
    scores = pd.read_csv(tmp_path / "r" / "scores.csv")
    assert scores.loc[third, "score"] == 1 / 3
    assert scores["score"].isna().sum() == findings.scores["score"].isna().sum()
    raw = (tmp_path / "r" / "scores.csv").read_text()
    assert ",98,100," in raw  # counts are written as integers
    summary = pd.read_csv(tmp_path / "r" / "summary.csv")
    absent = summary[(summary["task"] == "digits_angle") & (summary["fingerprint"] == "akh")]
    assert len(absent) == 2
    assert absent[["aruc", "auc", "tpr_at_5"]].isna().all(axis=None)
    prints = pd.read_csv(tmp_path / "r" / "prints.csv")
    assert json.loads(prints["notes"][0]) == {"gap": 4.0, "rule": "least likely"}


def test_the_page_holds_every_table_and_figure_and_nothing_from_outside(make_findings: Make, tmp_path: Path) -> None:
    write(make_findings(), tmp_path / "r", None)
    page = outline(tmp_path / "r")
    assert {f"table-{name}" for name in TABLES - {"published", "failures"}} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert len(page.images) == 8
    assert all(str(image["src"]).startswith("data:image/") and image["alt"] for image in page.images)
    inside = {target[1:] for target in page.targets if target.startswith("#")}
    assert inside <= set(page.ids)
    outside = [target for target in page.targets if not target.startswith("#")]
    assert all((tmp_path / "r" / target).exists() for target in outside)
    assert (tmp_path / "r" / "index.html").stat().st_size < 4_000_000


def test_the_page_says_what_was_measured_on_what(make_findings: Make, tmp_path: Path) -> None:
    write(make_findings(), tmp_path / "r", None)
    text = " ".join(outline(tmp_path / "r").text.split())
    assert "For 2 tasks (digits_class, digits_angle) a victim was trained, and 6 stolen and 6 independent" in text
    assert "Each fingerprint was generated 2 times, with 100 prints" in text
    for fact in ("2.13.0", "a processor", "filter_pruning ratio=7/16", "No job failed."):
        assert fact in text
    assert "No published value corresponds" in text


@pytest.mark.usefixtures("_no_figures")
def test_failures_are_named(make_findings: Make, tmp_path: Path, small: dict[str, object]) -> None:
    failures = [{"job": "score digits_class akh", "error": "RuntimeError: <out of memory>"}]
    write(make_findings(**small, failures=failures), tmp_path / "r", None)
    page = outline(tmp_path / "r")
    assert "1 job failed" in page.text
    assert "RuntimeError: <out of memory>" in page.text
    assert "table-failures" in page.ids
    assert "out of memory" in (tmp_path / "r" / "tables" / "failures.tex").read_text()
    assert json.loads((tmp_path / "r" / "manifest.json").read_text())["failures"] == failures


@pytest.mark.usefixtures("_no_figures")
def test_published_values_stand_on_the_page(make_findings: Make, tmp_path: Path, small: dict[str, object]) -> None:
    claims = Path(__file__).parents[3] / "results" / "published"
    write(make_findings(**small), tmp_path / "r", claims)
    page = outline(tmp_path / "r")
    assert "table-published" in page.ids
    assert "DermaMNIST, ResNet-18" in page.text


def test_thin_findings_make_a_whole_report(make_findings: Make, tmp_path: Path) -> None:
    """One task, one repeat, one method, no exhibit, nobody degraded, no victim row, odd names."""
    findings = make_findings(tasks=["digits_class"], repeats=1, methods=[("a$b_c/d", "x", "label")], exhibits=[])
    scores = findings.scores[findings.scores["family"] != "victim"].assign(degraded=False, task="t $1 / ü")
    prints = findings.prints.head(0)
    write(replace(findings, scores=scores, prints=prints, manifest={}), tmp_path / "r", None)
    page = outline(tmp_path / "r")
    assert "No suspect lost more than 5 points" in page.text
    assert "±" not in (tmp_path / "r" / "tables" / "headline.md").read_text().split("ARUC: mean")[0]
    assert (tmp_path / "r" / "figures" / "ru_curves_t_1_.png").is_file()
    assert not list((tmp_path / "r" / "figures").glob("gallery*"))
    assert "a\\$b\\_c/d" in (tmp_path / "r" / "tables" / "headline.tex").read_text()


@pytest.mark.usefixtures("_no_figures")
def test_a_new_report_replaces_the_old_one_whole(make_findings: Make, tmp_path: Path, small: dict[str, object]) -> None:
    folder = tmp_path / "r"
    write(make_findings(**small), folder, None)
    (folder / "figures" / "stale.png").write_bytes(b"old")
    write(make_findings(**small), folder, None)
    assert not (folder / "figures" / "stale.png").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def changed(findings: Findings) -> Findings:
    """Findings that differ, so that a report is really written again."""
    findings.scores.loc[0, "seconds"] += 1
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

    monkeypatch.setattr("benchmark.report.page.write", break_down)
    with pytest.raises(InputError, match=r"cannot write the report \(No space left on device\)"):
        write(changed(make_findings(**small)), folder, None)
    assert files(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


@pytest.mark.usefixtures("_no_figures")
def test_a_swap_that_fails_brings_the_old_report_back(
    make_findings: Make, tmp_path: Path, small: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "r"
    write(make_findings(**small), folder, None)
    before, replace_ = files(folder), os.replace

    def refuse_the_new(source: Path, target: Path) -> None:
        if source.name == "new":
            raise OSError(13, "Permission denied")
        replace_(source, target)

    monkeypatch.setattr(os, "replace", refuse_the_new)
    with pytest.raises(InputError, match="Permission denied"):
        write(changed(make_findings(**small)), folder, None)
    assert files(folder) == before


def test_a_folder_with_other_files_is_not_replaced(make_findings: Make, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match="holds files but no report"):
        write(make_findings(), tmp_path, None)
    assert (tmp_path / "thesis.tex").read_text() == "mine"


def test_an_exhibit_in_single_precision_is_drawn(
    make_findings: Make, make_exhibit: Callable[..., Exhibit], tmp_path: Path, small: dict[str, object]
) -> None:
    shown = make_exhibit("digits_class", "akh", source=False, maps=False)
    shown = replace(shown, samples=shown.samples.astype(np.float32), captions=[])
    write(make_findings(**small, exhibits=[shown]), tmp_path / "r", None)
    assert "The method has no source images." in outline(tmp_path / "r").text


def test_the_report_imports_no_torch() -> None:
    heavy = "{'torch', 'lightning', 'matplotlib.pyplot'}"
    code = f"import sys, benchmark.report; print(sorted({heavy} & set(sys.modules)))"
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
