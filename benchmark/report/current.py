"""Is what was drawn the same as would be drawn now? Then it need not be drawn again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import matplotlib

from benchmark import metrics
from benchmark.report import reading

WRITTEN = ("READING.md", "claims.toml")  # by people, about the results; a new report leaves them in place
STAMP = ".drawn.json"  # {"digest", "files": {name: SHA-256}}; of this machine, so git ignores it


def stamp(folder: Path, published: Path | None) -> None:
    """Notes in `folder` what has just been drawn there, and from what."""
    content = {"digest": _digest(folder, published), "files": _sums(folder)}
    (folder / STAMP).write_text(json.dumps(content), encoding="utf-8")


def is_current(folder: Path, published: Path | None) -> bool:
    """Whether `folder` holds what would be drawn, every file as it was written."""
    try:
        kept: dict[str, Any] = json.loads((folder / STAMP).read_text(encoding="utf-8"))
        return bool(kept["digest"] == _digest(folder, published) and kept["files"] == _sums(folder))
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _digest(folder: Path, published: Path | None) -> str:
    """SHA-256 over all that is drawn from: the data part, published numbers, the report's own code, matplotlib."""
    total = hashlib.sha256(matplotlib.__version__.encode())
    code = [*Path(metrics.__file__).parent.rglob("*"), *Path(__file__).parent.rglob("*")]
    papers = published.glob("*.csv") if published is not None else ()
    data = [folder / name for name in reading.files(folder)]
    total.update(str([(folder / name).is_file() for name in WRITTEN]).encode())  # the page leads to them
    for path in sorted(path for path in (*code, *papers, *data) if path.is_file()):
        if path.suffix != ".pyc":
            total.update(path.read_bytes())
    return total.hexdigest()


def _sums(folder: Path) -> dict[str, str]:
    names = ((path.relative_to(folder).as_posix(), path) for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in names if name not in (*WRITTEN, STAMP)
    }
