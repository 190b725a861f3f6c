"""Every number in README, in docs and in the readings of results is what the committed csv say."""

from __future__ import annotations

import pytest

from benchmark.paths import ROOT
from benchmark.report.claims.__main__ import claims_of, documents, told

# Documents still to be rewritten on new results. Nothing may stand here in the end.
UNCHECKED = {
    "results/ham10000/READING.md",
}
NAMES = [path.relative_to(ROOT).as_posix() for path in documents(ROOT)]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in UNCHECKED])
def test_every_number_is_claimed_and_true(name):
    wrong = told(ROOT / name, ROOT)
    assert not wrong, "\n".join(wrong)


def test_readme_and_the_readings_are_looked_at():
    readings = {path.relative_to(ROOT).as_posix() for path in (ROOT / "results").rglob("READING.md")}
    assert {"README.md", *readings} <= set(NAMES)


def test_only_documents_without_claims_are_left_out():
    assert [name for name in UNCHECKED if name not in NAMES or claims_of(ROOT / name, ROOT).exists()] == []
