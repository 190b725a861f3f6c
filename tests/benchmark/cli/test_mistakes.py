"""Every mistake of the list is told in one line, with exit code 2, before any work; nothing is left behind."""

from __future__ import annotations

import pytest

from tests.mistakes import TRIES, Try, placed, tried


@pytest.mark.parametrize("each", TRIES, ids=lambda each: each.name[:60])
def test_a_mistake_is_one_line_that_says_what_would_be_right(each: Try, tmp_path):
    outcome = tried(each, tmp_path)
    assert not outcome.fault(placed(each.wants, tmp_path)), outcome
    assert not [path for path in (tmp_path / "results").rglob("*") if path.is_file()]


def test_there_are_many_and_none_twice():
    assert len(TRIES) >= 150 and len({each.name for each in TRIES}) == len(TRIES)


def test_an_empty_variable_names_no_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("WHOSENET_STORE", "")
    outcome = tried(Try(("status", "smoke"), ""), tmp_path)
    assert not outcome.fault("store: wants a folder, got ''; WHOSENET_STORE is set and empty: unset it"), outcome


def test_what_is_right_begins(tmp_path):
    """Or else the list would show nothing."""
    right = next(each for each in TRIES if "compute=false" in each.words)
    words = tuple(word for word in right.words if word != "compute=false")
    for own in ("compute=true", "count=${repeats}", "executor.workers=1"):
        assert tried(Try((*words, own), ""), tmp_path).code == "Begun"
