"""The store on a disk that is full, closed or written by a newer version: one clear line, no half artefact."""

from __future__ import annotations

import errno
import json
import os
import subprocess
from pathlib import Path

import pytest
import torch

from benchmark.errors import StoreError
from benchmark.store import Artefact, Store, write_json, write_tensors

KEY, OTHER = "ab" + "0" * 18, "ab" + "1" * 18
SPEC = {"settings": {"rate": 0.25}}
CANNOT = [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS]


class Builder:
    """Writes two files and counts its calls."""

    calls = 0

    def __call__(self, folder: Path) -> None:
        self.calls += 1
        (folder / "first.bin").write_bytes(bytes(range(256)) * 40)
        write_json(folder / "second.json", {"call": self.calls})


def make(root: Path, build, key: str = KEY, **store) -> Artefact:
    return Store(root, **store).make(key, SPEC, {}, build)


def visible(root: Path) -> list[str]:
    """Everything below the store's folders of artefacts, hidden or not."""
    return sorted(path.name for folder in root.glob("[0-9a-f][0-9a-f]") for path in folder.iterdir())


def one_line(caught, *words: str) -> bool:
    text = str(caught.value)
    return "\n" not in text and all(word in text for word in (*words, "`store=`"))


@pytest.mark.parametrize("code", CANNOT)
@pytest.mark.parametrize("step", ["write", "fsync", "rename"])
def test_full_or_closed_disk_is_one_line_and_leaves_nothing(tmp_path, monkeypatch, code, step):
    def refuse(*_):
        raise OSError(code, os.strerror(code))

    def build(folder: Path) -> None:
        Builder()(folder)
        if step == "write":
            refuse()

    store = Store(tmp_path)
    with monkeypatch.context() as patch, pytest.raises(StoreError) as caught:
        if step != "write":
            patch.setattr(os, step, refuse)
        store.make(KEY, SPEC, {}, build)
    remedy = "free space there" if code in (errno.ENOSPC, errno.EDQUOT) else "give write permission"
    assert one_line(caught, str(tmp_path), os.strerror(code), remedy)
    assert visible(tmp_path) == []
    assert store.make(KEY, SPEC, {}, Builder()).json("second.json") == {"call": 1}


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


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB; skips where this user may not mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("cannot mount a small file system here")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_really_full_disk(small_disk):
    store = Store(small_disk / "store")
    kept = store.make(OTHER, SPEC, {}, Builder())
    with pytest.raises(StoreError) as caught:
        store.make(KEY, SPEC, {}, lambda folder: write_tensors(folder / "w", {"w": torch.zeros(10**5)}))
    assert one_line(caught, str(small_disk), "No space left on device", "free space there")
    assert visible(store.root) == [OTHER]
    assert Store(store.root).open(OTHER) == kept
    store.make(KEY, SPEC, {}, lambda folder: write_tensors(folder / "w", {"w": torch.zeros(10)}))
    assert Store(store.root).find(KEY) is not None


def test_a_really_read_only_disk(small_disk):
    store = Store(small_disk / "store")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    for act in (lambda: store.make(KEY, SPEC, {}, Builder()), lambda: Store(store.root)):
        with pytest.raises(StoreError) as caught:
            act()
        assert one_line(caught, str(store.root), "Read-only file system", "give write permission")


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
    assert one_line(caught, str(tmp_path), "Permission denied", "give write permission")


def test_a_newer_format_is_left_alone(tmp_path):
    folder = make(tmp_path, Builder()).folder
    (tmp_path / "store.json").write_text('{"format": 2}')
    with pytest.raises(StoreError) as caught:
        Store(tmp_path)
    assert one_line(caught, str(tmp_path), "format 2", "update whosenet")
    assert json.loads((tmp_path / "store.json").read_text()) == {"format": 2} and folder.exists()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format": "new"}', '{"format": null}'])
def test_an_unreadable_store_file_is_one_line(tmp_path, content):
    (tmp_path / "store.json").write_text(content)
    with pytest.raises(StoreError) as caught:
        Store(tmp_path)
    assert one_line(caught, str(tmp_path / "store.json"), "delete it")
