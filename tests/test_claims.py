"""Every number in README, in docs and in the readings of results is what the committed csv say."""

from __future__ import annotations

import pytest

from benchmark.paths import ROOT
from benchmark.report.claims.__main__ import documents, told

NAMES = [path.relative_to(ROOT).as_posix() for path in documents(ROOT)]


@pytest.mark.parametrize("name", NAMES)
def test_every_number_is_claimed_and_true(name):
    wrong = told(ROOT / name, ROOT)
    assert not wrong, "\n".join(wrong)


def test_readme_and_the_readings_are_looked_at():
    readings = {path.relative_to(ROOT).as_posix() for path in (ROOT / "results").rglob("READING.md")}
    assert {"README.md", *readings} <= set(NAMES)
