"""A report is drawn again exactly when something that it shows, or draws with, has changed; its data more rarely."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.report import Findings, publishing, reading, write
from benchmark.report.current import is_current
from benchmark.report.figures import every
from benchmark.report.results import redraw

Make = Callable[..., Findings]


@pytest.fixture
def written(make_whole: Make, small: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A report with galleries and without other figures on disk."""
    monkeypatch.setattr(every, "drawn", lambda *_: iter(()))
    write(make_whole(**small), tmp_path / "mini", None)
    return tmp_path / "mini"


@pytest.fixture
def again(make_whole: Make, small: dict[str, object]) -> Findings:
    """The same findings once more, for a test to change."""
    return make_whole(**small)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_same_findings_are_not_written_again(
    written: Path, again: Findings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "publish", lambda *_: pytest.fail("written again"))
    write(again, written, None)
    redraw(written, None)


def other_clocks(findings: Findings) -> None:
    for frame in (findings.scores, findings.prints, findings.models):
        frame["seconds"] = frame["seconds"] * 1.5 + 1


def other_circumstances(findings: Findings) -> None:
    findings.manifest.update(
        provenance={"cpu": "another", "git": "elsewhere"},
        overrides=["executor.workers=7"],
        seconds_of_all_jobs=1e6,
        config={"count": 100, "executor": {"workers": 7}},
    )


@pytest.mark.parametrize("change", [other_clocks, other_circumstances])
def test_other_clocks_and_circumstances_leave_every_file_as_it_is(
    make_whole: Make, small: dict[str, object], written: Path, change: Callable[[Findings], None]
) -> None:
    given = make_whole(**small, config={"count": 100, "executor": {"workers": 2}}, provenance={"cpu": "one"})
    write(given, written, None)
    before = files(written)
    later = make_whole(**small, config={"count": 100, "executor": {"workers": 2}}, provenance={"cpu": "one"})
    change(later)
    write(later, written, None)
    assert files(written) == before


def other_score(findings: Findings) -> None:
    findings.scores.loc[3, "matched"] -= 1


def other_setting(findings: Findings) -> None:
    findings.manifest["seeds"] = {"another": 1}


def other_quality(findings: Findings) -> None:
    findings.models.loc[0, "quality"] += 1e-12


def other_mark(findings: Findings) -> None:
    findings.marks["akh"] = "Another reason."


@pytest.mark.parametrize(
    ("change", "file"),
    [
        (other_score, "scores.csv.gz"),
        (other_setting, "manifest.json"),
        (other_quality, "models.csv"),
        (other_mark, "manifest.json"),
    ],
)
def test_what_was_found_otherwise_is_written(
    written: Path, again: Findings, change: Callable[[Findings], None], file: str
) -> None:
    before = files(written)
    change(again)
    write(again, written, None)
    assert files(written)[file] != before[file]
    assert is_current(written, None)


def test_every_frame_is_looked_at(written: Path, again: Findings) -> None:
    for name, column in (("detections", "rate"), ("distances", "distance"), ("ablations", "auc"), ("worth", "kl")):
        before = files(written)
        frame = getattr(again, name)
        frame.loc[frame.index[0], column] = 0.123
        write(again, written, None)
        changed = {file for file, content in files(written).items() if content != before[file]}
        assert reading.file_of(name) in changed and not changed & {"scores.csv.gz", "manifest.json"}, name


def test_pictures_of_prints_are_drawn_again_for_other_prints_alone(written: Path, again: Findings) -> None:
    before = files(written)
    again.exhibits[0].samples[0, 0, 0, 0] += 0.25
    write(again, written, None)
    changed = {name for name, content in files(written).items() if content != before[name]}
    assert "figures/gallery_digits_class_saliency.png" in changed and not changed & {"scores.csv.gz", "models.csv"}


@pytest.mark.parametrize("name", ["index.html", "summary.csv", "tables/headline.tex"])
def test_a_drawn_file_that_was_changed_or_removed_is_drawn_again(written: Path, name: str) -> None:
    before = files(written)
    assert is_current(written, None)
    (written / name).write_bytes(b"{}")
    assert not is_current(written, None)
    redraw(written, None)
    assert files(written) == before
    (written / name).unlink()
    assert not is_current(written, None)
    redraw(written, None)
    assert files(written) == before


def test_a_file_of_the_users_makes_no_report_stale(written: Path) -> None:
    (written / "figures" / "mine.png").write_bytes(b"{}")
    assert is_current(written, None)


def test_published_numbers_and_that_there_is_a_reading_are_seen(written: Path, tmp_path: Path) -> None:
    (tmp_path / "papers.csv").write_text("paper,place,task,method,verifier,metric,value,sd,unit,note\n")
    assert not is_current(written, tmp_path)
    (written / "READING.md").write_text("What it means.")
    assert not is_current(written, None)


def test_what_people_wrote_beside_a_report_survives_it(written: Path, again: Findings) -> None:
    (written / "READING.md").write_text("What it means.")
    (written / "claims.toml").write_text("# none")
    other_score(again)
    write(again, written, None)
    redraw(written, None)
    assert (written / "READING.md").read_text() == "What it means."
    assert (written / "claims.toml").read_text() == "# none"


def test_an_older_folder_is_written_anew(written: Path, again: Findings) -> None:
    record = json.loads((written / "manifest.json").read_text())
    del record["marks"]
    (written / "manifest.json").write_text(json.dumps(record))
    write(again, written, None)
    assert json.loads((written / "manifest.json").read_text())["marks"] == again.marks
