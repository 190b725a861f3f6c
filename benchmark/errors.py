"""Errors a user can mend: one line that names the key or file and the remedy, exit code 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Something the user gave cannot be used; the message is one line and says what would be right."""


class Inapplicable(Exception):
    """A method cannot judge one suspect. The message is the reason, as tables print it; it is no failure."""


class StoreError(InputError):
    """The artefact store cannot be read or written (disk full, no permission, newer format)."""


def near_misses(word: str, known: Iterable[str]) -> str:
    """A clause that names the known words nearest to `word`, or all of them when none is near."""
    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    return f"did you mean {', '.join(close)}?" if close else f"known: {', '.join(known) or 'none'}"
