"""What the user can mend, in one line, whoever finds it: Hydra, OmegaConf, yaml, or the harness itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hydra.errors import MissingConfigException, OverrideParseException
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException
from yaml import YAMLError

from benchmark.errors import InputError, fail, near_misses
from benchmark.paths import CONF


@contextmanager
def mended() -> Iterator[None]:
    """What the user can mend ends as one line and exit code 2; errors of the harness pass through."""
    try:
        yield
    except InputError as error:
        fail(str(error))


@contextmanager
def composing(arguments: Sequence[str]) -> Iterator[None]:
    """Whatever goes wrong inside is the configuration's fault, for nothing of the harness runs there.

    Args:
        arguments: the command line's overrides, to name the one at fault.

    Raises:
        InputError: for every exception of Hydra's, OmegaConf's or yaml's.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # Hydra lets ValueError, TypeError, KeyError and others of its inside out
        raise InputError(explain(error, list(arguments), CONF)) from error


def explain(error: Exception, arguments: list[str], conf: Path) -> str:
    """One line that names the key or yaml that is wrong and what would be right.

    Args:
        arguments: the command line's overrides, to name the one at fault.
        conf: the folder of configurations, to look up near misses.
    """
    text = str(error)
    if isinstance(error, YAMLError):
        return " ".join(text.split())  # with the file, the line and the column
    if isinstance(error, UnicodeDecodeError):
        return f"{_chosen(arguments)}: a yaml is no UTF-8 text ({error.reason}); save it as UTF-8"
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, name = error.missing_cfg_file.rpartition("/")
        known = [path.stem for path in (conf / group).glob("*.yaml")]
        place = (conf / group / f"{name}.yaml").relative_to(conf.parent)
        return f"{group or 'config'}={name}: there is no {place}, {near_misses(name, known)}"
    if isinstance(error, OSError) and error.filename:
        return f"{_short(str(error.filename))}: {error.strerror}"
    if isinstance(error, OverrideParseException):
        return f"{error.override!r}: {_unreadable(str(error.override), conf)}"
    if "Config group override must be" in text:
        return _no_choice(arguments, conf)
    unknown_group = re.search(r"Could not override '([^']+)'\. No match in the defaults list", text)
    if unknown_group:
        groups = [path.name for path in conf.iterdir() if path.is_dir()]
        return f"{unknown_group[1]}: there is no such group, {near_misses(unknown_group[1], groups)}"
    if match := re.search(r"Could not delete '([^']+)'\. No match in the defaults list", text):
        return f"~{match[1]}: a group cannot be taken away; name what is to be there, e.g. '{match[1]}=[...]'"
    if match := re.search(r"Ambiguous value for argument '([^']+)'", text):
        return f"{match[1]}: several values are a sweep, which wants -m; a list stands in brackets, 'key=[a,b]'"
    unknown = re.search(r"Could not override '([^']+)'", text)
    if unknown:
        return _unknown(error, unknown[1], arguments)
    if isinstance(error, OmegaConfBaseException):
        return _of_omegaconf(error, arguments)
    return f"{_fault(text, arguments)}{_first_line(text)}"


def _unreadable(word: str, conf: Path) -> str:
    """What is wrong with an override that Hydra cannot read, and how to write it."""
    key, sign, value = word.partition("=")
    if not sign:
        known = (conf / "experiment" / f"{word}.yaml").is_file()
        return f"is no key=value{f', did you mean experiment={word}?' if known else ''}"
    quoted = re.fullmatch(r"[+~]*[\w.@/]+", key) and value and not set(value) & set("'\"\\[]{}()")
    advice = (
        f"""write '{key}="{value}"'""" if quoted else "look for a bracket or a quote that is not closed, or a second ="
    )
    return f"its value cannot be read; {advice}"


def _no_choice(arguments: Sequence[str], conf: Path) -> str:
    """A group was given something that is no name of a yaml, such as null."""
    for group, value in (argument.split("=", 1) for argument in arguments if "=" in argument):
        named = re.fullmatch(r"\[.*\]|[A-Za-z_]\S*", value) and value not in ("null", "true", "false")
        if not named and (group == "hydra" or (conf / group).is_dir()):
            yamls = sorted(path.stem for path in (conf / group).glob("*.yaml"))
            return f"{group}={value}: a group wants the name of a yaml, or a list of such; {near_misses(value, yamls)}"
    return "a group wants the name of a yaml in its folder of conf/, or a list of such"


def _unknown(error: Exception, key: str, arguments: Sequence[str]) -> str:
    whole = next((a for a in arguments if a.startswith(f"{key}={{") and "_target_" in a), "")
    if whole:
        return f"{key}: write {key}=NAME, or '++{whole}' to put a component with settings in its place"
    return f"{key}: there is no such setting, {_siblings(error, key.rpartition('.')[2])}"


def _of_omegaconf(error: OmegaConfBaseException, arguments: Sequence[str]) -> str:
    line = _first_line(str(error.msg or error))
    if isinstance(error, MissingMandatoryValue):
        hint = "; is the first line of the experiment's yaml '# @package _global_'?" if error.full_key == "name" else ""
        return f"{error.full_key}: has no value, set {error.full_key}=...{hint}"
    if error.full_key:
        return f"{error.full_key}: {line}"
    return f"{_fault(line, arguments)}{line}; write $ as \\$ where no other setting is meant"


def _siblings(error: BaseException, key: str) -> str:
    """The settings beside the one that does not exist, out of OmegaConf's error inside Hydra's."""
    cause: BaseException | None = error
    while cause is not None:
        beside = getattr(cause, "parent_node", None)
        if beside is not None and hasattr(beside, "keys"):
            return near_misses(key, [str(name) for name in beside if name != "hydra"])
        cause = cause.__cause__
    return "see whosenet run --cfg job for all"


def _short(path: str) -> str:
    return path if len(path) <= 100 else f"{Path(path).name[:40]}..."


def _chosen(arguments: Sequence[str]) -> str:
    return next((a for a in arguments if a.startswith("experiment=")), " ".join(arguments) or "conf")


def _fault(text: str, arguments: Sequence[str]) -> str:
    """The argument that a message is about, with a colon: the one that it quotes, or the only one."""
    found = next((a for a in arguments if a in text), arguments[0] if len(arguments) == 1 else "")
    return f"{found}: " if found else ""


def _first_line(text: str) -> str:
    """The first line of a message, with the next one where the first only leads to it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no message"]
    return " ".join(lines[: 2 if lines[0].endswith(":") else 1])
