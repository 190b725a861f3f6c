"""Digests of picture files, and what is remembered of them: a file that has not changed is not read again.

What is remembered of a folder or zip file lies as `pictures-DEVICE-INODE.json` in the folder that WHOSENET_CACHE names,
or else in `~/.cache/whosenet`: the SHA-256 of what follows, and {name: [stamp, digest]}. Without it all is read again.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import chain
from pathlib import Path

from benchmark.data.containers import Stamp
from benchmark.data.files import Files

THREADS = 8  # they wait for the disk, and let go of the interpreter where they decode and hash
PART = 64  # files that a thread takes at once
SETTLED = 2_000_000_000  # ns after a change in which another one may leave the same time behind (FAT counts in 2 s)

Known = dict[str, tuple[Stamp, str]]


def digests(files: Files, names: Sequence[str]) -> dict[str, str]:
    """SHA-256 of each picture by name, in the order given; those not remembered are read and decoded once.

    Raises:
        InputError: the first of them that is no sound picture, or beyond a limit.
    """
    place = _place(files)
    known, stamps = _remembered(place), {name: files.stamp(name) for name in names}
    fresh = [name for name in names if known.get(name, ((), ""))[0] != stamps[name]]
    start = time.time_ns()
    parts = [fresh[at : at + PART] for at in range(0, len(fresh), PART)]
    with ThreadPoolExecutor(THREADS) as pool:
        read = pool.map(lambda part: [files.digest(name) for name in part], parts)
        found = dict(zip(fresh, chain.from_iterable(read), strict=True))
    settled = {name: (stamps[name], found[name]) for name in fresh if max(stamps[name][3:]) < start - SETTLED}
    if settled:
        kept = {name: facts for name, facts in known.items() if name in files.sizes and name not in found}
        _remember(place, kept | settled)
    return {name: found[name] if name in found else known[name][1] for name in names}


def _place(files: Files) -> Path | None:
    """Where the digests of a folder or zip file are remembered; None where there is no home folder."""
    with suppress(OSError, RuntimeError):
        facts = files.root.stat()
        cache = Path(os.environ.get("WHOSENET_CACHE") or "~/.cache/whosenet").expanduser()
        return cache / f"pictures-{facts.st_dev}-{facts.st_ino}.json"
    return None


def _remembered(place: Path | None) -> Known:
    """What was remembered; nothing where the file is missing or is not as it was written."""
    with suppress(OSError, ValueError, TypeError, AttributeError, RecursionError):
        if place and place.is_file():
            seal, _, body = place.read_bytes().partition(b"\n")
            if hashlib.sha256(body).hexdigest().encode() == seal:
                return {name: (tuple(stamp), digest) for name, (stamp, digest) in json.loads(body).items()}
    return {}


def _remember(place: Path | None, known: Known) -> None:
    """Replaces what was remembered. Two that do so at once may spoil the file, which its seal then tells."""
    if place is None:
        return
    body = json.dumps(known).encode()
    draft = place.with_suffix(".tmp")
    with suppress(OSError):  # a full or closed disk costs the next run its time, nothing else
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
        os.replace(draft, place)
