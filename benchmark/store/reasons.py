"""Reasons in the place of artefacts that there cannot be, such as a filter-pruned copy of a network without filters."""

from __future__ import annotations

from pathlib import Path

from benchmark.errors import Reason
from benchmark.store.artefacts import Artefact, write_json

INAPPLICABLE = "inapplicable.json"


def write_reason(folder: Path, reason: str) -> None:
    """Puts a reason into an artefact's folder, which must be empty otherwise."""
    write_json(folder / INAPPLICABLE, {"reason": reason})


def reason_of(artefact: Artefact) -> Reason:
    """Why there is no such thing."""
    return artefact.json(INAPPLICABLE)["reason"] if INAPPLICABLE in artefact.files else ""
