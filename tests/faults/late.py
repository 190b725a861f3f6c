"""A network file system that shows late what other machines wrote, simulated in each process's view of the store."""

from __future__ import annotations

import builtins
import contextlib
import errno
import io
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.faults.artefacts import log_to
from tests.faults.racing import crowd
from tests.faults.tally import Tally

LAG = 0.3  # seconds until a name that another process made is seen; a file within a folder up to as much later
STALE = 0.02  # share of files opened for reading whose handle the server no longer knows


def store(folder: Path, full: bool) -> Tally:
    """Four machines after the same artefacts; every look-up that was answered wrongly counts."""
    lies = folder / "lies"

    def view(root: Path, number: int) -> contextlib.AbstractContextManager[object]:
        return Late(root, random.Random(number), log_to(lies)).seen()

    tally = crowd(folder / "race", 20.0 if full else 3.0, view=view, size=4)
    return tally + Tally(len(lies.read_text().split()) - tally.injected, note="simulated")


class Late:
    """What one machine sees of a store on a server, other machines' changes with a delay.

    Look-ups (stat, open for reading, lists of names) are answered from memory: a name that another machine made less
    than a lag ago is not there. Changes go to the server, and after one the names beside it are seen as they are: NFS
    does so by the attributes that come with the server's answer. What lies in `locks` is the server's own.
    """

    def __init__(self, root: Path, chooser: random.Random, lied: Callable[[str], None]) -> None:
        self._root, self._chooser, self._lied = str(root), chooser, lied
        self._known: set[str] = set()  # names that this machine has seen
        self._made: set[str] = set()
        self._asked: dict[str, float] = {}  # folder -> when this machine last changed something in it
        self._stat = os.stat

    @contextlib.contextmanager
    def seen(self) -> Iterator[None]:
        """Gives this process that view, for good: it belongs in a process of its own."""
        for name in ("mkdir", "rename", "replace", "unlink", "rmdir"):
            setattr(os, name, self._changing(getattr(os, name)))
        os.stat = self._looking(os.stat)  # type: ignore[assignment]
        os.listdir, os.scandir = self._listing(os.listdir), self._scanning(os.scandir)  # type: ignore[assignment]
        io.open = builtins.open = self._opening(io.open)  # type: ignore[assignment]
        yield

    def hides(self, path: Any) -> bool:
        """Whether the path, or a folder above it in the store, is not seen yet."""
        parts = self._shared(path)
        places = [os.path.join(self._root, *parts[: i + 1]) for i in range(len(parts))]
        return any(self._young(place, depth) for depth, place in enumerate(places))

    def _shared(self, path: Any) -> list[str]:
        """The names from the root down to an artefact's file or folder; none for what machines do not share."""
        if not isinstance(path, (str, os.PathLike)) or not os.fspath(path).startswith(f"{self._root}/"):
            return []
        parts = os.path.relpath(path, self._root).split("/")
        private = parts[0] in ("locks", "store.json") or any(part.startswith(".") for part in parts)
        return [] if private else parts

    def _young(self, place: str, depth: int) -> bool:
        if place in self._known or os.path.dirname(place) in self._made:
            return False
        try:
            born = self._stat(place).st_ctime
        except OSError:
            return False
        lag = LAG * (1 + (depth > 1) * (hash(place) % 100) / 100)  # a file is later than its folder
        young = born > self._asked.get(os.path.dirname(place), 0.0) and time.time() - born < lag
        if not young:
            self._known.add(place)  # a folder's own time moves on when something is put into it
        return young

    def _refuse(self, code: int, path: Any) -> OSError:
        self._lied(errno.errorcode[code])
        return OSError(code, os.strerror(code), os.fspath(path))

    def _changing(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def changing(path: Any, *arguments: Any, **named: Any) -> Any:
            if named or not isinstance(path, (str, os.PathLike)):
                return call(path, *arguments, **named)
            target = os.fspath(arguments[0] if arguments and not isinstance(arguments[0], int) else path)
            try:
                result = call(path, *arguments)
                self._made.add(target)
            finally:  # the server's answer, a refusal too, tells of the folder and of the name
                self._asked[os.path.dirname(target)] = time.time()
                self._known |= {target, *map(str, Path(target).parents)}
            return result

        return changing

    def _looking(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def looking(path: Any, *arguments: Any, **named: Any) -> Any:
            if self.hides(path):
                raise self._refuse(errno.ENOENT, path)
            return call(path, *arguments, **named)

        return looking

    def _listing(self, call: Callable[..., list[str]]) -> Callable[..., list[str]]:
        def listing(path: Any = ".") -> list[str]:
            return [name for name in call(path) if not self.hides(os.path.join(os.fspath(path), name))]

        return listing

    def _scanning(self, call: Callable[..., Any]) -> Callable[..., Any]:
        @contextlib.contextmanager
        def scanning(path: Any = ".") -> Iterator[Iterator[os.DirEntry[str]]]:
            with call(path) as entries:
                yield (entry for entry in entries if isinstance(path, int) or not self.hides(entry.path))

        return scanning

    def _opening(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def opening(path: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
            if "r" in mode and "+" not in mode:
                if self.hides(path):
                    raise self._refuse(errno.ENOENT, path)
                if self._shared(path) and self._chooser.random() < STALE:
                    raise self._refuse(errno.ESTALE, path)
            return call(path, mode, *arguments, **named)

        return opening
