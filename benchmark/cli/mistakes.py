"""Hydra's and OmegaConf's errors in one line, with the names that were probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hydra.errors import HydraException, MissingConfigException
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from benchmark.errors import InputError, fail, near_misses
from benchmark.paths import CONF


@contextmanager
def mended(arguments: Sequence[str]) -> Iterator[None]:
    """What the user can mend ends as one line and exit code 2, whoever finds it: Hydra, OmegaConf, yaml or the harness.

    Args:
        arguments: the command line's overrides, to name the one at fault.
    """
    try:
        yield
    except InputError as error:
        fail(str(error))
    except (HydraException, OmegaConfBaseException, YAMLError) as error:
        fail(explain(error, list(arguments), CONF))


def explain(error: Exception, arguments: list[str], conf: Path) -> str:
    """One line that names the key or yaml that is wrong and what would be right.

    Args:
        arguments: the command line's overrides, to name the one at fault.
        conf: the folder of configurations, to look up near misses.
    """
    text = str(error)
    if isinstance(error, YAMLError):
        return " ".join(text.split())  # with the file, the line and the column
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, name = error.missing_cfg_file.rpartition("/")
        known = [path.stem for path in (conf / group).glob("*.yaml")]
        return f"{group or 'config'}={name}: there is no conf/{group}/{name}.yaml, {near_misses(name, known)}"
    unknown_group = re.search(r"Could not override '([^']+)'\. No match in the defaults list", text)
    if unknown_group:
        groups = [path.name for path in conf.iterdir() if path.is_dir()]
        return f"{unknown_group[1]}: there is no such group, {near_misses(unknown_group[1], groups)}"
    unknown = re.search(r"Could not override '([^']+)'", text)
    if unknown:
        whole = next((a for a in arguments if a.startswith(f"{unknown[1]}={{") and "_target_" in a), "")
        if whole:
            return (
                f"{unknown[1]}: write {unknown[1]}=NAME, or '++{whole}' to put a component with settings in its place"
            )
        return f"{unknown[1]}: there is no such setting, {_siblings(error, unknown[1].rpartition('.')[2])}"
    if isinstance(error, OmegaConfBaseException) and error.full_key:
        return f"{error.full_key}: {_first_line(str(error.msg or error))}"
    fault = next((a for a in arguments if a in text), "")
    return f"{fault + ': ' if fault else ''}{_first_line(text)}"


def _siblings(error: BaseException, key: str) -> str:
    """The settings beside the one that does not exist, out of OmegaConf's error inside Hydra's."""
    cause: BaseException | None = error
    while cause is not None:
        beside = getattr(cause, "parent_node", None)
        if beside is not None and hasattr(beside, "keys"):
            return near_misses(key, [str(name) for name in beside if name != "hydra"])
        cause = cause.__cause__
    return "see whosenet run --cfg job for all"


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0] if lines else "no message"
