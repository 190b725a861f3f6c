"""Planning waits for no torch: what is imported to plan, to name components and to look into a store."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmark.paths import ROOT

MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for package in ("plan", "spec", "store")
    for path in (ROOT / "benchmark" / package).glob("*.py")
)
PROGRAM = "import importlib, sys; [importlib.import_module(m) for m in sys.argv[1:]]; print('torch' in sys.modules)"


def loads_torch(*modules: str) -> bool:
    """Whether an interpreter of its own has torch after these imports."""
    command = [sys.executable, "-c", PROGRAM, *modules]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == "True\n"


def test_planning_and_the_store_leave_torch_alone():
    assert {"benchmark.plan.plan", "benchmark.plan.experiment", "benchmark.spec.names"} < set(MODULES)
    found = [module for module in MODULES if loads_torch(module)] if loads_torch(*MODULES) else []
    assert not found


@pytest.mark.parametrize("module", ["benchmark.cli.command", "benchmark.cli.status"])
def test_a_command_that_is_mistyped_is_told_so_without_torch(module):
    assert not loads_torch(module)


def test_the_program_knows_torch_when_it_is_there():
    assert loads_torch("benchmark.plan.plan", "benchmark.tasks.base")
