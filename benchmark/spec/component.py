"""Components: frozen dataclasses whose fields are hyper-parameters and exactly their yaml keys.

A field's type and its `setting(...)` bounds are its validation; its stage says which artefacts it is part of. A change
of a `score` field recomputes scores only, of a `measure` field measurements too, of a `make` field everything made
from it; a `runtime` field (device, workers) is part of no identity.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any, ClassVar, dataclass_transform

from benchmark.errors import InputError
from benchmark.spec import names

STAGES = ("make", "measure", "score", "runtime")


def setting(
    default: Any = dataclasses.MISSING,
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    choices: tuple[str, ...] = (),
    stage: str = "make",
    later: bool = False,
) -> Any:
    """A dataclass field with its range: low <= value <= high, value > above, or one of `choices`.

    `later` marks a setting that came when there were artefacts already: at its default it is no part of an identity,
    so that theirs stays what it was.
    """
    if stage not in STAGES:
        raise ValueError(f"stage {stage!r} is none of {STAGES}")
    bounds = {"low": low, "high": high, "above": above, "choices": choices, "stage": stage, "later": later}
    return dataclasses.field(default=default, metadata=bounds)


@dataclass_transform(frozen_default=True, field_specifiers=(setting, dataclasses.field))
class Component:
    """Base of everything that a yaml can name. Subclasses become frozen dataclasses by being defined.

    `class FineTune(Suspect, name="suspect/finetune")`: the name is what yamls and stored artefacts call the component,
    wherever its file lies. A class without one is abstract.

    Raises:
        InputError: a value has the wrong type or lies out of range; the message names class and field.
    """

    _stable_name: ClassVar[str] = ""
    version: ClassVar[int] = 1  # raise it when the same fields begin to mean another computation
    display: ClassVar[str] = ""  # what readers call it, "IPGuard"; where it is empty, the yaml's key with spaces

    def __init_subclass__(cls, name: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclasses.dataclass(frozen=True)(cls)
        cls._stable_name = name
        if name:
            names.register(name, cls)

    def __post_init__(self) -> None:
        types_of = hints(type(self))
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            try:
                value = _normalise(getattr(self, field.name), types_of[field.name])
                _check_range(value, field.metadata)
            except InputError as error:
                raise InputError(f"{field.name}: {error}") from None
            object.__setattr__(self, field.name, value)
        self.check()

    def content(self) -> str:
        """A digest of files that the component reads and that its fields do not tell; part of its identity."""
        return ""

    def check(self) -> None:
        """Checks that involve several fields; override and raise InputError(«field: what would be right»)."""


def settings_of(component: Component, stage: str = "score") -> dict[str, Any]:
    """The component's fields up to `stage` as plain JSON values, nested components as their specs."""
    last = STAGES.index(stage)
    stages = _stages(type(component))  # type: ignore[arg-type]  # mypy takes the instances' __hash__ for the class's
    return {
        name: _plain(getattr(component, name), stage)
        for name, own, later in stages
        if own <= last and not (later and getattr(component, name) == later[0])
    }


def defaults(cls: type[Component], stage: str) -> dict[str, Any]:
    """The defaults of the settings that belong to one stage, by name."""
    fields = dataclasses.fields(cls)  # type: ignore[arg-type]
    return {f.name: f.default for f in fields if f.metadata.get("stage", "make") == stage}


@cache
def _stages(cls: type) -> tuple[tuple[str, int, tuple[Any, ...]], ...]:
    """The fields' names, each with the number of its stage, and its default if it is a setting that came later.

    A plan of thousands of jobs asks for them very often.
    """
    return tuple(
        (f.name, STAGES.index(f.metadata.get("stage", "make")), (f.default,) if f.metadata.get("later") else ())
        for f in dataclasses.fields(cls)
    )


def name_of(component: Component | type[Component]) -> str:
    """The component's stable name, such as `suspect/finetune`.

    Raises:
        TypeError: its class declares none.
    """
    cls = component if isinstance(component, type) else type(component)
    if not cls._stable_name:
        raise TypeError(f"{cls.__name__} has no stable name: class {cls.__name__}(..., name='group/name')")
    return cls._stable_name


def spec_of(component: Component, stage: str = "make") -> dict[str, Any]:
    """Name, version and settings up to `stage`: the part of an artefact's identity that a component gives."""
    spec = {"name": name_of(component), "version": component.version, "settings": settings_of(component, stage)}
    content = component.content()
    return spec | ({"content": content} if content else {})


def hints(cls: type) -> dict[str, Any]:
    """The types of a component's fields, by name."""
    return _hints(cls)


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _normalise(value: Any, hint: Any) -> Any:
    """`value` as the type `hint` (so that 1 and 1.0 make one identity), or InputError."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        if value is None and type(None) in args:
            return None
        options = [a for a in args if a is not type(None)]
        for option in options[:-1]:
            try:
                return _normalise(value, option)
            except InputError:
                continue
        return _normalise(value, options[-1])
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise InputError(f"wants a list, got {value!r}")
        return tuple(_normalise(item, args[0]) for item in value)
    if isinstance(value, (list, tuple, dict)):
        raise InputError(f"wants {wanted(hint)} alone, got {value!r}")
    if hint is bool and isinstance(value, bool):
        return value
    if hint in (int, float) and isinstance(value, (int, float)) and not isinstance(value, bool):
        return _number(value, hint)
    if isinstance(hint, type) and hint not in (bool, int, float) and isinstance(value, hint):
        return value
    raise InputError(f"wants {wanted(hint)}, got {value!r}")


def _number(value: float, hint: type[int] | type[float]) -> float:
    """`value` as `hint`, finite and whole where that is an int; -0.0 becomes 0.0, they are one identity."""
    with suppress(OverflowError, ValueError):  # int(inf), float(10**400), int(nan)
        number = hint(value) + 0
        if math.isfinite(number) if hint is float else number == value:
            return number
    raise InputError(f"wants {wanted(hint)}, got {value!r}")


def wanted(hint: Any) -> str:
    """What a field of this type wants, with its article: "a whole number", "an Architecture"."""
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    name = getattr(hint, "__name__", str(hint))
    return words.get(hint, f"{'an' if name[0] in 'AEIOU' else 'a'} {name}")


def _check_range(value: Any, bounds: Mapping[str, Any]) -> None:
    for item in value if isinstance(value, tuple) else (value,):
        if isinstance(item, (int, float)) and not isinstance(item, bool):
            low, high, above = bounds.get("low"), bounds.get("high"), bounds.get("above")
            too_low = (low is not None and item < low) or (above is not None and item <= above)
            if too_low or (high is not None and item > high):
                raise InputError(f"{item!r} is out of range, wants {_range_text(low, high, above)}")
        if bounds.get("choices") and isinstance(item, str) and item not in bounds["choices"]:
            raise InputError(f"{item!r} is none of {', '.join(bounds['choices'])}")


def _range_text(low: float | None, high: float | None, above: float | None) -> str:
    parts = [f"> {above:g}"] if above is not None else []
    parts += [f">= {low:g}"] if low is not None else []
    parts += [f"<= {high:g}"] if high is not None else []
    return " and ".join(parts)


def _plain(value: Any, stage: str) -> Any:
    if isinstance(value, Component):
        return spec_of(value, stage)
    if isinstance(value, tuple):
        return [_plain(item, stage) for item in value]
    return value
