"""Files that are what a sealed manifest says and yet none that the store writes: damage, found when they are read."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import pickle
from pathlib import Path

import pytest
import safetensors.torch
import torch

from benchmark.errors import Damaged, StoreError
from benchmark.store import artefacts, content, disk
from benchmark.store.artefacts import Artefact, Store
from tests.benchmark.store.test_artefacts import KEY, WEIGHTS, Builder, make, same

JSON, TENSORS = "extra/widths.json", "weights.safetensors"


def header(text: bytes, length: int | None = None) -> bytes:
    """A safetensors file of this header, which may lie about its own length, and of 24 bytes of numbers."""
    return (len(text) if length is None else length).to_bytes(8, "little") + text + bytes(24)


LIE = b'{"a":{"dtype":"F32","shape":[1000000000],"data_offsets":[0,24]}}'
OBJECTS = {
    "empty": b"",
    "no text": b"\xff\xfe\x00",
    "list": b"[1]",
    "NaN": b'{"call": NaN}',
    "infinity": b'{"call": -Infinity}',
    "nested": b"[" * 200_000,
    "number without end": b'{"call": ' + b"9" * 5000 + b"}",
}
NUMBERS = {
    "empty": b"",
    "pickle": pickle.dumps({"a": 1}),
    "more numbers than bytes": header(LIE),
    "header without end": header(LIE, 2**62),
    "header nested": header(b"[" * 100_000),
    "bytes beyond the end": header(LIE.replace(b"[1000000000]", b"[6]").replace(b"24", b"99")),
    "numbers of no type": header(b'{"a":{"dtype":"X9","shape":[6],"data_offsets":[0,24]}}'),
    "half": safetensors.torch.save({"a": torch.ones(9)})[:-4],
}
FILES = [(JSON, made) for made in OBJECTS.values()] + [(TENSORS, made) for made in NUMBERS.values()]
NAMES = [f"{name} as JSON" for name in OBJECTS] + [f"{name} as tensors" for name in NUMBERS]


def sealed(folder: Path, name: str, made: bytes) -> None:
    """Puts other content into a file, as its manifest says from now on."""
    (folder / name).write_bytes(made)
    noted = json.loads((folder / "manifest.json").read_text())
    del noted["seal"]
    digest, facts = hashlib.sha256(made).hexdigest(), (folder / name).stat()
    noted["files"][name] = {"sha256": digest, "bytes": facts.st_size, "mtime_ns": facts.st_mtime_ns}
    rest = json.dumps(noted, indent=2).encode()[2:]
    (folder / "manifest.json").write_bytes(b'{"seal": "%s",\n' % hashlib.sha256(rest).hexdigest().encode() + rest)


def content_of(artefact: Artefact, name: str) -> object:
    return artefact.json(name) if name == JSON else artefact.tensors(name)


@pytest.mark.parametrize(("name", "made"), FILES, ids=NAMES)
def test_what_the_store_does_not_write_is_damage_and_moved_aside(tmp_path, name, made, caplog):
    build = Builder()
    sealed(make(Store(tmp_path), build=build).folder, name, made)
    store = Store(tmp_path)
    with pytest.raises(Damaged, match=f"{name} has no ") as caught:
        content_of(store.open(KEY), name)
    assert store.recheck(caught.value.key) is None
    (line,) = caplog.messages
    assert f"({name} has no " in line and "\n" not in line
    assert [path.name for path in (tmp_path / "damaged").iterdir()] == [f"{KEY}-1"]
    assert same(make(store, build=build).tensors(TENSORS), WEIGHTS) and build.calls == 2


def test_a_file_that_memory_does_not_hold_is_one_line(tmp_path, monkeypatch):
    made = make(Store(tmp_path))

    def full(path, most):
        raise MemoryError

    monkeypatch.setattr("benchmark.store.manifest.bytes_of", full)
    with pytest.raises(StoreError) as caught:
        made.tensors(TENSORS)
    assert str(made.folder / TENSORS) in str(caught.value) and "more memory is needed" in str(caught.value)


@pytest.mark.parametrize("code", disk.ROTTEN)
@pytest.mark.parametrize("name", ["manifest.json", JSON, TENSORS])
def test_what_a_disk_cannot_read_is_moved_aside_and_made_again(tmp_path, monkeypatch, caplog, name, code):
    monkeypatch.setattr(artefacts, "LATE", 0.1)
    store, build, tries = Store(tmp_path), Builder(), rotten(monkeypatch, name, code, 99)
    make(store, build=build)
    assert found_or_rechecked(Store(tmp_path)) is None
    assert f"artefact {KEY} is damaged ({name} cannot be read)" in caplog.text and len(tries) > 2
    tries.clear()
    monkeypatch.undo()
    assert same(make(Store(tmp_path), build=build).tensors(TENSORS), WEIGHTS) and build.calls == 2
    assert [path.name for path in (tmp_path / "damaged").iterdir()] == [f"{KEY}-1"]


@pytest.mark.parametrize("name", ["manifest.json", JSON, TENSORS])
def test_what_a_disk_cannot_read_once_is_left_where_it_is(tmp_path, monkeypatch, name):
    make(Store(tmp_path))
    rotten(monkeypatch, name, errno.EIO, 1)
    assert found_or_rechecked(Store(tmp_path)) is not None
    assert not (tmp_path / "damaged").exists()


def rotten(monkeypatch, name: str, code: int, times: int) -> list[str]:
    """Has a file answer this to the first attempts at opening it; those attempts, as they come."""
    true, tries = os.open, []

    def opened(path, flags, *arguments, **named):
        if os.fspath(path).endswith(f"{KEY}/{name}") and not flags & os.O_CREAT and flags & os.O_NOFOLLOW:
            tries.append(path)
            if len(tries) <= times:
                raise OSError(code, os.strerror(code), path)
        return true(path, flags, *arguments, **named)

    monkeypatch.setattr(os, "open", opened)
    return tries


def found_or_rechecked(store: Store) -> Artefact | None:
    """The artefact with all that is in it read, as who needs it does."""
    found = store.find(KEY)
    try:
        return found if found and all(content_of(found, name) for name in (JSON, TENSORS)) else None
    except Damaged as damage:
        return store.recheck(damage.key)


def test_nan_is_what_the_reader_refuses(tmp_path, monkeypatch):
    """The guard itself: without it the same file is handed out."""
    sealed(make(Store(tmp_path)).folder, JSON, b'{"call": NaN}')
    monkeypatch.setattr(content, "_refuse", float)
    assert Store(tmp_path).open(KEY).json(JSON)["call"] != 0
