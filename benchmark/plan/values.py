"""Values of a composed configuration, by paths such as `proof.rounds`: of the kind that is wanted, or InputError.

Every error names the path and says what would be right.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from omegaconf import OmegaConf

from benchmark.errors import InputError, near_misses
from benchmark.paths import CONF

MOST = 10_000  # of anything that multiplies jobs: a slip of the hand is not planned until the memory ends
LONGEST = 120  # bytes of a name: file systems allow 255, and the names of some files are made of two


def check_keys(config: Mapping[str, Any]) -> None:
    """Refuses keys that no setting has: they would be taken and mean nothing."""
    for path, known in _known().items():
        for key in map(str, mapping(config, path)):
            if key not in known:
                raise InputError(f"{_below(path, key)}: there is no such setting, {near_misses(key, known)}")


@cache
def _known() -> dict[str, frozenset[str]]:
    """The keys that conf/config.yaml has at the top, whose path is empty, and in each mapping of its own."""
    content = OmegaConf.to_container(OmegaConf.load(CONF / "config.yaml"))
    assert isinstance(content, dict)
    listed, _ = content.pop("defaults"), content.pop("hydra")
    groups = {str(name) for entry in listed if isinstance(entry, dict) for name in entry if "/" not in name}
    found = {"": frozenset({*map(str, content), *groups} - {"experiment"})}
    return found | {str(key): frozenset(map(str, node)) for key, node in content.items() if node and type(node) is dict}


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def at(config: Mapping[str, Any], path: str) -> Any:
    """What the configuration has at a path, None for nothing; the empty path is all of it."""
    value: Any = config
    passed = ""
    for key in path.split(".") if path else ():
        if not isinstance(value, Mapping):
            raise InputError(f"{passed}: wants settings of its own, got {value!r}")
        value, passed = value.get(key), _below(passed, key)
    return value


def mapping(config: Mapping[str, Any], path: str, *, optional: bool = False) -> Mapping[str, Any]:
    """Settings by name; where they are optional, null is none."""
    value = at(config, path)
    if value is None and optional:
        return {}
    if not isinstance(value, Mapping):
        raise InputError(f"{path}: wants settings of its own, got {value!r}")
    return value


def number(config: Mapping[str, Any], path: str, low: int, high: int = MOST) -> int:
    """A whole number from `low` to `high`."""
    value = at(config, path)
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise InputError(f"{path}: wants a whole number >= {low}, got {value!r}")
    if value > high:
        raise InputError(f"{path}: wants a whole number <= {high}, got {value!r}")
    return value


def points(config: Mapping[str, Any], path: str) -> float:
    """A finite number that is not negative."""
    value = at(config, path)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise InputError(f"{path}: wants a number >= 0, got {value!r}")
    return float(value)


def share(config: Mapping[str, Any], path: str) -> float:
    """A number between 0 and 1, both excluded."""
    value = points(config, path)
    if not 0 < value < 1:
        raise InputError(f"{path}: wants a share between 0 and 1, got {value!r}")
    return value


def flag(config: Mapping[str, Any], path: str) -> bool:
    """True or false. A word such as `no` is neither, it would count as true."""
    value = at(config, path)
    if not isinstance(value, bool):
        raise InputError(f"{path}: wants true or false, got {value!r}")
    return value


def text(config: Mapping[str, Any], path: str, what: str) -> str:
    """A text that is not empty; `what` says of what, such as "a folder"."""
    value = at(config, path)
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise InputError(f"{path}: wants {what}, got {value!r}")
    return value


def words(config: Mapping[str, Any], path: str, what: str) -> list[str]:
    """A list of texts, null for an empty one."""
    value = at(config, path)
    found = [] if value is None else value
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        raise InputError(f"{path}: wants a list of {what}, got {value!r}")
    return found


def usable_name(value: Any, path: str) -> str:
    """A name that files and folders may bear, at most LONGEST bytes of it."""
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", str(value)) or value is None:
        raise InputError(f"{path}: wants letters, digits, '_', '-' and '.', for a folder's name, got {value!r}")
    size = len(str(value).encode())
    if size > LONGEST:
        raise InputError(
            f"{path}: wants at most {LONGEST} bytes, for a folder's name, got {size} of {str(value)[:20]}..."
        )
    return str(value)
