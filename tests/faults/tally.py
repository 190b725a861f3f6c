"""What a scenario reports: how many faults it injected, and what the store lost, made twice or got wrong by them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Tally:
    """Counts over a scenario.

    Attributes:
        injected: faults that really happened.
        lost: artefacts that were complete before a fault and could not be read after it.
        duplicated: artefacts that were built again although they were complete.
        wrong: artefacts under their final name that are not what their key's build gives, leftovers that nobody
            removed, and errors other than the one clear line that a fault should end in.
        note: how the faults were brought about, where that depends on the machine.
    """

    injected: int = 0
    lost: int = 0
    duplicated: int = 0
    wrong: int = 0
    note: str = ""

    def __add__(self, other: Tally) -> Tally:
        note = self.note if self.note == other.note or not other.note else f"{self.note}; {other.note}".strip("; ")
        sums = (getattr(self, name) + getattr(other, name) for name in ("injected", "lost", "duplicated", "wrong"))
        return Tally(*sums, note)

    @property
    def clean(self) -> bool:
        """Whether faults happened and did no harm."""
        return self.injected > 0 and self.lost == self.duplicated == self.wrong == 0


def total(tallies: Iterable[Tally]) -> Tally:
    """The sum of them."""
    return sum(tallies, Tally())


def keys_in(store: Path) -> set[str]:
    """The artefacts that the store shows under a final name."""
    return {path.name for path in store.glob("[0-9a-f][0-9a-f]/*") if not path.name.startswith(".")}


def drafts_in(store: Path) -> list[str]:
    """What is left of builds that were never finished."""
    return [path.name for path in store.glob("[0-9a-f][0-9a-f]/.*")]


def held(store: Path, key: str) -> dict[str, str] | None:
    """SHA-256 of an artefact's files by name, read without the store's own code; None where one is not as sealed."""
    folder = store / key[:2] / key
    try:
        sealed = json.loads((folder / "manifest.json").read_text())["files"]
        sums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in sealed}
    except (OSError, ValueError, LookupError):
        return None
    return sums if all(sums[name] == facts["sha256"] for name, facts in sealed.items()) else None


Stamps = Mapping[str, tuple[int, int]]


def stamps(store: Path) -> Stamps:
    """Inode and time of the manifest of each artefact that is intact: others if it was built again."""
    paths = {key: store / key[:2] / key / "manifest.json" for key in keys_in(store) if held(store, key) is not None}
    return {key: (path.stat().st_ino, path.stat().st_mtime_ns) for key, path in paths.items()}


def audit(
    store: Path,
    expected: Mapping[str, Mapping[str, str]],
    before: Stamps,
    must: Collection[str] = (),
    but: Collection[str] = (),
) -> Tally:
    """Holds the store against what each key's build gives.

    Args:
        expected: SHA-256 of the files that each key's build writes; files that differ by nature are left out.
        before: `stamps` of what was complete before the fault.
        must: keys that have to be there by now.
        but: keys that were damaged on purpose and need not be mended yet.
    """
    found = {key: held(store, key) for key in keys_in(store)}
    right = {key for key, sums in found.items() if sums is not None and expected[key].items() <= sums.items()}
    now = stamps(store)
    lost = [key for key in before if key not in found]
    again = [key for key, stamp in before.items() if key in now and now[key] != stamp]
    absent = [key for key in must if key not in found and key not in before]
    return Tally(0, len(lost), len(again), len(found.keys() - right - set(but)) + len(absent))
