"""A component's defaults stand once: what its class says is what the yaml that bears its name says.

A bare `_target_: fingerprint/saliency` is then the method that conf/fingerprint/saliency.yaml describes. Where a
suspect's yaml has a ladder, the class has one of its rungs. Other yamls of a class are variants of it and say what they
like. Tasks, data and networks have nothing to compare: a task's yaml describes that one task, with data and networks
inside that were chosen for it, and their classes are told most of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from omegaconf import OmegaConf

from benchmark.paths import CONF
from benchmark.spec.build import list_settings
from benchmark.spec.component import Component
from benchmark.spec.names import class_of, index

GROUPS = ("suspect", "fingerprint", "detector", "channel", "trainer", "executor")
FLAT = ("trainer", "executor")  # an experiment has one of each, and their yamls' settings have no name above them
COMPONENTS = sorted(name for name in index() if name.split("/")[0] in GROUPS)  # of the project, without tests' own
# Components whose own yaml bears another name, and why; both are yamls in the folder of their group.
ELSEWHERE = {
    "trainer/lightning": "fp32",  # trainers are called by their precision
    "suspect/independent_variant": "other_half",  # variants are called by what they differ in
}


def own_yaml(name: str) -> dict[str, Any]:
    """The settings in the yaml that bears a component's name, and its `_target_`."""
    group, rest = name.split("/")
    stem = ELSEWHERE.get(name, rest)
    node = OmegaConf.to_container(OmegaConf.load(CONF / group / f"{stem}.yaml"), resolve=True)
    return node if group in FLAT else node[stem]


def differences(component: Component, node: Mapping[str, Any], path: str, ladders: bool = False) -> Iterator[str]:
    """What a component and its yaml do not agree in, setting by setting, and so on in components inside.

    Args:
        ladders: a list may stand for a setting that is none; the component has to have one of its items.
    """
    if component._stable_name != node["_target_"]:
        yield f"{path} is {component._stable_name} in the class and {node['_target_']} in the yaml"
        return
    fields, lists = dataclasses.fields(component), list_settings(node["_target_"], path)
    yield from (
        f"{path}.{key}: no setting of the class" for key in node.keys() - {f.name for f in fields} - {"_target_"}
    )
    for field in fields:
        own, place = getattr(component, field.name), f"{path}.{field.name}"
        if field.name not in node:
            if not field.metadata.get("later"):
                yield f"{place}: not in the yaml"
            elif own != field.default:
                yield f"{place}: {own!r} in the class, left out in the yaml"
            continue
        given = node[field.name]
        rungs = given if ladders and isinstance(given, list) and field.name not in lists else [given]
        found = [list(unlike(own, rung, place)) for rung in rungs]
        if all(found):
            yield from found[0] if len(rungs) == 1 else [f"{place}: {own!r} in the class is no rung of {given!r}"]


def unlike(own: Any, given: Any, path: str) -> Iterator[str]:
    """What the class's value and the yaml's do not agree in."""
    if isinstance(own, Component) and isinstance(given, Mapping):
        yield from differences(own, given, path)
    elif isinstance(own, tuple) and isinstance(given, list) and len(own) == len(given):
        for number, (one, other) in enumerate(zip(own, given, strict=True)):
            yield from unlike(one, other, f"{path}[{number}]")
    elif own != given or isinstance(own, bool) != isinstance(given, bool):
        yield f"{path}: {own!r} in the class and {given!r} in the yaml"


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_class_s_defaults_are_its_yaml_s(name):
    cls, node = class_of(name), own_yaml(name)
    unset = [f.name for f in dataclasses.fields(cls) if f.default is f.default_factory is dataclasses.MISSING]
    assert not unset, "a component of these groups can be made by its name alone"
    assert list(differences(cls(), node, name, ladders=name.startswith("suspect/"))) == []


def test_every_group_is_compared_and_every_exception_is_needed():
    assert {name.split("/")[0] for name in COMPONENTS} == set(GROUPS)
    for name in ELSEWHERE:
        group, rest = name.split("/")
        assert name in COMPONENTS and not (CONF / group / f"{rest}.yaml").exists()


class Inside(Component, name="test/inside"):
    a: int = 1
    newer: int = dataclasses.field(default=7, metadata={"later": True})


class Outside(Component, name="test/outside"):
    number: float = 0.5
    many: tuple[int, ...] = (1, 2)
    inside: Inside = Inside()
    steps: tuple[Inside, ...] = (Inside(a=2), Inside(a=3))
    flag: bool = True


SAME = {
    "_target_": "test/outside",
    "number": 0.5,
    "many": [1, 2],
    "inside": {"_target_": "test/inside", "a": 1},
    "steps": [{"_target_": "test/inside", "a": 2}, {"_target_": "test/inside", "a": 3, "newer": 7}],
    "flag": True,
}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, []),
        ({"number": [0.25, 0.5]}, []),
        ({"number": 0.25}, ["x.number: 0.5 in the class and 0.25 in the yaml"]),
        ({"number": [0.25, 1.0]}, ["x.number: 0.5 in the class is no rung of [0.25, 1.0]"]),
        ({"many": [1]}, ["x.many: (1, 2) in the class and [1] in the yaml"]),
        ({"many": [1, 3]}, ["x.many[1]: 2 in the class and 3 in the yaml"]),
        ({"flag": 1}, ["x.flag: True in the class and 1 in the yaml"]),
        ({"inside": {"_target_": "test/inside", "a": 2}}, ["x.inside.a: 1 in the class and 2 in the yaml"]),
        ({"inside": {"_target_": "test/inside"}}, ["x.inside.a: not in the yaml"]),
        ({"inside": {**SAME["inside"], "b": 2}}, ["x.inside.b: no setting of the class"]),
        ({"inside": SAME}, ["x.inside is test/inside in the class and test/outside in the yaml"]),
        (
            {"steps": SAME["steps"][::-1]},
            [f"x.steps[{i}].a: {2 + i} in the class and {3 - i} in the yaml" for i in (0, 1)],
        ),
    ],
)
def test_the_comparison_finds_what_differs(change, found):
    assert list(differences(Outside(), {**SAME, **change}, "x", ladders=True)) == found


def test_outside_of_suspects_a_list_is_no_ladder():
    assert list(differences(Outside(), {**SAME, "number": [0.25, 0.5]}, "x")) != []


def test_a_setting_that_came_later_may_be_left_out_at_its_default_only():
    node = {"_target_": "test/inside", "a": 1}
    assert list(differences(Inside(), node, "x")) == []
    assert list(differences(Inside(newer=8), node, "x")) == ["x.newer: 8 in the class, left out in the yaml"]
