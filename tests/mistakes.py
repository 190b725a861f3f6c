"""Tries what mistakes.toml lists of what a user may get wrong: each is told in one line, with exit code 2.

`python -m tests.mistakes` prints a table of all with exit codes and seconds, and fails where one is told otherwise,
ends in a traceback, begins a job, or takes longer than LIMIT.
"""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import torch
from hydra.core.global_hydra import GlobalHydra

from benchmark.cli import whosenet
from benchmark.paths import ROOT
from benchmark.run.local import Local
from benchmark.run.slurm.executor import Slurm

LIMIT = 3.0  # seconds that the table allows for each

SMALL = ("experiment=smoke", "task=[digits_class]", "suspect=[finetune,independent]", "fingerprint=[random]")
PLACES = ("detector=[]", "store=FOLDER/store", "results=FOLDER/results")


@dataclass(frozen=True)
class Try:
    """One mistake: the words after `whosenet`, a yaml of the user's, and how the line begins after "error: "."""

    words: tuple[str, ...]
    wants: str
    yaml: str | None = None

    @property
    def name(self) -> str:
        """What is wrong in it."""
        own = shlex.join(word for word in self.words if word not in SMALL + PLACES)
        return own if self.yaml is None else f"yaml {self.yaml!r}"


@dataclass(frozen=True)
class Outcome:
    """What came of it; `code` is the exit code, or what happened instead."""

    code: int | str
    said: str
    printed: str
    seconds: float

    def fault(self, wants: str) -> str:
        """What is wrong with how the mistake was told, empty for nothing."""
        if self.code != 2:
            return f"exit code {self.code}"
        if self.said.count("\n") != 1 or self.printed:
            return "not one line"
        return "" if self.said.startswith(f"error: {wants}") else f"is not {wants!r}"


class Begun(BaseException):
    """A job would have been begun."""


def _tries() -> Iterator[Try]:
    listed = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    for words, wants in listed["settings"].items():
        options, own = (tuple(shlex.split(words)), ()) if words.startswith("-") else ((), (words,))
        yield Try(("run", *options, *SMALL, *PLACES, *own), wants)
    for words, wants in listed["lines"].items():
        yield Try(tuple(shlex.split(words)), wants)
    for yaml, wants in listed["yamls"].items():
        yield Try(("run", "--config-dir", "FOLDER/conf", "experiment=mine", *PLACES[1:]), wants, yaml)


TRIES = tuple(_tries())


def tried(each: Try, folder: Path) -> Outcome:
    """Tries one in this process, as on a machine without CUDA and Slurm; nothing is run."""
    (folder / "file").write_text("x")
    if each.yaml is not None:
        path = folder / "conf/experiment/mine.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(each.yaml.encode("latin-1"))
    GlobalHydra.instance().clear()
    said, printed, start = io.StringIO(), io.StringIO(), time.monotonic()
    with (
        mock.patch.object(sys, "argv", ["whosenet", *(placed(word, folder) for word in each.words)]),
        mock.patch.dict(os.environ, {"PATH": ""}),
        mock.patch.object(torch.cuda, "is_available", lambda: False),
        mock.patch.object(Local, "run", _begin),
        mock.patch.object(Slurm, "run", _begin),
        contextlib.redirect_stderr(said),
        contextlib.redirect_stdout(printed),
    ):
        code = _code()
    return Outcome(code, said.getvalue(), printed.getvalue(), time.monotonic() - start)


def placed(text: str, folder: Path) -> str:
    """The text with the folder, the file in it and the checkout in their places."""
    places = {"FOLDER": str(folder), "FILE": str(folder / "file"), "ROOT": str(ROOT), "LONG": "a" * 260}
    for word, meant in places.items():
        text = text.replace(word, meant)
    return text


def _begin(*_: object) -> None:
    raise Begun


def _code() -> int | str:
    try:
        whosenet.main()
    except SystemExit as left:
        return left.code or 0
    except BaseException as error:
        return type(error).__name__
    return 0


def main() -> int:
    """Prints the table; returns 1 if one of them is told badly or takes too long."""
    bad, number = 0, 0
    for each in TRIES:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            outcome = tried(each, folder)
            fault = outcome.fault(placed(each.wants, folder)) or ("slow" if outcome.seconds > LIMIT else "")
            number, bad = number + 1, bad + bool(fault)
            line = " ".join(outcome.said.replace(name, "FOLDER").split())[:200] + (f"  <- {fault}" if fault else "")
            print(f"{outcome.code!s:>4} {outcome.seconds:5.2f} s  {each.name[:70]:70}  {line}")
    print(f"{number} mistakes, {bad} of them told badly")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
