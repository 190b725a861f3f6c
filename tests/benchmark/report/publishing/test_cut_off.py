"""What a process leaves that was killed while it wrote a report, and one process at a time does so."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.errors import InputError
from benchmark.report import Findings, publishing, record, write
from benchmark.report.current import is_current
from benchmark.report.publishing import DRAFT, LOCK, drafted
from benchmark.report.results import redraw
from tests.benchmark.report.publishing.conftest import files, kept, put


def stopped(_: Path, target: Path) -> None:
    raise OSError(13, "Permission denied", str(target))


@pytest.mark.parametrize("at", [0, 1, 4])
def test_moving_that_fails_is_ended_by_the_next_call(
    folder: Path, others: Findings, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    put(folder)
    calls, true = [], os.replace

    def refuse(source: Path, target: Path) -> None:
        calls.append(target)
        (stopped if len(calls) > at + 1 else true)(source, target)  # the first one seals the draft

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(InputError, match=r"cannot write the report \(Permission denied\)"):
        write(others, folder, None)
    monkeypatch.setattr(os, "replace", true)
    redraw(folder, None)
    assert kept(folder) and is_current(folder, None) and not (folder / DRAFT).exists()
    before = files(folder)
    write(others, folder, None)
    assert files(folder) == before  # nothing was left to be written


@pytest.mark.parametrize(
    "spoil", [lambda draft: (draft / record.RECORD).unlink(), lambda draft: (draft / "x").write_text("z")]
)
def test_a_draft_that_is_not_whole_is_thrown_away(folder: Path, tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    before, draft = files(folder), folder / DRAFT
    draft.mkdir()
    (draft / "x").write_text("y")
    record.save(record.Record("", record.sums(draft, ["x"])), draft)
    shutil.copytree(folder, tmp_path / "whole")
    spoil(draft)
    with drafted(folder):
        pass
    assert files(folder) == before
    with drafted(tmp_path / "whole"):
        assert (tmp_path / "whole" / "x").read_text() == "y"


def test_a_second_process_says_that_it_waits_and_then_finds_all_done(folder: Path, others: Findings) -> None:
    reading, writing = os.pipe()
    with drafted(folder):
        child = os.fork()
        if not child:
            logging.getLogger(publishing.__name__).warning = lambda *_: os.write(writing, b"w")  # type: ignore[method-assign]
            try:
                write(others, folder, None)
            finally:
                os._exit(int(not is_current(folder, None)))
        os.close(writing)
        assert os.read(reading, 1) == b"w"
        before = files(folder)
        assert (folder / LOCK).exists() and os.waitpid(child, os.WNOHANG) == (0, 0)
        assert files(folder) == before
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert files(folder)["scores.csv.gz"] != before["scores.csv.gz"] and not (folder / LOCK).exists()


def test_a_new_folder_in_which_nothing_came_about_is_not_left(others: Findings, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write"), drafted(tmp_path / "new"):
        raise OSError(28, "No space left on device")
    assert not (tmp_path / "new").exists()
