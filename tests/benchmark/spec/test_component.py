"""Components: what a yaml may say, and the one line it gets when it says something else."""

from __future__ import annotations

import dataclasses
import math

import pytest

from benchmark.errors import InputError
from benchmark.spec.component import Component, build, setting


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


HERE = f"{__name__}."


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
        ({"size": [1, 2]}, "size: wants one whole number, got [1, 2]"),
        ({"ratio": [0.1, 0.2]}, "ratio: wants one number, got [0.1, 0.2]"),
        ({"ratio": math.nan}, "ratio: wants a number, got nan"),
        ({"ratio": -math.inf}, "ratio: wants a number, got -inf"),
        ({"ratio": False}, "ratio: wants a number, got False"),
        ({"ratio": "0.5"}, "ratio: wants a number, got '0.5'"),
        ({"flip": 1}, "flip: wants a true or false, got 1"),
        ({"flip": "yes"}, "flip: wants a true or false, got 'yes'"),
        ({"mode": 3}, "mode: wants a text, got 3"),
        ({"limit": "none"}, "limit: wants a number, got 'none'"),
        ({"ladder": 0.5}, "ladder: wants a list, got 0.5"),
        ({"ladder": "0.5"}, "ladder: wants a list, got '0.5'"),
        ({"ladder": [0.5, "x"]}, "ladder: wants a number, got 'x'"),
        ({"ladder": [0.5, [0.6]]}, "ladder: wants one number, got [0.6]"),
        ({"modes": ["mean", 1]}, "modes: wants a text, got 1"),
        ({"inner": 3}, "inner: wants a Inner, got 3"),
        ({"inner": {"rate": 0.5}}, "inner: wants one Inner, got {'rate': 0.5}"),
        ({"steps": [Inner(), "x"]}, "steps: wants a Inner, got 'x'"),
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
        "_target_": HERE + "Sample",
        "size": 2,
        "inner": {"_target_": HERE + "Inner", "rate": 0.2},
        "steps": [{"_target_": HERE + "Inner"}, {"_target_": HERE + "Inner", "rate": 1}],
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
        ({"size": [1]}, "task.size: wants one whole number, got [1]"),
        ({"size": 1, "ratio": 2}, "task.ratio: 2.0 is out of range, wants >= 0 and <= 1"),
        (
            {"size": 1, "inner": {"_target_": HERE + "Inner", "rate": 7}},
            "task.inner.rate: 7.0 is out of range, wants > 0 and <= 1",
        ),
        (
            {"size": 1, "inner": {"_target_": HERE + "Inner", "rat": 0.1}},
            "task.inner.rat: Inner has no such setting, did you mean rate?",
        ),
        (
            {"size": 1, "steps": [{"_target_": HERE + "Inner"}, {"_target_": HERE + "Inner", "rate": "x"}]},
            "task.steps[1].rate: wants a number, got 'x'",
        ),
        ({"inner": {"_target_": "nowhere.Inner"}}, "task.inner._target_: cannot import 'nowhere.Inner' "),
        ({"inner": {"_target_": HERE + "Outer"}}, f"task.inner._target_: cannot import '{HERE}Outer' "),
        ({"inner": {"_target_": "Inner"}}, "task.inner._target_: cannot import 'Inner' "),
        ({"inner": {"_target_": "pathlib.Path"}}, "task.inner._target_: pathlib.Path is no component"),
        ({"inner": {"_target_": "math.sqrt"}}, "task.inner._target_: math.sqrt is no component"),
    ],
)
def test_build_names_the_yaml_key(node, message):
    with pytest.raises(InputError) as caught:
        build({"_target_": HERE + "Sample", **node}, "task")
    text = str(caught.value)
    assert text.startswith(message) if message.endswith(" ") else text == message
    assert "\n" not in text


def test_build_names_a_setting_that_is_missing():
    with pytest.raises(InputError, match="^task: .*missing.*'size'"):
        build({"_target_": HERE + "Sample"}, "task")


def test_build_reports_a_check_over_several_fields():
    with pytest.raises(InputError, match="^task.low: wants at most `high`$"):
        build({"_target_": HERE + "Interval", "low": 2}, "task")


@pytest.mark.parametrize("value", [3, "text", None, {"plain": 1}])
def test_build_leaves_plain_values_alone(value):
    assert build(value, "task") == value
