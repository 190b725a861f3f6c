"""Components out of yaml nodes."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any

from benchmark.errors import InputError, near_misses
from benchmark.spec.component import Component, hints
from benchmark.spec.names import class_of


def build(node: Any, path: str) -> Any:
    """Makes the component that a yaml node names by `_target_`, and those inside it.

    A component inside may also be given by its name alone, at its defaults: `architecture: network/vgg11`.

    Raises:
        InputError: names the yaml key (`path` and below) and what would be right.
    """
    if isinstance(node, Mapping) and "_target_" in node:
        cls = _class(node["_target_"], path)
        given = {str(k): build(_named(v, cls, k), f"{path}.{k}") for k, v in node.items() if k != "_target_"}
        known = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
        for key in given:
            if key not in known:
                raise InputError(f"{path}.{key}: {cls.__name__} has no such setting, {near_misses(key, known)}")
        for field in dataclasses.fields(cls):  # type: ignore[arg-type]
            if field.name not in given and field.default is dataclasses.MISSING:
                raise InputError(f"{path}.{field.name}: is missing, {cls.__name__} has no default for it")
        try:
            return cls(**given)
        except InputError as error:
            raise InputError(f"{path}.{error}") from None
        except TypeError as error:
            raise InputError(f"{path}: {error}") from None
    if isinstance(node, (list, tuple)):
        return [build(item, f"{path}[{i}]") for i, item in enumerate(node)]
    return node


def _named(value: Any, cls: type[Component], key: str) -> Any:
    """The node of a component that is given by its name alone: `architecture=network/vgg11` is one at its defaults."""
    hint = hints(cls).get(key)
    wanted = [part for part in (typing.get_args(hint) or (hint,)) if isinstance(part, type)]
    if isinstance(value, str) and any(issubclass(part, Component) for part in wanted):
        return {"_target_": value}
    return value


def built(node: Any, group: str, path: str) -> Any:
    """The component that `node` describes, whose name must be of `group`, such as `suspect`.

    Raises:
        InputError: it is none, or of another group; or what `build` raises.
    """
    if isinstance(node, Mapping) and "_target_" not in node:
        first, dot, name = path.partition(".")
        choice = f"'{first}=[{name}]'" if dot and name.isidentifier() else f"{first}=NAME"
        raise InputError(f"{path}: has settings but no _target_; choose its yaml, e.g. {choice}")
    if isinstance(node, str):
        node = {"_target_": node}  # by its name alone, at its defaults
    name = str(node["_target_"]) if isinstance(node, Mapping) else ""
    if not name.startswith(f"{group}/"):
        raise InputError(f"{path}: needs {_a(group)}, got {name or repr(node)}")
    return build(node, path)


def list_settings(name: str, path: str) -> set[str]:
    """The settings of the component `name` that are lists themselves.

    Raises:
        InputError: there is no such component; `path` is the yaml key at fault.
    """
    return {setting for setting, hint in hints(_class(name, path)).items() if typing.get_origin(hint) is tuple}


def _class(name: Any, path: str) -> type[Component]:
    try:
        return class_of(str(name))
    except InputError as error:
        raise InputError(f"{path}._target_: {error}") from None


def _a(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"
