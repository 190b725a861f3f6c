"""A report is written again exactly when something that it shows, or draws with, has changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.report import Findings, results, write
from benchmark.report.current import digest, is_current
from benchmark.report.figures import every
from benchmark.report.findings import checked

Make = Callable[..., Findings]


@pytest.fixture
def written(make_findings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Findings, Path]:
    """A report without figures on disk."""
    monkeypatch.setattr(every, "drawn", lambda *_: iter(()))
    write(make_findings(), tmp_path / "mini", None)
    return make_findings(), tmp_path / "mini"


def test_the_same_findings_are_not_written_again(
    written: tuple[Findings, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    findings, folder = written
    monkeypatch.setattr(results, "_fill", lambda *_: pytest.fail("written again"))
    write(findings, folder, None)


@pytest.mark.parametrize("name", ["index.html", "scores.csv", "tables/headline.tex", "manifest.json"])
def test_a_file_that_was_changed_or_removed_is_made_again(written: tuple[Findings, Path], name: str) -> None:
    findings, folder = written
    wanted, before = digest(checked(findings), None), (folder / name).read_bytes()
    assert is_current(folder, wanted)
    (folder / name).write_bytes(b"{}")
    assert not is_current(folder, wanted)
    (folder / name).unlink()
    assert not is_current(folder, wanted)
    if name != "manifest.json":  # a folder without it is not taken for a report, and not replaced
        write(findings, folder, None)
        assert (folder / name).read_bytes() == before


def test_what_people_wrote_beside_a_report_survives_it(written: tuple[Findings, Path]) -> None:
    findings, folder = written
    (folder / "READING.md").write_text("What it means.")
    assert is_current(folder, digest(checked(findings), None))
    findings.scores.loc[3, "matched"] -= 1
    write(findings, folder, None)
    assert (folder / "READING.md").read_text() == "What it means."


def test_other_scores_are_written(written: tuple[Findings, Path]) -> None:
    findings, folder = written
    before = (folder / "scores.csv").read_bytes()
    findings.scores.loc[3, "matched"] -= 1
    write(findings, folder, None)
    assert (folder / "scores.csv").read_bytes() != before


def test_the_digest_sees_every_part(make_whole: Make, tmp_path: Path) -> None:
    seen = {digest(make_whole(), None)}
    changed = [make_whole() for _ in range(9)]
    changed[0].prints.loc[0, "seconds"] += 1
    changed[1].models.loc[0, "quality"] += 1
    changed[2].manifest["seeds"] = {"another": 1}
    changed[3].exhibits[0].samples[0, 0, 0, 0] += 0.25
    changed[4].detections.loc[0, "rate"] += 0.01
    changed[5].distances.loc[0, "distance"] = 0.5
    changed[6].ablations.loc[0, "auc"] -= 0.01
    changed[7].marks["akh"] = "Another reason."
    changed[8].visibility.loc[0, "psnr"] -= 0.01
    changed += [replace(make_whole(), channel="eight_bit"), replace(make_whole(), question="integrity")]
    seen |= {digest(findings, None) for findings in changed}
    (tmp_path / "claims.csv").write_text("a,b\n")
    seen.add(digest(make_whole(), tmp_path))
    assert len(seen) == 13
