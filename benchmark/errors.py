"""Errors a user can mend: one line that names the key or file and the remedy, exit code 2."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from typing import NoReturn

Reason = str  # why something does not apply, in a clause as tables print it; empty where nothing is against it


class InputError(ValueError):
    """Something the user gave cannot be used; the message is one line and says what would be right."""


class Inapplicable(Exception):
    """A method cannot judge one suspect. The message is the reason, as tables print it; it is no failure."""


class StoreError(InputError):
    """The artefact store cannot be read or written (disk full, no permission, another format)."""


class Damaged(Exception):
    """A stored artefact is no longer what was written: `Store.recheck(key)` moves it aside, to be made again."""

    def __init__(self, key: str, fault: str) -> None:
        super().__init__(key, fault)
        self.key, self.fault = key, fault

    def __str__(self) -> str:
        return f"artefact {self.key} is damaged ({self.fault}): run again to make it again"


def near_misses(word: str, known: Iterable[str]) -> str:
    """A clause that names the known words nearest to `word`, or all of them when none is near."""
    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    return f"did you mean {', '.join(close)}?" if close else f"known: {', '.join(known) or 'none'}"


def fail(line: str) -> NoReturn:
    """One line and exit code 2."""
    print(f"error: {' '.join(line.split())}", file=sys.stderr)
    raise SystemExit(2)
