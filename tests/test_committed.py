"""What is committed of results: small, and nothing that a command draws again."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from benchmark.paths import ROOT

MEGA = 1_000_000


def tracked(folder: str) -> list[Path]:
    """Files below `folder` that git has, or would take."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("no git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def size(paths: list[Path]) -> float:
    return sum(path.stat().st_size for path in paths) / MEGA


def test_results_are_small():
    sizes = {folder.name: size(tracked(f"results/{folder.name}")) for folder in (ROOT / "results").iterdir()}
    assert {name: mega for name, mega in sizes.items() if mega > 2.5} == {}
    assert size(tracked("results")) <= 15


def test_only_what_is_read_is_committed():
    kept = re.compile(r"\.csv(\.gz)?|/manifest\.json|/galleries\.json|/claims\.toml|/[A-Z]+\.md|/tables/\w+\.md")
    pictures = re.compile(r"/figures/(gallery_[\w.-]+|auc|owner)\.png")
    strangers = [path for path in tracked("results") if not kept.search(str(path)) and not pictures.search(str(path))]
    shown = "".join(
        path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *tracked("results")] if path.suffix == ".md"
    )
    assert [path for path in strangers if not path.match("figures/*.png") or path.name not in shown] == []


@pytest.mark.parametrize("name", ["a.pdf", "b.svg", "c.png"])
def test_drawn_files_are_ignored_by_git(name):
    command = ["git", "check-ignore", "-q", f"results/digits/figures/{name}"]
    if subprocess.run(["git", "rev-parse"], cwd=ROOT, capture_output=True).returncode:
        pytest.skip("no git checkout")
    assert subprocess.run(command, cwd=ROOT).returncode == 0


@pytest.mark.parametrize("name", ["index.html", "tables/headline.tex", "paper/families.pdf", ".drawn.json"])
def test_pages_and_tables_for_papers_are_ignored_by_git(name):
    test_drawn_files_are_ignored_by_git(f"../{name}")
