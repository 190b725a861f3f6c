"""What a composed configuration asks of the command besides its experiment: where, by whom, and whether to compute."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import InputError
from benchmark.paths import located
from benchmark.plan.values import at, flag, text, usable_name
from benchmark.run.executor import Executor
from benchmark.spec.build import built

OF_A_STORE = ("store.json", "locks", "lost+found")  # of which one is all that a folder may hold that becomes a store


@dataclass(frozen=True)
class Request:
    """The settings of the command itself.

    Attributes:
        store: the folder of the artefacts.
        results: the folder of this run's report, which can be written.
        compute: whether to make what is missing.
    """

    executor: Executor
    store: Path
    results: Path
    compute: bool


def request(config: Mapping[str, Any], overrides: Sequence[str] = (), *, swept: bool = False) -> Request:
    """Reads the settings of the command, and looks whether its folders will do.

    Args:
        overrides: what the command line changed, the name of the folder within a sweep's.
        swept: this is one run of a sweep.

    Raises:
        InputError: names the setting that is wrong and what would be right.
    """
    compute, store = flag(config, "compute"), store_of(config)
    executor = built(at(config, "executor"), "executor", "executor")
    name = usable_name(at(config, "name"), "name")
    folder = located(text(config, "results", "a folder")) / name
    if swept:
        from benchmark.report.sweep import folder_name

        folder = folder.with_name(f"{name}.sweep") / folder_name(overrides)
    _check_writable(folder)
    return Request(executor, store, folder, compute)


def split(command: str, arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The experiments and the overrides among the words of a command that takes both.

    Raises:
        InputError: one is an option, which no such command has, or empty.
    """
    for word in arguments:
        if word.startswith("-") or not word.strip():
            raise InputError(f"{command}: {word or repr(word)} is no experiment and no key=value, see whosenet --help")
    return [word for word in arguments if _is_name(word)], [word for word in arguments if not _is_name(word)]


def _is_name(word: str) -> bool:
    return "=" not in word and not word.startswith("~")


def store_of(config: Mapping[str, Any]) -> Path:
    """The store's folder: a store, or one that may become it.

    Raises:
        InputError: it is empty text or no folder, or holds something else.
    """
    if at(config, "store") == "" and os.environ.get("WHOSENET_STORE") == "":
        raise InputError("store: wants a folder, got ''; WHOSENET_STORE is set and empty: unset it")
    folder = located(text(config, "store", "a folder"))
    try:
        inside = os.listdir(folder)
    except FileNotFoundError:
        return folder
    except OSError as error:
        raise InputError(f"store {folder} cannot be used ({error.strerror}): set another `store=`") from None
    if inside and not any(name in OF_A_STORE for name in inside):
        raise InputError(f"store {folder} holds other files and is no store: set `store=` to an empty or a new folder")
    return folder


def _check_writable(folder: Path) -> None:
    """Looks whether a report could be written to `folder` after hours of work, and leaves nothing there."""
    try:
        place = next(path for path in (folder, *folder.parents) if path.exists())
        with tempfile.TemporaryFile(dir=place):  # without a name, so that none is left by a process that is killed
            pass
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"results: {folder} cannot be written ({reason}); name another `results=`") from None
