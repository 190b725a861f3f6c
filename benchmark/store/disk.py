"""What a disk may answer: full, closed, without locks, or on a network that is late. Used by the store alone."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmark.errors import StoreError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS)
_LOCKLESS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
_OCCUPIED = (errno.ENOTEMPTY, errno.EEXIST)


@contextmanager
def one_line(root: Path) -> Iterator[None]:
    """Turns a full or closed disk below `root` into one clear line; other errors pass through."""
    try:
        yield
    except OSError as error:
        # A failed write names no file: then it is ours, since builds write nowhere else.
        ours = error.filename is None or Path(os.fsdecode(error.filename)).absolute().is_relative_to(root)
        if error.errno in (*_FULL, *_CLOSED, *_LOCKLESS) and ours:
            raise unusable(root, error) from error
        raise


def unusable(root: Path, error: OSError) -> StoreError:
    """The error with its remedy, in one line."""
    remedy = "give write permission"
    if error.errno in _FULL:
        remedy = "free space there"
    elif error.errno in _LOCKLESS:
        remedy = "its file system has no file locks, mount it with them"
    reason = error.strerror or str(error)
    return StoreError(f"store {root} cannot be used ({reason}): {remedy} or set another `store=`")


def refresh(probe: Path) -> None:
    """Makes and removes the folder `probe`, so that its neighbours are seen as they are.

    A network file system answers look-ups from memory for up to a minute, the absence of a name too, and asks its
    server again once this machine has changed something in the folder.
    """
    with suppress(FileExistsError):
        os.mkdir(probe)
    os.rmdir(probe)


def moved(draft: Path, final: Path) -> bool:
    """Gives the draft its final name, unless that is taken."""
    try:
        os.rename(draft, final)
    except OSError as error:
        if error.errno not in _OCCUPIED:
            raise
        return False
    return True
