"""A report writes and removes its own files alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.errors import InputError
from benchmark.report import Findings, record, write
from benchmark.report.current import is_current
from benchmark.report.publishing import check
from benchmark.report.results import redraw, redraw_figures, redraw_page
from benchmark.report.view import View
from tests.benchmark.report.publishing.conftest import MINE, clone, files, former, kept, put


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
