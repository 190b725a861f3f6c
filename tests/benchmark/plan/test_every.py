"""Experiments that take every yaml of a group."""

from __future__ import annotations

import pytest

from benchmark.errors import InputError
from benchmark.paths import CONF
from benchmark.plan.every import with_every

DETECTORS = {path.stem for path in (CONF / "detector").glob("*.yaml")}


def test_all_yamls_but_those_left_out_with_the_experiments_settings_on_top():
    given = {"svdd": {"epochs": 3}, "mine": {"_target_": "detector/svdd"}}
    found = with_every({"every": {"detector": ["squeezing"]}, "detector": given, "count": 5})
    assert set(found["detector"]) == DETECTORS - {"squeezing"} | {"mine"}
    assert found["detector"]["svdd"]["epochs"] == 3 and found["detector"]["svdd"]["_target_"] == "detector/svdd"
    assert found["detector"]["mine"] == given["mine"] and found["count"] == 5


@pytest.mark.parametrize("config", [{"detector": {"svdd": {"epochs": 3}}}, {"every": {}}, {"every": None}])
def test_without_every_nothing_changes(config):
    assert with_every(config) == config


@pytest.mark.parametrize(
    ("every", "line"),
    [
        ({"nosuch": []}, "every.nosuch: wants one of task, suspect, fingerprint, channel, detector"),
        ({"detector": ["svd"]}, "every.detector: conf/detector has no svd.yaml, did you mean svdd?"),
    ],
)
def test_mistakes_are_one_line(every, line):
    with pytest.raises(InputError) as caught:
        with_every({"every": every})
    assert str(caught.value) == line
