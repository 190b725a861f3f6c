"""What the page says: every table and figure, the run, failures, captions; and pages of thin findings."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.paths import ROOT
from benchmark.report import Exhibit, Findings, write
from benchmark.report import summary as summaries
from benchmark.report.reading import file_of

Make = Callable[..., Findings]
VOID = {"meta", "img", "br", "link", "hr"}


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "RESAMPLES", 20)


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


def test_the_page_holds_every_table_and_figure_and_nothing_from_outside(whole: Path) -> None:
    page = outline(whole)
    tables = {path.stem for path in (whole / "tables").glob("*.md")}
    assert {f"table-{name}" for name in tables - {"published", "failures"}} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    figures = {path.stem for path in (whole / "figures").iterdir()}
    assert len(page.images) == len(figures) == 11
    assert all(str(image["src"]).startswith("data:image/") and image["alt"] for image in page.images)
    inside = {target[1:] for target in page.targets if target.startswith("#")}
    assert inside <= set(page.ids)
    outside = [target for target in page.targets if not target.startswith("#")]
    assert all((whole / target).exists() for target in outside)
    assert (whole / "index.html").stat().st_size < 4_000_000


@pytest.mark.usefixtures("_no_figures")
def test_the_page_says_what_was_measured_on_what(make_findings: Make, tmp_path: Path) -> None:
    write(make_findings(), tmp_path / "r", None)
    text = " ".join(outline(tmp_path / "r").text.split())
    assert (
        "For 2 tasks (digits_class, digits_angle) a victim was trained, and the question to each suspect was: " in text
    )
    assert (
        "does the suspect come of the victim? The answer is yes for the 6 positives per task (derived, modified)"
        in text
    )
    assert "and no for the 6 negatives (independent). They were judged by the fingerprints saliency, akh." in text
    assert "asked through the channel «as made»" in text
    assert "Each fingerprint was generated 2 times, with 100 prints" in text
    for fact in ("2.13.0", "a processor", "filter_pruning ratio=7/16", "No job failed."):
        assert fact in text
    assert "No published value corresponds" in text


@pytest.mark.usefixtures("_no_figures")
def test_a_page_without_them_says_so(make_findings: Make, tmp_path: Path, small: dict[str, object]) -> None:
    write(make_findings(**small, exhibits=[]), tmp_path / "r", None)
    text = outline(tmp_path / "r").text
    assert "No setting was varied in this experiment." in text
    assert "No print is pictured here." in text
    for name in ("detections", "distances", "ablations"):
        assert pd.read_csv(tmp_path / "r" / file_of(name)).empty


def test_the_page_explains_marks_and_names_the_papers_figures(whole: Path) -> None:
    page = outline(whole)
    captions = {str(image["alt"]) for image in page.images}
    for figure in ("Figures 4, 5 and 8", "the bars of Figure 5", "Figure 6", "Figure 9", "Figure 1"):
        assert [text for text in captions if f"As {figure} of the saliency paper." in text], figure
    marked = [text for text in captions if "§ akh: Reconstruction: the text was not available." in text]
    assert len(captions - set(marked)) == 2  # the gallery and the angles' distances have saliency only
    assert "6+6 suspects, 2 repeats, 10 to 100 prints" in page.text


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
    claims = ROOT / "results" / "published"
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
    assert (tmp_path / "r" / "figures" / "ru_curves_t_1_.pdf").is_file()
    assert not list((tmp_path / "r" / "figures").glob("gallery*"))
    assert "a\\$b\\_c/d" in (tmp_path / "r" / "tables" / "headline.tex").read_text()


def test_an_exhibit_in_single_precision_is_drawn(
    make_findings: Make, make_exhibit: Callable[..., Exhibit], tmp_path: Path, small: dict[str, object]
) -> None:
    shown = make_exhibit("digits_class", "akh", source=False, maps=False)
    shown = replace(shown, samples=shown.samples.astype(np.float32), captions=[])
    write(make_findings(**small, exhibits=[shown]), tmp_path / "r", None)
    assert "The method has no source images." in outline(tmp_path / "r").text
