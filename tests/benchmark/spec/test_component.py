"""Components: what a yaml may say, and the one line it gets when it says something else."""

from __future__ import annotations

import dataclasses
import math

import pytest

from benchmark.errors import InputError
from benchmark.spec.build import build, built, list_settings
from benchmark.spec.component import Component, name_of, setting


class Inner(Component, name="test/inner"):
    """A nested component."""

    rate: float = setting(0.1, above=0, high=1)


class Sample(Component, name="test/sample"):
    """One field of each kind that the harness uses."""

    size: int
    ratio: float = setting(0.5, low=0, high=1)
    flip: bool = False
    mode: str = setting("mean", choices=("mean", "sum"))
    limit: float | None = setting(None, above=0)
    ladder: tuple[float, ...] = setting((), low=0)
    modes: tuple[str, ...] = setting((), choices=("mean", "sum"))
    depth: int | str = "auto"
    inner: Inner = Inner()
    steps: tuple[Inner, ...] = ()


class Interval(Component, name="test/interval"):
    """A check over two fields."""

    low: float = 0.0
    high: float = 1.0

    def check(self) -> None:
        """The bounds in order."""
        if self.low > self.high:
            raise InputError("low: wants at most `high`")


def test_definition_makes_a_frozen_dataclass():
    sample = Sample(3)
    with pytest.raises(dataclasses.FrozenInstanceError):
        sample.size = 4
    assert sample == Sample(size=3) and hash(sample) == hash(Sample(size=3))


def test_values_take_the_type_of_their_field():
    sample = Sample(size=3.0, ratio=1, limit=2, ladder=[1, 0.5], depth=2)
    assert repr(sample.size) == "3"
    assert repr(sample.ratio) == "1.0"
    assert repr(sample.limit) == "2.0"
    assert sample.ladder == (1.0, 0.5) and isinstance(sample.ladder[0], float)
    assert repr(sample.depth) == "2"
    assert math.copysign(1, Sample(1, ratio=-0.0).ratio) == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"size": "three"}, "size: wants a whole number, got 'three'"),
        ({"size": 2.5}, "size: wants a whole number, got 2.5"),
        ({"size": True}, "size: wants a whole number, got True"),
        ({"size": None}, "size: wants a whole number, got None"),
        ({"size": math.inf}, "size: wants a whole number, got inf"),
        ({"size": math.nan}, "size: wants a whole number, got nan"),
        ({"size": [1, 2]}, "size: wants a whole number alone, got [1, 2]"),
        ({"ratio": [0.1, 0.2]}, "ratio: wants a number alone, got [0.1, 0.2]"),
        ({"ratio": math.nan}, "ratio: wants a number, got nan"),
        ({"ratio": -math.inf}, "ratio: wants a number, got -inf"),
        ({"ratio": False}, "ratio: wants a number, got False"),
        ({"ratio": "0.5"}, "ratio: wants a number, got '0.5'"),
        ({"flip": 1}, "flip: wants true or false, got 1"),
        ({"flip": "yes"}, "flip: wants true or false, got 'yes'"),
        ({"mode": 3}, "mode: wants text, got 3"),
        ({"limit": "none"}, "limit: wants a number, got 'none'"),
        ({"ladder": 0.5}, "ladder: wants a list, got 0.5"),
        ({"ladder": "0.5"}, "ladder: wants a list, got '0.5'"),
        ({"ladder": [0.5, "x"]}, "ladder: wants a number, got 'x'"),
        ({"ladder": [0.5, [0.6]]}, "ladder: wants a number alone, got [0.6]"),
        ({"modes": ["mean", 1]}, "modes: wants text, got 1"),
        ({"inner": 3}, "inner: wants an Inner, got 3"),
        ({"inner": {"rate": 0.5}}, "inner: wants an Inner alone, got {'rate': 0.5}"),
        ({"steps": [Inner(), "x"]}, "steps: wants an Inner, got 'x'"),
    ],
)
def test_wrong_type_is_named(given, message):
    with pytest.raises(InputError) as caught:
        Sample(**{"size": 1, **given})
    assert str(caught.value) == message


@pytest.mark.parametrize("field", ["size", "ratio"])
def test_huge_integers_are_judged_and_not_a_crash(field):
    if field == "size":
        assert Sample(size=10**400).size == 10**400
    else:
        with pytest.raises(InputError, match="^ratio: wants a number, got 1000"):
            Sample(size=1, ratio=10**400)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"ratio": 1.5}, "ratio: 1.5 is out of range, wants >= 0 and <= 1"),
        ({"ratio": -1}, "ratio: -1.0 is out of range, wants >= 0 and <= 1"),
        ({"limit": 0}, "limit: 0.0 is out of range, wants > 0"),
        ({"ladder": [0.5, -0.5]}, "ladder: -0.5 is out of range, wants >= 0"),
        ({"mode": "max"}, "mode: 'max' is none of mean, sum"),
        ({"modes": ["sum", "max"]}, "modes: 'max' is none of mean, sum"),
    ],
)
def test_out_of_range_is_named(given, message):
    with pytest.raises(InputError) as caught:
        Sample(size=1, **given)
    assert str(caught.value) == message


