"""A report without its drawings, beside files of the user's."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from benchmark.report import Findings, record, results, write
from benchmark.report.view import View

Make = Callable[..., Findings]
MINE = ("thesis.tex", "figures/mine.png", "tables/own.csv", "notes/deep/x.txt", "paper/talk.pdf", "READING.md")


def drawn(folder: Path, published: Path | None, read: bool, kinds: Sequence[str] = ()) -> None:
    """In the place of all that is drawn, which takes the time: files that follow from the scores."""
    text = str(record.sums(folder, ["scores.csv.gz"]))
    (folder / "tables").mkdir()
    for name, content in (
        ("index.html", text),
        ("tables/worth.md", text),
        ("tables/worth.tex", text),
        ("tables/same.md", ""),
    ):
        (folder / name).write_text(content)


def figures(findings: Findings, folder: Path, view: View) -> None:
    """In the place of figures for a paper."""
    folder.mkdir()
    (folder / "auc.pdf").write_text(str(view))


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "draw", drawn)
    monkeypatch.setattr(results, "draw_figures", figures)


@pytest.fixture(scope="module")
def template(make_whole: Make, small: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report, to be copied."""
    folder = tmp_path_factory.mktemp("template") / "r"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(results, "draw", drawn)
        write(make_whole(**small), folder, None)
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """A report."""
    return Path(shutil.copytree(template, tmp_path / "r"))


@pytest.fixture
def others(make_whole: Make, small: dict[str, object]) -> Findings:
    """Other findings than those of the report."""
    findings = make_whole(**small)
    findings.scores.loc[0, "queries"] += 1
    return findings


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def put(folder: Path, names: tuple[str, ...] = MINE) -> None:
    """Files of the user's."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{name} is mine")


def kept(folder: Path, names: tuple[str, ...] = MINE) -> bool:
    return all((folder / name).read_text() == f"{name} is mine" for name in names)


def former(folder: Path, name: str, content: str) -> None:
    """Has the report of a folder own a file that is no part of it any more."""
    (folder / name).write_text(content)
    found = record.read(folder)
    assert found is not None
    sums = {**found.files, **record.sums(folder, [name])}
    record.save(record.Record(found.digest, sums), folder)


def clone(folder: Path) -> None:
    """What git keeps of a report."""
    (folder / record.RECORD).unlink()
    for path in [*folder.rglob("*.tex"), folder / "index.html"]:
        path.unlink()
