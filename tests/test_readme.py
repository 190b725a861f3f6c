"""README and committed results agree."""

from __future__ import annotations

import re

import pytest

from benchmark.paths import ROOT
from benchmark.report.page.readme import BEGIN, END, fill

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_is_the_committed_one():
    table = (ROOT / "results/digits/tables/headline.md").read_text(encoding="utf-8")
    assert fill(README, table) == README, "run `make readme`"


def test_every_link_leads_somewhere():
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert len(links) >= 5
    assert not [link for link in links if not (ROOT / link).exists()]


def test_both_commands_stand_at_the_top():
    head = "\n".join(README.splitlines()[:15])
    assert "make reproduce" in head and "make test" in head


def test_fill_replaces_what_is_between_the_marks():
    assert fill(f"a\n{BEGIN}\nold\n{END}\nb", "| new |") == f"a\n{BEGIN}\n\n| new |\n\n{END}\nb"
    table = "| a | 1<sup>b</sup> |\n| c | – | n/a<sup>d</sup> |\n\n<sup>b</sup> Kept.\n\n<sup>d</sup> Gone."
    assert fill(f"{BEGIN}{END}", table) == f"{BEGIN}\n\n| a | 1<sup>b</sup> |\n\n<sup>b</sup> Kept.\n\n{END}"
    with pytest.raises(ValueError, match="marks"):
        fill("no marks", "| new |")
