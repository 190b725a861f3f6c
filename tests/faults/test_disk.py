"""The store where it cannot work at all, or a newer version wrote it: one clear line."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from benchmark.errors import StoreError
from benchmark.spec.identity import key_of
from benchmark.store.artefacts import Artefact, Store, write_json

SPEC = {"settings": {"rate": 0.25}}
KEY = key_of(SPEC)


class Builder:
    """Writes two files and counts its calls."""

    calls = 0

    def __call__(self, folder: Path) -> None:
        self.calls += 1
        (folder / "first.bin").write_bytes(bytes(range(256)) * 40)
        write_json(folder / "second.json", {"call": self.calls})


def make(root: Path, build, **store) -> Artefact:
    return Store(root, **store).make(KEY, SPEC, {}, build)


def one_line(caught, *words: str) -> bool:
    text = str(caught.value)
    return "\n" not in text and all(word in text for word in (*words, "`store=`"))


def test_a_builders_trouble_elsewhere_is_not_blamed_on_the_store(tmp_path):
    error = PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "data" / "images.bin"))

    def build(folder: Path) -> None:
        raise error

    with pytest.raises(PermissionError) as caught:
        make(tmp_path / "store", build)
    assert caught.value is error


def test_a_folder_that_cannot_be_synced_is_no_failure(tmp_path, monkeypatch):
    sync = os.fsync

    def picky(handle: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{handle}"):
            raise OSError(errno.EINVAL, "Invalid argument")
        sync(handle)

    monkeypatch.setattr(os, "fsync", picky)
    make(tmp_path, Builder())
    assert Store(tmp_path).find(KEY) is not None


@pytest.mark.parametrize("below", ["", "deep/store"])
def test_a_root_that_cannot_be_a_folder(tmp_path, below):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError) as caught:
        Store(tmp_path / "file" / below)
    assert one_line(caught, str(tmp_path / "file" / below))
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_root_without_write_permission(tmp_path, monkeypatch):
    Store(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(StoreError) as caught:
        Store(tmp_path)
    assert one_line(caught, str(tmp_path), "Permission denied", "give read and write permission")


def test_a_newer_format_is_left_alone(tmp_path):
    folder = make(tmp_path, Builder()).folder
    (tmp_path / "store.json").write_text('{"format": 3}')
    with pytest.raises(StoreError) as caught:
        Store(tmp_path)
    assert one_line(caught, str(tmp_path), "format 3", "update whosenet")
    assert json.loads((tmp_path / "store.json").read_text()) == {"format": 3} and folder.exists()


def test_an_older_format_is_refused_and_left_as_it_is(tmp_path):
    make(tmp_path, Builder())
    (tmp_path / "store.json").write_text('{"format": 1}')
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    with pytest.raises(StoreError) as caught:
        Store(tmp_path)
    assert one_line(caught, str(tmp_path), "format 1", "delete it", "made again")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format": "new"}', '{"format": null}'])
def test_an_unreadable_store_file_is_one_line(tmp_path, content):
    (tmp_path / "store.json").write_text(content)
    with pytest.raises(StoreError) as caught:
        Store(tmp_path)
    assert one_line(caught, str(tmp_path / "store.json"), "delete it")
