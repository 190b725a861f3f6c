"""README and docs: short, their links lead somewhere, and the commands that they show exist."""

from __future__ import annotations

import re

import pytest
import yaml

from benchmark.cli.whosenet import COMMANDS
from benchmark.paths import CONF, ROOT
from benchmark.report.page.readme import BEGIN, END, fill

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LONGEST = 150  # lines of README
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def shown(text: str) -> str:
    """What stands in code, inline or in blocks."""
    return "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL) + re.findall(r"`([^`\n]+)`", text))


def experiments() -> set[str]:
    return {path.stem for path in (CONF / "experiment").glob("*.yaml")}


def test_readme_is_short():
    assert len(README.splitlines()) <= LONGEST
    assert re.search(f"{re.escape(BEGIN)}.+{re.escape(END)}", README, re.DOTALL)


def test_the_table_is_the_committed_one():
    table = (ROOT / "results/digits/tables/headline.md").read_text(encoding="utf-8")
    assert fill(README, table) == README, "run `make readme`"


def test_prose_has_no_measured_number():
    prose = re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}|`[^`]*`|\\([^)]*://[^)]*\\)", "", README, flags=re.DOTALL)
    assert not re.search(r"\d\.\d{2}\b|\d ?%|±", re.sub(r"\[(doi|arXiv):[^\]]*\]", "", prose))


def test_both_commands_stand_at_the_top():
    head = "\n".join(README.splitlines()[:15])
    assert "make reproduce" in head and "make test" in head


@each_page
def test_every_link_leads_somewhere(page):
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")) if "://" not in link]
    assert links or page.name in ("CONTRIBUTING.md",)
    assert not [link for link in links if not (page.parent / link).exists()]


@each_page
def test_what_is_made_and_run_exists(page):
    text = shown(page.read_text(encoding="utf-8"))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", text)) <= targets
    assert set(re.findall(r"\bwhosenet ([a-z]+)", text)) <= {*COMMANDS}
    named = set(re.findall(r"\b(?:EXPERIMENT|experiment)=([a-z]\w*)", text))
    assert named <= experiments()
    assert set(re.findall(r"whosenet (?:status|report) ([a-z]\w+)", text)) <= experiments()


def test_readme_lists_every_experiment():
    rows = re.findall(r"^\| (`.+?`) \|", README[README.index("| experiment |") :], re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} >= experiments()


def test_readme_lists_every_method_and_the_docs_every_task():
    data = (ROOT / "docs/data.md").read_text(encoding="utf-8")
    for group, text in (("fingerprint", README), ("task", data)):
        names = {path.stem for path in (CONF / group).glob("*.yaml")}
        assert not [name for name in names if f"`{name}`" not in text]


def test_settings_that_the_docs_name_exist():
    docs = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    trainer = yaml.safe_load((CONF / "trainer/gpu.yaml").read_text(encoding="utf-8"))
    assert set(re.findall(r"\btrainer\.(\w+)", docs)) <= set(trainer)
    executors = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in (CONF / "executor").glob("*.yaml")]
    assert set(re.findall(r"\bexecutor\.(\w+)", docs)) <= {name for executor in executors for name in executor}


def test_fill_replaces_what_is_between_the_marks():
    assert fill(f"a\n{BEGIN}\nold\n{END}\nb", "| new |") == f"a\n{BEGIN}\n\n| new |\n\n{END}\nb"
    table = "| a | 1<sup>b</sup> |\n| c | – | n/a<sup>d</sup> |\n\n<sup>b</sup> Kept.\n\n<sup>d</sup> Gone."
    assert fill(f"{BEGIN}{END}", table) == f"{BEGIN}\n\n| a | 1<sup>b</sup> |\n\n<sup>b</sup> Kept.\n\n{END}"
    with pytest.raises(ValueError, match="marks"):
        fill("no marks", "| new |")
