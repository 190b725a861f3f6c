"""The command `whosenet`: its words, from any folder, and how little it imports for each."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib import metadata

import pytest

from benchmark.cli.whosenet import COMMANDS, USAGE
from benchmark.paths import ROOT
from tests.commands import imported, whosenet


def test_it_is_what_the_package_installs():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert scripts == {"whosenet": "benchmark.cli.whosenet:main"}
    assert metadata.EntryPoint("whosenet", scripts["whosenet"], "console_scripts").load().__module__ in sys.modules


@pytest.mark.parametrize("words", [("--version",), ("run", "--version")])
def test_the_version_is_the_projects_own(words):
    said, heavy = imported(*words)
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert said == f"whosenet {declared}\n" and heavy <= {"hydra"}


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",), ("status", "--help"), ("report", "-h")])
def test_help_names_every_command_and_imports_nothing(words):
    said, heavy = imported(*words)
    assert said == USAGE and not heavy
    assert all(f"whosenet {command} " in said for command in COMMANDS)


def test_status_imports_what_it_needs_to_plan_and_nothing_that_trains_or_draws(tmp_path):
    said, heavy = imported("status", "smoke", f"store={tmp_path}")
    assert said.startswith("smoke: ") and not heavy & {"pytorch_lightning", "torchvision", "matplotlib"}


def test_report_is_handed_on_and_wants_no_torch():
    said, heavy = imported("report", "nosuch")
    assert said == "" and "pandas" in heavy and "torch" not in heavy
    done = whosenet("report", "nosuch")
    assert done.returncode == 2 and "nosuch: no results there" in done.stderr and done.stderr.count("\n") == 1


MISTAKES = {
    ("rnu",): "rnu: there is no such command, did you mean run?",
    ("status", "digts"): "experiment=digts: there is no conf/experiment/digts.yaml, did you mean digits",
    ("status", "count=0"): "count: wants a whole number >= 1, got 0",
    ("run", "nosuch=1"): "nosuch: there is no such setting",
    ("completion", "tcsh"): "completion: name one shell",
    ("completion",): "completion: name one shell",
}


@pytest.mark.parametrize("words", MISTAKES, ids=" ".join)
def test_a_mistake_is_one_line_and_exit_code_2(words, tmp_path):
    done = whosenet(*words, folder=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f"error: {MISTAKES[words]}") and done.stderr.count("\n") == 1


def test_run_hands_its_words_to_hydra_from_any_folder(tmp_path):
    done = whosenet("run", "experiment=smoke", "count=5", "--cfg", "job", folder=tmp_path)
    assert done.returncode == 0 and "\ncount: 5\n" in done.stdout and "name: smoke" in done.stdout
    assert not list(tmp_path.iterdir())


def test_a_sweep_leaves_nothing_in_the_folder_where_it_was_started(tmp_path):
    done = whosenet("run", "--cfg", "hydra", "--package", "hydra.sweep", "--resolve", folder=tmp_path)
    assert f"\ndir: {ROOT / 'multirun'}\n" in done.stdout


def offered(line: str) -> list[str]:
    return whosenet("completion", "words", line).stdout.split()


def test_what_a_line_may_go_on_with():
    assert offered("whosenet ") == list(COMMANDS)
    assert offered("whosenet st") == ["status"]
    assert offered("whosenet status deepjudge_d") == ["deepjudge_digits"]
    assert offered("whosenet report digits wi") == ["width=column", "width=page"]
    assert offered("whosenet completion z") == ["zsh"]
    assert "experiment=ham10000" in offered("whosenet run experiment=ham")
    assert offered("whosenet run experiment=smoke task.digits_class.tr") == ["task.digits_class.training."]


def test_bash_completes_what_comes_after_the_equals_sign(tmp_path):
    program = f"""
        whosenet() {{ {sys.executable} -m benchmark.cli "$@"; }}
        eval "$(whosenet completion bash)"
        complete -p whosenet
        COMP_LINE="whosenet run experiment=smo"; COMP_POINT=${{#COMP_LINE}}; _whosenet; echo "${{COMPREPLY[*]}}"
        COMP_WORDBREAKS=" "; _whosenet; echo "${{COMPREPLY[*]}}"
    """
    done = subprocess.run(["bash", "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["complete -o nospace -F _whosenet whosenet", "smoke", "experiment=smoke"]
