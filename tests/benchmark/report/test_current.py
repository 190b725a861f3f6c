"""A report is written again exactly when something that it shows, or draws with, has changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.report import Findings, results, write
from benchmark.report.current import digest

Make = Callable[..., Findings]


@pytest.fixture
def written(make_findings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Findings, Path, list[str]]:
    """A report on disk, and a list that grows with each further one that is drawn."""
    findings, drawn = make_findings(), []
    original = results._fill
    write(findings, tmp_path / "mini", None)
    monkeypatch.setattr(results, "_fill", lambda *arguments: (drawn.append("again"), original(*arguments)))
    return findings, tmp_path / "mini", drawn


def test_the_same_findings_are_not_drawn_again(written: tuple[Findings, Path, list[str]]) -> None:
    findings, folder, drawn = written
    write(findings, folder, None)
    assert drawn == []


@pytest.mark.parametrize("name", ["index.html", "scores.csv", "figures/ru_curves.svg"])
def test_a_file_that_was_changed_or_removed_is_made_again(written: tuple[Findings, Path, list[str]], name: str) -> None:
    findings, folder, drawn = written
    before = (folder / name).read_bytes()
    for damage in (lambda path: path.write_bytes(b"other"), Path.unlink):
        damage(folder / name)
        write(findings, folder, None)
        assert (folder / name).read_bytes() == before
    assert len(drawn) == 2


def test_other_scores_are_drawn(written: tuple[Findings, Path, list[str]]) -> None:
    findings, folder, drawn = written
    findings.scores.loc[3, "matched"] -= 1
    write(findings, folder, None)
    assert drawn == ["again"]


def test_the_digest_sees_every_part(make_findings: Make, tmp_path: Path) -> None:
    seen = {digest(make_findings(), None)}
    changed = [make_findings() for _ in range(4)]
    changed[0].prints.loc[0, "seconds"] += 1
    changed[1].models.loc[0, "quality"] += 1
    changed[2].manifest["seeds"] = {"another": 1}
    changed[3].exhibits[0].samples[0, 0, 0, 0] += 0.25
    seen |= {digest(findings, None) for findings in changed}
    (tmp_path / "claims.csv").write_text("a,b\n")
    seen.add(digest(make_findings(), tmp_path))
    assert len(seen) == 6
