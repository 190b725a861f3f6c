"""Stable names of components, such as `suspect/finetune`: they outlive the files and classes that bear them.

A class declares its name where it is defined. A name is looked up among the classes defined so far, then in an index of
this project's sources, which are read as text for it: only the one module that declares a name is ever imported, and
none because a configuration or a stored file says where it lies. Modules of the user's own are `plugins`.
"""

from __future__ import annotations

import ast
import importlib
import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from benchmark.errors import InputError, near_misses
from benchmark.paths import ROOT

PACKAGES = ("benchmark", "suspects", "fingerprints")
_classes: dict[str, type] = {}


def register(name: str, cls: type) -> None:
    """Gives a class its name.

    Raises:
        TypeError: the name is no GROUP/NAME, or another class bears it.
    """
    group, _, rest = name.partition("/")
    if not (group.isidentifier() and rest.isidentifier()):
        raise TypeError(f"{cls.__name__}: wants a name such as 'suspect/finetune', got {name!r}")
    own = index().get(name, cls.__module__)
    if own != cls.__module__:
        raise TypeError(f"{cls.__name__}: a component of {own} is called {name!r} already")
    other = _classes.get(name)
    if other is not None and (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
        raise TypeError(f"{cls.__name__}: {other.__module__}.{other.__qualname__} is called {name!r} already")
    _classes[name] = cls


def class_of(name: str) -> type:
    """The class that bears a name.

    Raises:
        InputError: none does; the message has the names that are near.
    """
    if name not in _classes and name in index():
        importlib.import_module(index()[name])
    if name not in _classes:
        raise InputError(f"there is no component {name!r}, {near_misses(name, names())}")
    return _classes[name]


def names(group: str = "") -> list[str]:
    """The names of all components, of this project and of the plug-ins that were imported; of one group, or of all."""
    found = {*index(), *_classes}
    return sorted(name for name in found if not group or name.startswith(f"{group}/"))


def plug_in(modules: Iterable[str]) -> None:
    """Imports modules of the user's own, so that their components have their names.

    Raises:
        InputError: one cannot be imported.
    """
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise InputError(f"plugins: cannot import {module!r} ({error}); is its folder in PYTHONPATH?") from None
        except Exception as error:  # whatever the module raises while it is imported
            raise InputError(f"plugins: {module!r} fails ({type(error).__name__}: {error})") from error


@cache
def index() -> dict[str, str]:
    """The module of this project that declares each name.

    Raises:
        TypeError: two classes declare the same one.
    """
    found: dict[str, str] = {}
    for package in PACKAGES:
        for path in sorted(_sources(ROOT / package)):
            for name in _declared(path):
                if name in found:
                    raise TypeError(f"{path}: {found[name]} declares {name!r} already")
                found[name] = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return found


def _sources(package: Path) -> Iterator[Path]:
    """The modules of a package and of the packages within it; a store that lies there is none."""
    for folder, below, files in os.walk(package):
        below[:] = [name for name in below if (Path(folder) / name / "__init__.py").is_file()]
        yield from (Path(folder) / name for name in files if name.endswith(".py"))


def _declared(path: Path) -> Iterator[str]:
    """The names of the components that a source file defines; the file is not run."""
    text = path.read_text(encoding="utf-8")
    if "name=" not in text:
        return
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef):
            for keyword in node.keywords:
                if keyword.arg == "name" and isinstance(keyword.value, ast.Constant):
                    yield str(keyword.value.value)
