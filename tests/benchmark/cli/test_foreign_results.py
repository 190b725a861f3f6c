"""A folder of results that holds somebody else's files is told before hours of work, not after them."""

from __future__ import annotations

import pytest

from benchmark.cli import command
from benchmark.errors import InputError
from tests.builder import configuration


def test_results_in_anothers_folder_are_refused_before_any_job(tmp_path, monkeypatch):
    folder = tmp_path / "results" / "mini"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text('{"name": "web app"}')
    monkeypatch.setattr(command, "_make", lambda *_: pytest.fail("a job was begun"))
    with pytest.raises(InputError, match="holds files but no report"):
        command.run(configuration(tmp_path))
    assert [path.name for path in folder.iterdir()] == ["manifest.json"]
