"""A report writes and removes its own files alone, and one process at a time does so."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from benchmark.errors import InputError
from benchmark.report import Findings, publishing, record, results, write
from benchmark.report.current import is_current
from benchmark.report.publishing import DRAFT, LOCK, check, drafted
from benchmark.report.results import redraw, redraw_figures, redraw_page
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


@pytest.mark.parametrize("cloned", [False, True])
def test_files_of_the_users_stay(folder: Path, others: Findings, cloned: bool) -> None:
    if cloned:
        clone(folder)
    put(folder)
    inodes = {name: (folder / name).stat().st_ino for name in MINE}
    before = (folder / "scores.csv.gz").read_bytes()
    redraw(folder, None)
    redraw_page(folder, None)
    redraw_figures(folder, View((), "column"))
    write(others, folder, None)
    assert kept(folder) and (folder / "scores.csv.gz").read_bytes() != before and is_current(folder, None)
    assert {name: (folder / name).stat().st_ino for name in MINE} == inodes
    assert [path.name for path in folder.parent.iterdir()] == ["r"]


def test_a_clone_is_drawn_again_without_complaint(folder: Path) -> None:
    before = files(folder)
    clone(folder)
    (folder / "tables" / "worth.md").write_text("drawn by other code")
    redraw(folder, None)
    assert files(folder) == before


def test_what_a_former_report_wrote_goes_unless_it_was_changed(folder: Path, others: Findings) -> None:
    former(folder, "tables/old.md", "a table")
    former(folder, "figures/old.png", "a figure")
    (folder / "figures" / "old.png").write_text("mine now")
    write(others, folder, None)
    assert not (folder / "tables" / "old.md").exists()
    assert (folder / "figures" / "old.png").read_text() == "mine now"
    found = record.read(folder)
    assert found is not None and not {"tables/old.md", "figures/old.png"} & found.files.keys()


def test_what_says_nothing_new_is_not_touched(folder: Path, others: Findings) -> None:
    before = {path: path.stat().st_ino for path in folder.rglob("*") if path.is_file()}
    write(others, folder, None)
    moved = {str(path.relative_to(folder)) for path, inode in before.items() if path.stat().st_ino != inode}
    assert {"scores.csv.gz", "index.html"} <= moved and not {"models.csv", "manifest.json", "tables/same.md"} & moved


def disown(folder: Path, name: str) -> Path:
    """Makes a file of the report's the user's."""
    found = record.read(folder)
    assert found is not None
    record.save(record.Record(found.digest, {key: found.files[key] for key in found.files if key != name}), folder)
    (folder / name).unlink()
    return folder / name


def a_file(path: Path) -> None:
    path.write_text("mine")


def a_folder(path: Path) -> None:
    path.mkdir()


def a_link_to_nowhere(path: Path) -> None:
    path.symlink_to("nowhere")


@pytest.mark.parametrize("way", [a_file, a_folder, a_link_to_nowhere])
def test_a_file_of_the_users_in_the_reports_way_is_one_line_and_nothing_is_moved(
    folder: Path, others: Findings, way: Callable[[Path], None]
) -> None:
    way(disown(folder, "tables/worth.md"))
    before, listed = files(folder), sorted(folder.rglob("*"))
    with pytest.raises(InputError, match=r"tables/worth\.md: is in the report's way .* move it away$"):
        write(others, folder, None)
    assert files(folder) == before and sorted(folder.rglob("*")) == listed


def test_a_file_where_a_folder_of_the_reports_stands_is_one_line(folder: Path, others: Findings) -> None:
    shutil.rmtree(folder / "tables")
    (folder / "tables").write_text("mine")
    before = files(folder)
    with pytest.raises(InputError, match="tables: is in the report's way"):
        write(others, folder, None)
    assert files(folder) == before


def test_the_paper_folder_is_the_users_where_no_record_says_otherwise(folder: Path) -> None:
    put(folder, ("paper/auc.pdf",))
    with pytest.raises(InputError, match=r"paper/auc\.pdf: is in the report's way"):
        redraw_figures(folder, View())
    assert kept(folder, ("paper/auc.pdf",))


MANIFESTS = ('{"name": "web app", "icons": []}', '{"seal": "1", "key": "2", "files": {}}', "[1]", "rubbish", "")


@pytest.mark.parametrize("content", MANIFESTS)
def test_a_folder_with_anothers_manifest_is_refused_before_any_work(
    others: Findings, tmp_path: Path, content: str
) -> None:
    (tmp_path / "manifest.json").write_text(content)
    put(tmp_path, ("app.js",))
    before = files(tmp_path)
    acts: tuple[Callable[[], object], ...] = (
        lambda: check(tmp_path),
        lambda: write(others, tmp_path, None),
        lambda: redraw(tmp_path, None),
        lambda: redraw_page(tmp_path, None),
        lambda: redraw_figures(tmp_path, View()),
    )
    for act in acts:
        with pytest.raises(InputError, match=r"holds files but no report: its manifest\.json is another's.*`results=`"):
            act()
    assert files(tmp_path) == before


def test_a_folder_with_other_files_is_refused_and_one_with_a_reading_taken(others: Findings, tmp_path: Path) -> None:
    put(tmp_path, ("READING.md",))
    check(tmp_path)
    put(tmp_path, ("thesis.tex",))
    with pytest.raises(InputError, match="holds files but no report"):
        write(others, tmp_path, None)
    assert sorted(files(tmp_path)) == ["READING.md", "thesis.tex"]
    with pytest.raises(InputError, match="is no folder"):
        check(tmp_path / "thesis.tex")


def test_a_linked_folder_is_written_through(folder: Path, others: Findings, tmp_path: Path) -> None:
    link, before = tmp_path / "link", files(folder)
    link.symlink_to(folder)
    write(others, link, None)
    assert link.is_symlink() and files(folder)["scores.csv.gz"] != before["scores.csv.gz"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "r"]


@pytest.mark.parametrize("name", ["../mine.txt", "/{}/mine.txt", "READING.md", "tables/../../mine.txt"])
def test_a_record_that_leads_elsewhere_is_none(folder: Path, others: Findings, name: str) -> None:
    put(folder.parent, ("mine.txt",))
    put(folder, ("READING.md",))
    name = name.format(folder.parent)
    sums = {name: record.sums(folder, [name])[name]}
    (folder / record.RECORD).write_text(json.dumps({"digest": "", "files": sums}))
    assert record.read(folder) is None
    write(others, folder, None)
    assert kept(folder.parent, ("mine.txt",)) and kept(folder, ("READING.md",))


def test_a_gallery_that_leads_elsewhere_is_refused(folder: Path) -> None:
    known = json.loads((folder / "galleries.json").read_text())
    known["pictures"][0]["name"] = "../../mine"
    (folder / "galleries.json").write_text(json.dumps(known))
    put(folder.parent, ("mine.png",))
    put(folder, ("mine.png",))
    with pytest.raises(InputError, match="is no picture's name"):
        redraw(folder, None)
    assert kept(folder, ("mine.png",))


def stopped(_: Path, target: Path) -> None:
    raise OSError(13, "Permission denied", str(target))


@pytest.mark.parametrize("at", [0, 1, 4])
def test_moving_that_fails_is_ended_by_the_next_call(
    folder: Path, others: Findings, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    put(folder)
    calls, true = [], os.replace

    def refuse(source: Path, target: Path) -> None:
        calls.append(target)
        (stopped if len(calls) > at + 1 else true)(source, target)  # the first one seals the draft

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(InputError, match=r"cannot write the report \(Permission denied\)"):
        write(others, folder, None)
    monkeypatch.setattr(os, "replace", true)
    redraw(folder, None)
    assert kept(folder) and is_current(folder, None) and not (folder / DRAFT).exists()
    before = files(folder)
    write(others, folder, None)
    assert files(folder) == before  # nothing was left to be written


@pytest.mark.parametrize(
    "spoil", [lambda draft: (draft / record.RECORD).unlink(), lambda draft: (draft / "x").write_text("z")]
)
def test_a_draft_that_is_not_whole_is_thrown_away(folder: Path, tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    before, draft = files(folder), folder / DRAFT
    draft.mkdir()
    (draft / "x").write_text("y")
    record.save(record.Record("", record.sums(draft, ["x"])), draft)
    shutil.copytree(folder, tmp_path / "whole")
    spoil(draft)
    with drafted(folder):
        pass
    assert files(folder) == before
    with drafted(tmp_path / "whole"):
        assert (tmp_path / "whole" / "x").read_text() == "y"


def test_a_second_process_says_that_it_waits_and_then_finds_all_done(folder: Path, others: Findings) -> None:
    reading, writing = os.pipe()
    with drafted(folder):
        child = os.fork()
        if not child:
            logging.getLogger(publishing.__name__).warning = lambda *_: os.write(writing, b"w")  # type: ignore[method-assign]
            try:
                write(others, folder, None)
            finally:
                os._exit(int(not is_current(folder, None)))
        os.close(writing)
        assert os.read(reading, 1) == b"w"
        before = files(folder)
        assert (folder / LOCK).exists() and os.waitpid(child, os.WNOHANG) == (0, 0)
        assert files(folder) == before
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert files(folder)["scores.csv.gz"] != before["scores.csv.gz"] and not (folder / LOCK).exists()


def test_a_new_folder_in_which_nothing_came_about_is_not_left(others: Findings, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write"), drafted(tmp_path / "new"):
        raise OSError(28, "No space left on device")
    assert not (tmp_path / "new").exists()
