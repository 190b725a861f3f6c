"""Where an artefact was made: versions, processor, commit. Noted in its manifest, no part of its identity."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "torchvision", "pytorch-lightning", "timm", "numpy", "torch-pruning")


def provenance() -> dict[str, Any]:
    """This process's surroundings as JSON values; imports nothing heavy, asks git and the processor once."""
    return {
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "cpu": {"model": _cpu_model(), "count": os.cpu_count()},
        "gpus": _gpus(),
        "arithmetic": _arithmetic(),
        "git": dict(_git(Path(__file__).resolve().parent)),
    }


@cache
def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


@cache
def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())


def _gpus() -> list[str]:
    torch = sys.modules.get("torch")  # a process that has not imported it has used no GPU
    if torch is None or not torch.cuda.is_available():
        return []
    return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]


def _arithmetic() -> dict[str, Any]:
    """How far torch may leave the same bits for the same work: threads, nondeterministic kernels, TF32 for float32."""
    torch = sys.modules.get("torch")
    if torch is None:
        return {}
    asked, lenient = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    return {
        "threads": torch.get_num_threads(),
        "deterministic": ("warn" if lenient else "error") if asked else "none",
        "tf32": torch.backends.cudnn.allow_tf32 or torch.backends.cuda.matmul.allow_tf32,
    }


@cache
def _git(package: Path) -> dict[str, Any]:
    """Commit of the checkout that holds `package`, and whether a Python file in it differs from that commit."""
    unknown = {"commit": "unknown", "dirty": "unknown"}
    try:
        top, commit = _ask_git(package, "rev-parse", "--show-toplevel", "HEAD").split("\n")
        if Path(top).resolve() != package.parent:
            return unknown  # an installed copy inside somebody else's repository
        # Only code: settings are in the spec, and every run writes results into the tree.
        dirty = bool(_ask_git(package.parent, "--no-optional-locks", "status", "--porcelain", "--", "*.py"))
    except (OSError, ValueError, subprocess.SubprocessError):
        return unknown
    return {"commit": commit, "dirty": dirty}


def _ask_git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
