"""`whosenet gc [EXPERIMENT ...] [store=...] [delete=true]`: what of a store serves nobody.

Without `delete=true` it only tells. With experiments named, what none of them refers to counts too: so name all that
are to keep their artefacts. They are taken as their yamls have them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmark.cli.request import split, store_of
from benchmark.errors import InputError, near_misses
from benchmark.run.progress import doing
from benchmark.run.slurm.queue import Queue, states
from benchmark.store.garbage import Piece, delete, held, pieces

SHOWN = 20  # pieces of a kind, the largest; the others are counted
KEYS = ("store", "delete")


def main(arguments: Sequence[str]) -> int:
    """Lists what may go, with sizes, and deletes it where that was asked for; 1 if something would not go."""
    from benchmark.cli.mistakes import mended

    with mended():
        names, settings = split("gc", arguments)
        given = {key: value for key, _, value in (word.partition("=") for word in settings)}
        for key in given:
            if key not in KEYS:
                raise InputError(f"gc: {key}= is no setting of it, {near_misses(key, KEYS)}")
        if given.get("delete", "true") not in ("true", "false"):
            raise InputError(f"gc: delete={given['delete']}: wants true or false")
        root, referred = _asked(names, [word for word in settings if word.startswith("store=")])
        with doing("looking through the store"):
            found = pieces(root, referred)
        print("\n".join(lines(root, found)))
        if given.get("delete") != "true":
            print("nothing was deleted; the same with delete=true deletes all of it" if found else "nothing to delete")
            return 0
        return _delete(root, found)


def lines(root: Path, found: Sequence[Piece]) -> list[str]:
    """A line for each kind with its number and size, and its largest pieces below."""
    text = [f"store {root}: {len(found)} pieces, {_bytes(sum(piece.size for piece in found))}"]
    for kind in dict.fromkeys(piece.kind for piece in found):
        alike = sorted((p for p in found if p.kind == kind), key=lambda piece: (-piece.size, piece.path))
        text.append(f"{kind}: {len(alike)}, {_bytes(sum(piece.size for piece in alike))}")
        text += [f"  {_bytes(piece.size):>9}  {piece.path.relative_to(root)}" for piece in alike[:SHOWN]]
        text += [f"  and {len(alike) - SHOWN} more"] if len(alike) > SHOWN else []
    return text


def _asked(names: Sequence[str], store: Sequence[str]) -> tuple[Path, set[str] | None]:
    """The store's folder, and the keys of all jobs of the named experiments, None if none is named."""
    from benchmark.cli.overrides import composed
    from benchmark.plan.plan import plan
    from benchmark.plan.reading import read

    root = store_of(composed(*store))
    if not names:
        return root, None
    keys: set[str] = set()
    for name in names:
        with doing(f"planning {name}"):
            keys |= {job.key for job in plan(read(composed(f"experiment={name}", *store))).jobs}
    return root, keys


def _delete(root: Path, found: Sequence[Piece]) -> int:
    """Deletes all of it.

    Raises:
        InputError: somebody is at work on the store: nothing is deleted.
    """
    if busy := held(root):
        raise InputError(
            f"gc: somebody is at work on {root} (lock {busy[0]}); nothing was deleted, wait until it is over"
        )
    if (queued := Queue(root).queued().keys()) and queued & states().keys():
        raise InputError(f"gc: tasks of Slurm are queued for {root}; nothing was deleted, wait until they are over")
    with doing("deleting"):
        kept = [piece for piece in found if not delete(root, piece)]
    print(f"deleted: {len(found) - len(kept)} pieces, {_bytes(sum(p.size for p in found) - sum(p.size for p in kept))}")
    for piece in kept:
        print(f"kept, somebody has begun to use it: {piece.path}", file=sys.stderr)
    return int(bool(kept))


def _bytes(size: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
