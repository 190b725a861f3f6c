"""`whosenet completion SHELL` prints what the shell has to read; it then asks `whosenet completion words LINE`.

The words after `run` come from Hydra's own completion, those after `status` and `report` begin with an experiment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence

from benchmark.cli.whosenet import COMMANDS
from benchmark.errors import fail, near_misses
from benchmark.paths import CONF, ROOT

SETTINGS = {"report": ("methods=", "width=column", "width=page")}

BASH = r"""
# eval "$(whosenet completion bash)" in ~/.bashrc
_whosenet() {
    local line=${COMP_LINE:0:COMP_POINT} IFS=$'\n'
    local word=${line##* }
    COMPREPLY=($(compgen -W "$(whosenet completion words "$line" 2>/dev/null)" -- "$word"))
    # readline has split the word at "=" and ":", and wants what comes after the last of them
    local head=${word%"${word##*[=:]}"}
    [[ $COMP_WORDBREAKS == *=* ]] && COMPREPLY=("${COMPREPLY[@]#"$head"}")
}
complete -o nospace -F _whosenet whosenet
"""
ZSH = r"""
# eval "$(whosenet completion zsh)" in ~/.zshrc, after compinit
_whosenet() {
    local -a found
    found=(${(f)"$(whosenet completion words "${(j: :)words[1,CURRENT]}" 2>/dev/null)"})
    compadd -Q -S '' -a found
}
compdef _whosenet whosenet
"""
FISH = r"""
# whosenet completion fish > ~/.config/fish/completions/whosenet.fish
complete -c whosenet -f -a '(whosenet completion words (commandline -cp) 2>/dev/null)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def main(arguments: Sequence[str]) -> int:
    """Prints the script of a shell, or what a line may go on with, a word a line; returns the exit code."""
    match arguments:
        case [shell] if shell in SCRIPTS:
            print(SCRIPTS[shell].strip())
        case ["words", line]:
            return _offer(line)
        case _:
            given = " ".join(arguments)
            fail(f"completion: name one shell, e.g. whosenet completion bash; {near_misses(given, SCRIPTS)}")
    return 0


def _offer(line: str) -> int:
    """Prints the words that `line`, the command line up to the cursor, may end with."""
    before, last = line.split()[1:], "" if line.endswith(" ") else line.split()[-1]
    if last:
        before.pop()
    if before and before[0] == "run":
        return _ask_hydra([*before[1:], last])
    print("\n".join(word for word in _words(before) if word.startswith(last)))
    return 0


def _words(before: Sequence[str]) -> Iterator[str]:
    match before:
        case []:
            yield from COMMANDS
        case ["completion"]:
            yield from SCRIPTS
        case ["status"] | ["gc", *_]:
            yield from sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))
        case ["report"]:
            yield from sorted(path.parent.name for path in (ROOT / "results").glob("*/manifest.json"))
        case [command, *_]:
            yield from SETTINGS.get(command, ())


def _ask_hydra(words: Sequence[str]) -> int:
    """Hydra's completion prints all on one line, for bash."""
    from contextlib import redirect_stdout
    from io import StringIO

    from benchmark.cli import app

    os.environ["COMP_LINE"] = " ".join(["whosenet", *words])
    sys.argv[1:] = ["-sc", "query=bash"]
    with redirect_stdout(StringIO()) as said:
        app.main()
    print("\n".join(said.getvalue().split()))
    return 0
