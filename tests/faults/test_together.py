"""Several processes, or machines whose locks do not reach each other, at the same artefacts."""

from __future__ import annotations

import os
import threading
from contextlib import nullcontext
from pathlib import Path

import pytest

from benchmark.errors import StoreError
from benchmark.store.artefacts import Store
from tests.faults.artefacts import ended, expected, files, key, log_to, make, started
from tests.faults.tally import audit

KEYS = [key(number) for number in range(12)]


def damaged_store(root: Path) -> None:
    for each in KEYS:
        (make(Store(root), each).folder / "first.bin").write_bytes(b"lost")


def test_many_at_once_remake_damage_once(tmp_path: Path) -> None:
    root, log = tmp_path / "store", tmp_path / "built"
    damaged_store(root)
    children = [started(lambda: [make(Store(root), each, log_to(log)) for each in KEYS]) for _ in range(3)]
    assert [ended(child) for child in children] == [0, 0, 0]
    assert sorted(log.read_text().split()) == sorted(KEYS)
    assert sorted(os.listdir(root / "damaged")) == sorted(f"{each}-1" for each in KEYS)
    assert audit(root, expected(KEYS), {}, must=KEYS).wrong == 0


def test_many_at_once_find_damage_without_a_crash(tmp_path: Path) -> None:
    root = tmp_path / "store"
    damaged_store(root)

    def look() -> None:
        store = Store(root)
        assert [store.find(each) for each in KEYS] == [None] * len(KEYS)

    children = [started(look) for _ in range(3)]
    assert [ended(child) for child in children] == [0, 0, 0]
    assert sorted(os.listdir(root / "damaged")) == sorted(f"{each}-1" for each in KEYS)


def test_makers_whose_locks_do_not_meet_end_with_one_artefact(tmp_path: Path, monkeypatch, caplog) -> None:
    Store(tmp_path)
    monkeypatch.setattr(Store, "_lock", lambda self, name: nullcontext())
    inside, other = threading.Event(), Store(tmp_path)

    def build(folder: Path) -> None:
        draft = folder.rename(tmp_path / "aside")  # out of sight of the other, whose process may have the same id
        make(other, KEYS[0])
        draft.rename(folder)
        inside.set()
        (folder / "first.bin").write_bytes(b"the slower one's")

    artefact = Store(tmp_path).make(KEYS[0], {"number": 0}, {}, build)
    assert inside.is_set() and "was made elsewhere meanwhile" in caplog.text
    assert (artefact.folder / "first.bin").read_bytes() == files(KEYS[0])["first.bin"]
    assert os.listdir(tmp_path / KEYS[0][:2]) == [KEYS[0]] and not (tmp_path / "damaged").exists()


def test_a_name_that_is_taken_but_shows_nothing_is_one_line(tmp_path: Path, monkeypatch) -> None:
    store = Store(tmp_path)
    make(store, KEYS[0])
    monkeypatch.setattr(Store, "find", lambda self, key: None)
    monkeypatch.setattr(Store, "_load", lambda self, key: None)
    with pytest.raises(StoreError, match="damaged or does not show: run again"):
        make(store, KEYS[0])
    assert os.listdir(tmp_path / KEYS[0][:2]) == [KEYS[0]]


def test_open_waits_for_the_one_who_makes(tmp_path: Path) -> None:
    root = tmp_path / "store"
    Store(root)
    read, write = os.pipe()

    def slow() -> None:
        Store(root).make(
            KEYS[0], {"number": 0}, {}, lambda folder: (os.write(write, b"x"), threading.Event().wait(0.3))
        )

    child = started(slow)
    os.read(read, 1)
    assert Store(root).find(KEYS[0]) is None
    assert Store(root).open(KEYS[0]).key == KEYS[0]
    assert ended(child) == 0
