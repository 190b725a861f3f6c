"""The command `whosenet`. What a word on its command line needs is imported when that word is met."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from benchmark.errors import fail, near_misses

USAGE = """\
whosenet: whose net is it? A benchmark of neural-network ownership verification.

  whosenet run [experiment=NAME] [overrides]      make what is missing, write results/NAME
           run -m key=A,B                         a sweep
           run --cfg job | --info | --help        the composed settings; Hydra's own state; groups and examples
  whosenet status [EXPERIMENT] [overrides]        what of it is done, running, queued, failed, lost or missing
  whosenet report EXPERIMENT [only=page]          draw results/EXPERIMENT again from its csv, running nothing
           report EXPERIMENT methods=A,B width=column|page
                                                  figures for a paper, into results/EXPERIMENT/paper
  whosenet gc [EXPERIMENT ...] [store=FOLDER]     what in the store serves nobody, with its size
           gc ... delete=true                     deletes it; with experiments named, what none of them needs
  whosenet completion bash|zsh|fish               what the shell has to read to complete all this
  whosenet --version
"""


def main() -> None:
    """Does what `sys.argv` asks for; a mistake is one line and exit code 2."""
    word, *rest = sys.argv[1:] or ["--help"]
    if word == "--version":
        from benchmark.cli.version import version

        print(version())
    elif word in ("-h", "--help", "help") or (word != "run" and {"-h", "--help"} & {*rest}):
        print(USAGE, end="")
    elif word in COMMANDS:
        raise SystemExit(COMMANDS[word](rest))
    else:
        fail(f"{word or repr(word)}: there is no such command, {near_misses(word, COMMANDS)}")


def _run(arguments: Sequence[str]) -> int:
    from benchmark.cli import app

    sys.argv[1:] = arguments  # where Hydra looks
    app.main()
    return 0


def _status(arguments: Sequence[str]) -> int:
    from benchmark.cli.status import main

    return main(arguments)


def _report(arguments: Sequence[str]) -> int:
    from benchmark.report.__main__ import main

    return main(arguments)


def _gc(arguments: Sequence[str]) -> int:
    from benchmark.cli.gc import main

    return main(arguments)


def _completion(arguments: Sequence[str]) -> int:
    from benchmark.cli.completion import main

    return main(arguments)


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "run": _run,
    "status": _status,
    "report": _report,
    "gc": _gc,
    "completion": _completion,
}
