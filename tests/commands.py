"""Commands as processes of their own: what they say, and what they have imported by their end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmark.paths import ROOT

HEAVY = ("torch", "pytorch_lightning", "torchvision", "matplotlib", "pandas", "hydra")


def python(*words: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """`python ...` in a folder, with this checkout's packages."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True)


def whosenet(*words: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """`whosenet ...` in a folder."""
    return python("-m", "benchmark.cli", *words, folder=folder)


def imported(*words: str) -> tuple[str, set[str]]:
    """What `whosenet ...` says, and which of the heavy packages it has imported by its end."""
    script = (
        "import sys; from benchmark.cli.whosenet import main\n"
        f"sys.argv = ['whosenet', *{words!r}]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print('imported', *set({HEAVY!r}) & sys.modules.keys())"
    )
    done = python("-c", script)
    assert done.returncode == 0, done.stderr
    said, _, names = done.stdout.rpartition("imported")
    return said, set(names.split())
