"""Keys and seeds: the same spec gives the same key on every machine and in every version."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.spec.component import Component, setting, settings_of, spec_of
from benchmark.spec.identity import KEY_LENGTH, canonical, key_of, seed_for

GOLDEN = {
    "role": "victim",
    "component": {"class": "benchmark.train.Fit", "version": 1, "settings": {"rate": 0.05, "epochs": 20}},
    "seed": 7,
    "parents": {"data": "0123456789abcdef0123"},
    "note": None,
    "ladder": [0.1, 1e-07, True, "é"],
}
GOLDEN_TEXT = (
    '{"component":{"class":"benchmark.train.Fit","settings":{"epochs":20,"rate":0.05},"version":1},'
    '"ladder":[0.1,1e-07,true,"\\u00e9"],"note":null,"parents":{"data":"0123456789abcdef0123"},'
    '"role":"victim","seed":7}'
)

names = st.lists(st.text(max_size=8) | st.integers(), max_size=4).map(tuple)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


class Step(Component, name="test/step"):
    """A nested component with a setting for each stage."""

    rate: float = 0.1
    tolerance: float = setting(0.5, stage="score")
    threads: int = setting(1, stage="runtime")


class Recipe(Component, name="test/recipe"):
    """A component with every stage, a list and a nested component."""

    rho: float = setting(0.0, low=0)
    count: int = 3
    ladder: tuple[float, ...] = (1.0, 2.0)
    step: Step = Step()
    chunk: int = setting(8, stage="measure")
    threshold: float = setting(0.5, stage="score")
    device: str = setting("cpu", stage="runtime")


def test_canonical_text_and_key_never_change():
    assert canonical(GOLDEN) == GOLDEN_TEXT
    assert key_of(GOLDEN) == "664708711ac8968d0162"


def test_seed_never_changes():
    assert seed_for("digits", "victim", "base", 0) == 7271742547069001897


def test_spec_of_a_component_never_changes():
    spec = spec_of(Recipe())
    assert spec == {
        "name": "test/recipe",
        "version": 1,
        "settings": {
            "rho": 0.0,
            "count": 3,
            "ladder": [1.0, 2.0],
            "step": {"name": "test/step", "version": 1, "settings": {"rate": 0.1}},
        },
    }


def test_key_has_the_documented_length_and_alphabet():
    assert len(key_of({})) == KEY_LENGTH == 20
    assert set(key_of({})) <= set("0123456789abcdef")


@given(st.dictionaries(st.text(max_size=4), values, max_size=5))
def test_order_of_names_is_irrelevant(spec):
    assert key_of(dict(reversed(spec.items()))) == key_of(spec)


@given(values, values)
def test_different_texts_have_different_keys(one, other):
    same_text = canonical({"value": one}) == canonical({"value": other})
    assert (key_of({"value": one}) == key_of({"value": other})) is same_text


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_numbers_without_a_json_form_are_refused(bad):
    with pytest.raises(ValueError, match="JSON"):
        key_of({"settings": {"ladder": [1.0, bad]}})


@pytest.mark.parametrize(
    "given",
    [{"rho": 0}, {"rho": -0.0}, {"count": 3.0}, {"ladder": [1, 2]}, {"ladder": (1, 2.0)}, {"step": Step(rate=0.1)}],
)
def test_equal_settings_of_another_type_give_one_key(given):
    assert key_of(spec_of(Recipe(**given))) == key_of(spec_of(Recipe()))


@pytest.mark.parametrize(
    "given", [{"rho": 0.5}, {"count": 4}, {"ladder": [2, 1]}, {"ladder": []}, {"step": Step(rate=0.2)}]
)
def test_every_make_setting_is_part_of_the_key(given):
    assert key_of(spec_of(Recipe(**given))) != key_of(spec_of(Recipe()))


@pytest.mark.parametrize(
    ("given", "first_stage"),
    [
        ({"chunk": 9}, "measure"),
        ({"threshold": 0.6}, "score"),
        ({"step": Step(tolerance=0.6)}, "score"),
        ({"device": "cuda"}, None),
        ({"step": Step(threads=4)}, None),
    ],
)
def test_a_setting_enters_identity_at_its_stage_and_not_before(given, first_stage):
    stages = ("make", "measure", "score")
    differs = [stage for stage in stages if settings_of(Recipe(**given), stage) != settings_of(Recipe(), stage)]
    assert differs == (list(stages[stages.index(first_stage) :]) if first_stage else [])


def test_version_and_name_are_part_of_the_spec(monkeypatch):
    before = spec_of(Step())
    monkeypatch.setattr(Step, "version", 2)
    assert spec_of(Step()) == before | {"version": 2}
    monkeypatch.setattr(Step, "_stable_name", "test/stride")
    assert spec_of(Step()) == before | {"version": 2, "name": "test/stride"}


def test_where_a_class_lies_and_what_it_is_called_there_are_not(monkeypatch):
    before = spec_of(Recipe())
    monkeypatch.setattr(Recipe, "__module__", "elsewhere")
    assert spec_of(Recipe()) == before
    assert "Recipe" not in str(before) and __name__ not in str(before)


@given(names)
def test_seeds_fit_what_torch_and_numpy_take(name):
    assert 0 <= seed_for(*name) < 2**63


@given(st.lists(names, unique_by=lambda name: tuple(map(str, name)), min_size=2, max_size=20))
def test_seeds_of_different_names_differ(several):
    assert len({seed_for(*name) for name in several}) == len(several)


def test_seeds_depend_on_each_part_and_on_where_parts_end():
    pieces = [("a", "b", 0), ("b", "a", 0), ("a", "b", 1), ("ab", 0), ("a", "b0"), ("a,b", 0), ('a","b', 0), ()]
    assert len({seed_for(*name) for name in pieces}) == len(pieces)
