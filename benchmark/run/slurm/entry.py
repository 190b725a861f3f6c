"""What a Slurm task runs in the place of submitit's own command: the same, once the folder of pickles is known safe.

submitit calls it as its python, with its own arguments, of which the last is the folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

from submitit.core.submission import process_job

from benchmark.errors import InputError, fail
from benchmark.run.slurm.private import open_private


def main(folder: Path) -> None:
    """Does the task's pickled work. The folder is read by its handle: nobody can put another in its place meanwhile."""
    try:
        handle = open_private(folder)
    except InputError as error:
        fail(str(error))
    process_job(f"/proc/self/fd/{handle}")


if __name__ == "__main__":
    main(Path(sys.argv[-1]))
