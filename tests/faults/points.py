"""Write points: every call by which this process changes the disk, counted, and one of them struck by a fault."""

from __future__ import annotations

import builtins
import io
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHANGES = ("mkdir", "rename", "replace", "unlink", "remove", "rmdir", "fsync", "truncate", "link", "symlink")
EVERYTHING = (*CHANGES, "open", "write")
NEEDS_SPACE = ("open", "write", "mkdir", "fsync", "rename", "replace")  # to sync or rename may, to remove never does
TAKES_SPACE = ("open", "write", "mkdir")
Strike = Callable[[str], None]


def kill(_: str) -> None:
    """Ends this process as the kernel or a scheduler would, with nothing cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(code: int) -> Strike:
    """The disk's answer."""

    def strike(_: str) -> None:
        raise OSError(code, os.strerror(code))

    return strike


class Points:
    """Counts write points below a folder, and has the `at`-th of them struck.

    A write of bytes is struck when half of them are on the disk, every other call before it does anything.

    Args:
        kinds: what counts; everything by default.
        on: kinds that are struck from then on.
    """

    def __init__(
        self, root: Path, at: int, strike: Strike, kinds: Sequence[str] = EVERYTHING, on: Sequence[str] = ()
    ) -> None:
        self._root, self._at, self._strike, self._kinds, self._on = os.path.realpath(root), at, strike, kinds, on
        self.count, self.struck = 0, 0

    def meet(self, kind: str, path: Any = None) -> None:
        """Counts a call of this kind, and strikes it if it is its turn."""
        outside = isinstance(path, (str, os.PathLike)) and not os.path.realpath(path).startswith(self._root)
        if outside or kind not in self._kinds:
            return
        self.count += 1
        if self.count == self._at or (self.count > self._at > 0 and kind in self._on):
            self.struck += 1
            self._strike(kind)

    def arm(self) -> None:
        """Puts the counters around the calls of `os` and around files opened for writing, in this process for good."""
        for name in CHANGES:
            setattr(os, name, self.counted(name, getattr(os, name)))
        os.open = self._opened(os.open)  # type: ignore[assignment]
        io.open = builtins.open = self._filed(io.open)  # type: ignore[assignment]

    @contextmanager
    def armed(self) -> Iterator[Points]:
        """The same for a while."""
        kept = {(os, name): getattr(os, name) for name in (*CHANGES, "open")}
        kept |= {(io, "open"): io.open, (builtins, "open"): builtins.open}
        self.arm()
        try:
            yield self
        finally:
            for (module, name), function in kept.items():
                setattr(module, name, function)

    def counted(self, kind: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call as a write point of this kind."""

        def counted(path: Any, *arguments: Any, **named: Any) -> Any:
            self.meet(kind, path if "dir_fd" not in named else None)
            return call(path, *arguments, **named)

        return counted

    def _opened(self, call: Callable[..., int]) -> Callable[..., int]:
        def opened(path: Any, flags: int, *arguments: Any, **named: Any) -> int:
            if flags & os.O_CREAT:
                self.meet("open", path)
            return call(path, flags, *arguments, **named)

        return opened

    def _filed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def filed(path: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
            ours = isinstance(path, (str, os.PathLike)) and os.path.realpath(path).startswith(self._root)
            if not ours or not set(mode) & set("wax+"):
                return call(path, mode, *arguments, **named)
            self.meet("open", path)
            return _Torn(call(path, mode, *arguments, **named), self)

        return filed


class _Torn:
    """A file whose writes are write points, met when half of the bytes are on the disk."""

    def __init__(self, file: Any, points: Points) -> None:
        self._file, self._points = file, points

    def write(self, content: Any) -> int:
        whole = memoryview(content).cast("B") if not isinstance(content, str) else content
        middle = len(whole) // 2
        self._file.write(whole[:middle])
        self._file.flush()
        self._points.meet("write")
        self._file.write(whole[middle:])
        return len(whole)

    def __enter__(self) -> _Torn:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
