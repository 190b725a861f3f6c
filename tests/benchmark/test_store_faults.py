"""The store when a file, a build or the clock goes wrong: damage is mended, nothing half-made is left."""

from __future__ import annotations

import itertools
import logging
import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from benchmark.store import Artefact, Store, write_json

KEY, OTHER = "ab" + "0" * 18, "ab" + "1" * 18
SPEC = {"settings": {"rate": 0.25}}


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


def truncate(folder: Path) -> None:
    os.truncate(folder / "first.bin", 10_000)


def flip_a_bit(folder: Path) -> None:
    content = bytearray((folder / "first.bin").read_bytes())
    content[5000] ^= 1
    (folder / "first.bin").write_bytes(content)


def edit_manifest(old: str, new: str):
    def edit(folder: Path) -> None:
        text = (folder / "manifest.json").read_text()
        assert text.count(old) == 1
        (folder / "manifest.json").write_text(text.replace(old, new))

    return edit


def manifest_of(content: bytes):
    return lambda folder: (folder / "manifest.json").write_bytes(content)


def file_to_folder(folder: Path) -> None:
    (folder / "second.json").unlink()
    (folder / "second.json").mkdir()


def whole_to_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("not a folder")


def swap_artefact(folder: Path) -> None:
    make(folder.parents[1], Builder(), OTHER)
    shutil.rmtree(folder)
    shutil.copytree(folder.with_name(OTHER), folder)


DAMAGES = {
    "truncated": (truncate, "first.bin has 10000 bytes instead of 10240"),
    "bit flipped": (flip_a_bit, "first.bin has another checksum"),
    "file missing": (lambda folder: (folder / "first.bin").unlink(), "first.bin is missing"),
    "file is a folder": (file_to_folder, "second.json"),
    "emptied": (lambda folder: [path.unlink() for path in folder.iterdir()], "manifest.json is missing"),
    "no folder": (whole_to_file, "manifest.json is missing"),
    "manifest missing": (lambda folder: (folder / "manifest.json").unlink(), "manifest.json is missing"),
    "manifest edited": (edit_manifest("0.25", "0.75"), "manifest.json is not as it was written"),
    "manifest unsealed": (edit_manifest('"seal"', '"sea1"'), "manifest.json is no manifest"),
    "manifest NaN": (edit_manifest("0.25", "NaN"), "manifest.json is no manifest"),
    "manifest half": (lambda folder: os.truncate(folder / "manifest.json", 99), "manifest.json is no manifest"),
    "manifest binary": (manifest_of(b"\x00\xff\xfe"), "manifest.json is no manifest"),
    "manifest list": (manifest_of(b"[]"), "manifest.json is no manifest"),
    "manifest bomb": (manifest_of(b"[" * 200_000), "manifest.json is no manifest"),
    "manifest of another": (swap_artefact, f"manifest.json is of artefact {OTHER}"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found_moved_aside_and_mended(tmp_path, caplog, damage):
    build = Builder()
    folder = make(tmp_path, build).folder
    act, fault = DAMAGES[damage]
    act(folder)
    with caplog.at_level(logging.WARNING):
        store = Store(tmp_path)
        assert store.find(KEY) is None
    (record,) = caplog.records
    assert fault in record.getMessage() and KEY in record.getMessage() and "\n" not in record.getMessage()
    assert not folder.exists() and (tmp_path / "damaged" / f"{KEY}-1").exists()
    store.make(KEY, SPEC, {}, build)
    assert build.calls == 2
    assert Store(tmp_path).open(KEY).json("second.json") == {"call": 2}


def test_make_mends_damage_by_itself(tmp_path):
    build = Builder()
    for _ in range(3):
        flip_a_bit(make(tmp_path, build).folder)
    assert build.calls == 3
    assert sorted(path.name for path in (tmp_path / "damaged").iterdir()) == [f"{KEY}-1", f"{KEY}-2"]


def test_an_extra_file_is_no_damage(tmp_path):
    (make(tmp_path, Builder()).folder / ".nfs0001").touch()
    assert Store(tmp_path).find(KEY) is not None


def test_damage_that_somebody_mends_meanwhile_is_left_alone(tmp_path, monkeypatch):
    flip_a_bit(make(tmp_path, Builder()).folder)
    store, lock = Store(tmp_path), Store._lock

    def slow_lock(self, name):
        if self is store:
            make(tmp_path, Builder())
        return lock(self, name)

    monkeypatch.setattr(Store, "_lock", slow_lock)
    assert store.find(KEY).json("second.json") == {"call": 1}
    assert [path.name for path in (tmp_path / "damaged").iterdir()] == [f"{KEY}-1"]


def test_find_does_not_wait_for_the_one_who_mends(tmp_path):
    folder = make(tmp_path, Builder()).folder
    flip_a_bit(folder)
    with FileLock(tmp_path / "locks" / f"{KEY}.lock"):
        assert Store(tmp_path).find(KEY) is None
    assert folder.exists() and not (tmp_path / "damaged").exists()


class Stop(Exception):
    """A failure that is nobody's business but the builder's."""


@pytest.mark.parametrize("error", [Stop("no"), KeyboardInterrupt(), SystemExit(3), FileNotFoundError(2, "gone", "x")])
def test_failure_leaves_nothing_and_is_not_cached(tmp_path, error):
    def fail(folder: Path) -> None:
        Builder()(folder)
        raise error

    for _ in range(2):
        with pytest.raises(type(error)) as caught:
            make(tmp_path, fail)
        assert caught.value is error
        assert visible(tmp_path) == []
    assert make(tmp_path, Builder()).json("second.json") == {"call": 1}


def test_a_lock_file_without_an_owner_does_not_block(tmp_path):
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / f"{KEY}.lock").write_text("99999\nsome-host\n")
    (tmp_path / "locks" / "store.lock").write_text("99999\nsome-host\n")
    assert make(tmp_path, Builder()).json("second.json") == {"call": 1}


def test_a_clock_that_goes_backwards_changes_nothing(tmp_path):
    ticks = itertools.count(2_000_000_000, -1_000_000_000)
    clock = lambda: float(next(ticks))  # noqa: E731
    build, dates = Builder(), []
    for _ in range(3):
        artefact = make(tmp_path, build, clock=clock)
        assert Store(tmp_path, clock=clock).open(KEY) == artefact
        dates.append(artefact.manifest["created"][:4])
        flip_a_bit(artefact.folder)
    assert dates == ["2033", "2001", "1970"]
    assert sorted(path.name for path in (tmp_path / "damaged").iterdir()) == [f"{KEY}-1", f"{KEY}-2"]
