"""Is the report on disk the one that would be written? Then a rerun need not draw it again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from benchmark import metrics
from benchmark.report.findings import COLUMNS, Findings

READING = "READING.md"  # what people wrote about the results; a new report leaves it in place
KEY = "report"  # of manifest.json: {"digest", "files": {name: SHA-256}}


def digest(findings: Findings, published: Path | None) -> str:
    """SHA-256 over all that a report depends on: findings, published numbers, the report's own code, matplotlib."""
    total = hashlib.sha256(matplotlib.__version__.encode())
    for name in COLUMNS:
        total.update(getattr(findings, name).to_csv(index=False).encode())
    about = [findings.experiment, findings.channel, findings.question, findings.manifest, dict(findings.marks)]
    total.update(json.dumps(about, sort_keys=True, default=str).encode())
    for exhibit in findings.exhibits:
        total.update(repr((exhibit.task, exhibit.fingerprint, exhibit.captions, list(exhibit.maps))).encode())
        for array in (exhibit.originals, exhibit.samples, *exhibit.maps.values()):
            total.update(b"none" if array is None else np.ascontiguousarray(array).tobytes())
    code = [*Path(metrics.__file__).parent.rglob("*"), *Path(__file__).parent.rglob("*")]
    claims = published.glob("*.csv") if published is not None else ()
    for path in sorted(path for path in (*code, *claims) if path.is_file() and path.suffix != ".pyc"):
        total.update(path.read_bytes())
    return total.hexdigest()


def entry(folder: Path, wanted: str) -> dict[str, Any]:
    """What the manifest keeps of a report that has just been written into `folder`."""
    return {"digest": wanted, "files": _sums(folder)}


def is_current(folder: Path, wanted: str) -> bool:
    """Whether `folder` holds the report of this digest, every file as it was written."""
    try:
        kept = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))[KEY]
    except (OSError, ValueError, LookupError, TypeError):
        return False
    return bool(kept["digest"] == wanted and kept["files"] == _sums(folder))


def _sums(folder: Path) -> dict[str, str]:
    files = (
        path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in ("manifest.json", READING)
    )
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
