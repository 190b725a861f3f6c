"""`python -m benchmark.report.claims [DOCUMENT ...]`: numbers that are stale, or that no claim covers.

All documents are looked at where none is named. `python -m benchmark.report.claims EXPERIMENT 'EXPRESSION'` says what
an expression comes to. How claims are written stands in `benchmark.report.claims.check`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmark.errors import InputError, fail
from benchmark.paths import ROOT
from benchmark.report.claims.check import faults, read
from benchmark.report.claims.document import Document
from benchmark.report.claims.frames import Frames
from benchmark.report.claims.query import number


def documents(root: Path) -> list[Path]:
    """The documents whose numbers are checked: README.md, docs/*.md and the reading of each experiment."""
    return [root / "README.md", *sorted((root / "docs").glob("*.md")), *sorted(root.glob("results/*/READING.md"))]


def claims_of(document: Path, root: Path) -> Path:
    """The claims file of a document: beside a reading, below docs/claims for the others."""
    if document.name == "READING.md":
        return document.with_name("claims.toml")
    return root / "docs" / "claims" / f"{document.stem}.toml"


def told(document: Path, root: Path) -> list[str]:
    """A line for each thing that is wrong with a document's numbers."""
    path = claims_of(document, root)
    own = document.parent.name if document.name == "READING.md" else ""
    try:
        text = Document(document.read_text(encoding="utf-8"))
        found = faults(text, read(path) if path.exists() or text.numbers else [], Frames(root / "results", own))
    except OSError as error:
        return [f"{document}: cannot be read ({error.strerror})"]
    except InputError as error:
        return [str(error)]
    name, claims = document.relative_to(root), path.relative_to(root)
    return [f"{name}:{fault.line}: {fault.message}" if fault.line else f"{claims}: {fault.message}" for fault in found]


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Prints what is wrong, and returns 1 if anything is; or prints what an expression comes to."""
    if len(arguments) == 2 and not arguments[1].endswith(".md"):
        try:
            print(repr(number(arguments[1], Frames(root / "results", arguments[0]))))
        except InputError as error:
            fail(str(error))
        return 0
    lines = list(_all([Path(word).absolute() for word in arguments] or documents(root), root))
    print("\n".join(lines) if lines else "every number is covered, and as its claim says")
    return int(bool(lines))


def _all(chosen: Sequence[Path], root: Path) -> Iterator[str]:
    for document in chosen:
        if not document.is_relative_to(root):
            fail(f"{document}: is no document of {root}")
        yield from told(document, root)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
