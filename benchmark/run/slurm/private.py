"""The folder of pickled jobs: unpickling runs whatever a pickle says, so nobody else may ever have written there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from benchmark.errors import InputError


def make_private(folder: Path) -> None:
    """Makes the folder for this user alone.

    Raises:
        InputError: it is there already, and others own it or can write or look into it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        os.close(open_private(folder))


def open_private(folder: Path) -> int:
    """A handle of a folder that is this user's alone; it stays that folder, whatever takes its place in the path.

    Raises:
        InputError: it is no folder, a link, or others own it or can write or look into it.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise InputError(f"executor: {folder} is no folder ({error.strerror}): move it away and run again") from None
    found = os.fstat(handle)
    mode = stat.S_IMODE(found.st_mode)
    if found.st_uid == os.geteuid() and not mode & 0o077:
        return handle
    os.close(handle)
    if found.st_uid != os.geteuid():
        fault = f"belongs to user {found.st_uid}"
    else:
        fault = f"has mode {mode:04o} instead of 0700"
    raise InputError(
        f"executor: {folder} {fault}, so others could have put code there, which tasks would run: "
        "see that none is queued, delete it and run again"
    )
