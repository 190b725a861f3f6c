"""The store when a file or a build goes wrong: who mends damage and when, and that a failure leaves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

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


def visible(root: Path) -> list[str]:
    """Everything below the store's folders of artefacts, hidden or not."""
    return sorted(path.name for folder in root.glob("[0-9a-f][0-9a-f]") for path in folder.iterdir())


def flip_a_bit(folder: Path) -> None:
    content = bytearray((folder / "first.bin").read_bytes())
    content[5000] ^= 1
    (folder / "first.bin").write_bytes(content)


def test_make_mends_damage_by_itself(tmp_path):
    build = Builder()
    for _ in range(3):
        flip_a_bit(make(tmp_path, build).folder)
    assert build.calls == 3
    assert sorted(path.name for path in (tmp_path / "damaged").iterdir()) == [f"{KEY}-1", f"{KEY}-2"]


def test_what_nfs_leaves_of_a_removed_file_is_no_damage(tmp_path):
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