def test_bounds_include_their_ends_and_above_does_not():
    assert [Sample(1, ratio=ratio).ratio for ratio in (0, 1)] == [0.0, 1.0]
    assert Inner(rate=1).rate == 1.0
    with pytest.raises(InputError, match="^rate: 0.0 is out of range, wants > 0 and <= 1$"):
        Inner(rate=0)


def test_defaults_are_checked_too():
    class Wrong(Component):
        size: int = setting(0, low=1)

    with pytest.raises(InputError, match="^size: 0 is out of range, wants >= 1$"):
        Wrong()


def test_an_unknown_stage_is_a_mistake_of_the_author():
    with pytest.raises(ValueError, match="stage 'train' is none of"):
        setting(1, stage="train")


def test_build_makes_nested_components():
    node = {
        "_target_": "test/sample",
        "size": 2,
        "inner": {"_target_": "test/inner", "rate": 0.2},
        "steps": [{"_target_": "test/inner"}, {"_target_": "test/inner", "rate": 1}],
    }
    assert build(node, "task") == Sample(size=2, inner=Inner(0.2), steps=(Inner(), Inner(1.0)))


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"sise": 3}, "task.sise: Sample has no such setting, did you mean size?"),
        (
            {"zzz": 3},
            "task.zzz: Sample has no such setting, "
            "known: depth, flip, inner, ladder, limit, mode, modes, ratio, size, steps",
        ),
        ({"size": [1]}, "task.size: wants a whole number alone, got [1]"),
        ({"size": 1, "ratio": 2}, "task.ratio: 2.0 is out of range, wants >= 0 and <= 1"),
        (
            {"size": 1, "inner": {"_target_": "test/inner", "rate": 7}},
            "task.inner.rate: 7.0 is out of range, wants > 0 and <= 1",
        ),
        (
            {"size": 1, "inner": {"_target_": "test/inner", "rat": 0.1}},
            "task.inner.rat: Inner has no such setting, did you mean rate?",
        ),
        (
            {"size": 1, "steps": [{"_target_": "test/inner"}, {"_target_": "test/inner", "rate": "x"}]},
            "task.steps[1].rate: wants a number, got 'x'",
        ),
        ({"inner": {"_target_": "test/iner"}}, "task.inner._target_: there is no component 'test/iner', did you mean "),
        ({"inner": {"_target_": "pathlib.Path"}}, "task.inner._target_: there is no component 'pathlib.Path', "),
        ({"inner": {"_target_": 3}}, "task.inner._target_: there is no component '3', known: "),
        ({"size": 1, "inner": {"_target_": "test/interval"}}, "task.inner: wants an Inner, got Interval("),
        ({"size": 1, "inner": "test/interval"}, "task.inner: wants an Inner, got Interval("),
        ({"size": 1, "inner": "iner"}, "task.inner._target_: there is no component 'iner', "),
    ],
)
def test_build_names_the_yaml_key(node, message):
    with pytest.raises(InputError) as caught:
        build({"_target_": "test/sample", **node}, "task")
    text = str(caught.value)
    assert text.startswith(message) if message.endswith((" ", "(")) else text == message
    assert "\n" not in text


def test_build_names_a_setting_that_is_missing():
    with pytest.raises(InputError, match="^task.size: is missing, Sample has no default for it$"):
        build({"_target_": "test/sample"}, "task")


def test_build_reports_a_check_over_several_fields():
    with pytest.raises(InputError, match="^task.low: wants at most `high`$"):
        build({"_target_": "test/interval", "low": 2}, "task")


@pytest.mark.parametrize("value", [3, "text", None, {"plain": 1}])
def test_build_leaves_plain_values_alone(value):
    assert build(value, "task") == value


def test_a_component_inside_may_be_given_by_its_name_alone():
    node = {"_target_": "test/sample", "size": 2, "inner": "test/inner", "mode": "sum"}
    assert build(node, "task") == Sample(size=2, mode="sum")


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"_target_": "test/inner"}, "task.mine: needs a task, got test/inner"),
        ({"_target_": "task"}, "task.mine: needs a task, got task"),
        ({"_target_": "tasks/inner"}, "task.mine: needs a task, got tasks/inner"),
        ({"size": 3}, "task.mine: has settings but no _target_; choose its yaml, e.g. 'task=[mine]'"),
        (3, "task.mine: needs a task, got 3"),
        (None, "task.mine: needs a task, got None"),
    ],
)
def test_what_is_built_is_of_its_group(node, message):
    with pytest.raises(InputError) as caught:
        built(node, "task", "task.mine")
    assert str(caught.value) == message
    assert built({"_target_": "test/inner"}, "test", "test.mine") == Inner()


def test_which_settings_are_lists_themselves():
    assert list_settings("test/sample", "task") == {"ladder", "modes", "steps"}
    with pytest.raises(InputError, match="^task._target_: there is no component 'test/simple', did you mean "):
        list_settings("test/simple", "task")


def test_a_class_without_a_name_is_no_component_of_a_yaml():
    class Nameless(Inner):
        """It inherits fields, never a name."""

    with pytest.raises(TypeError, match=r"^Nameless has no stable name: class Nameless\(\.\.\., name='group/name'\)"):
        name_of(Nameless())
    assert name_of(Inner) == name_of(Inner(0.2)) == "test/inner"
