"""What others run on this repository: the workflow of a public host, and the hooks before a commit."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmark.paths import ROOT

WORKFLOW, HOOKS = ROOT / ".github/workflows/ci.yml", ROOT / ".pre-commit-config.yaml"


def loaded(path: Path) -> dict[str, Any]:
    return yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)  # which leaves `on` and 3.11 as they stand


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_the_workflow_makes_what_the_makefile_has():
    (job,) = loaded(WORKFLOW)["jobs"].values()
    made = [step["run"].removeprefix("make ") for step in job["steps"] if "run" in step]
    assert made == ["setup", "lint", "test"] and set(made) <= targets()
    (local,) = [line for line in (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines() if line == "make test"]
    assert local.removeprefix("make ") in made


def test_the_workflow_runs_on_the_oldest_python_that_is_supported():
    workflow = loaded(WORKFLOW)
    assert set(workflow["on"]) == {"push", "pull_request"}
    versions = workflow["jobs"]["check"]["strategy"]["matrix"]["python"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f">={versions[0]}" == project["requires-python"] and len(versions) >= 2


@pytest.mark.parametrize("path", [WORKFLOW, HOOKS], ids=lambda path: path.name)
def test_no_host_is_named(path):
    assert "://" not in path.read_text(encoding="utf-8")


def test_every_hook_is_local_and_runs_a_tool_of_the_environment():
    assert [repo["repo"] for repo in loaded(HOOKS)["repos"]] == ["local"]
    hooks = loaded(HOOKS)["repos"][0]["hooks"]
    assert {hook["language"] for hook in hooks} == {"system", "pygrep"}
    tools = {name for hook in hooks for name in re.findall(r"^\.venv/bin/(\S+)", hook["entry"])}
    assert tools == {"ruff", "mypy"}
    assert all((Path(sys.executable).parent / tool).exists() for tool in tools)


def test_the_hooks_for_text_find_what_they_are_for():
    wanted = {hook["id"]: hook["entry"] for hook in loaded(HOOKS)["repos"][0]["hooks"] if hook["language"] == "pygrep"}
    assert re.search(wanted["end-of-file"], "a\nb", re.MULTILINE) and not re.search(wanted["end-of-file"], "a\nb\n")
    assert re.search(wanted["white-space"], "a \n", re.MULTILINE) and not re.search(wanted["white-space"], "a b\n")


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
@pytest.mark.parametrize(("answer", "kept"), [("", True), ("\n", True), ("n\n", True), ("y\n", False)])
def test_clean_asks_before_it_removes_the_store(answer, kept, tmp_path):
    for name in ("artefacts", "outputs"):
        (tmp_path / name).mkdir()
    command = ["make", "-C", str(tmp_path), "-f", str(ROOT / "Makefile"), "clean"]
    done = subprocess.run(command, input=answer, capture_output=True, text=True)
    assert done.returncode == 0 and "remove the store artefacts/ too" in done.stdout
    assert (tmp_path / "artefacts").exists() == kept and not (tmp_path / "outputs").exists()
