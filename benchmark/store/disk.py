"""What a disk may answer: full, closed, broken, without locks, on a network that is late, or what is no plain file."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path

from benchmark.errors import StoreError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS)
_LOCKLESS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
ROTTEN = tuple(getattr(errno, name, errno.EIO) for name in ("EIO", "EBADMSG", "EUCLEAN"))  # not every system has all
_OCCUPIED = (errno.ENOTEMPTY, errno.EEXIST)
_IN_THE_WAY = (errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP, errno.ENXIO, errno.ENAMETOOLONG)
_REMEDIES = {
    **dict.fromkeys(_FULL, "free space there"),
    **dict.fromkeys(_CLOSED, "give read and write permission"),
    **dict.fromkeys(_LOCKLESS, "its file system has no file locks, mount it with them"),
    **dict.fromkeys(_IN_THE_WAY, "remove what is in the way"),
}


class _Foreign(Exception):
    """An error of a builder's own, on its way through the store's."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error)
        self.error = error


@contextmanager
def one_line(root: Path) -> Iterator[None]:
    """Turns every answer of the disk that the store below `root` cannot work with into one clear line."""
    try:
        yield
    except _Foreign as builders:
        raise builders.error from builders.error.__cause__
    except OSError as error:
        raise unusable(root, error) from error


@contextmanager
def building(root: Path) -> Iterator[None]:
    """Inside `one_line`, where a builder writes: what it does with files that are not there is no trouble of the store.

    Nor is what it meets elsewhere.
    """
    try:
        yield
    except OSError as error:
        # A failed write names no file: then it is ours, since builds write nowhere else. A failed read names none too.
        below = error.filename is not None and Path(os.fsdecode(error.filename)).absolute().is_relative_to(root)
        unnamed = error.filename is None and error.errno not in ROTTEN
        if (below or unnamed) and error.errno in (*_FULL, *_CLOSED, *_LOCKLESS, *ROTTEN):
            raise
        raise _Foreign(error) from error


def unusable(root: Path, error: OSError) -> StoreError:
    """The error with its remedy, in one line."""
    named = error.filename2 or error.filename
    place = f": {shown(os.fsdecode(named), 300)}" if isinstance(named, (str, bytes, os.PathLike)) else ""
    remedy = _REMEDIES.get(error.errno or 0, "check its disk")
    reason = error.strerror or str(error)
    return StoreError(f"store {root} cannot be used ({reason}{place}): {remedy} or set another `store=`")


def shown(name: object, most: int = 80) -> str:
    """A name as a line of a log may bear it, whatever is in it."""
    text = str(name)
    text = text if text.isprintable() else ascii(text)
    return text if len(text) <= most else f"{text[:most]}..."


def present(path: Path) -> bool:
    """Whether something has this name, be it a link that leads nowhere."""
    try:
        os.stat(path, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


@contextmanager
def opened(path: Path | str) -> Iterator[BufferedReader]:
    """A plain file for reading. Links, devices, pipes and folders are not opened: reading some of them has no end.

    Raises:
        OSError: with the file's name; ENXIO where it is no plain file.
    """
    _check_plain(path, os.stat(path, follow_symlinks=False))  # to open a device may already do something
    with open(path, "rb", opener=_cautious) as file:
        _check_plain(path, os.fstat(file.fileno()))
        try:
            yield file
        except OSError as error:
            raise OSError(error.errno, error.strerror, os.fspath(path)) from error  # a failed read names no file


def bytes_of(path: Path | str, most: int) -> bytes:
    """What is in a plain file, its first `most` bytes and one more if there is more."""
    with opened(path) as file:
        return file.read(min(most, os.fstat(file.fileno()).st_size) + 1)


def _cautious(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _check_plain(path: Path | str, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.ENXIO, "is no plain file", os.fspath(path))


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
