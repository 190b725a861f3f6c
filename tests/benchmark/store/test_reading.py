"""What the store believes without a look at the content, and what it finds when that is read."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path

import pytest

from benchmark.errors import Damaged
from benchmark.store import manifest
from benchmark.store.artefacts import Store
from tests.benchmark.store.test_artefacts import KEY, OTHER, WEIGHTS, Builder, make, same


class Hashes:
    """Counts the files that are hashed to check them."""

    def __init__(self, monkeypatch) -> None:
        self.count, digest = 0, manifest._digest

        def counted(path):
            self.count += 1
            return digest(path)

        monkeypatch.setattr(manifest, "_digest", counted)


def test_files_of_the_right_size_and_time_are_not_hashed_before_they_are_read(tmp_path, monkeypatch):
    folder, hashes = make(Store(tmp_path)).folder, Hashes(monkeypatch)
    assert Store(tmp_path).find(KEY) and hashes.count == 0
    os.utime(folder / "weights.safetensors", ns=(0, 0))
    assert Store(tmp_path).find(KEY) and hashes.count == 1


def test_a_copied_store_is_hashed_and_believed(tmp_path, monkeypatch):
    store = Store(tmp_path / "store")
    make(store)
    shutil.copytree(store.root, tmp_path / "copy", copy_function=shutil.copyfile)
    hashes = Hashes(monkeypatch)
    assert same(Store(tmp_path / "copy").open(KEY).tensors("weights.safetensors"), WEIGHTS)
    assert hashes.count == 2


def hidden_flip(path: Path) -> None:
    """A bit of a file's last byte, its size and time as before."""
    kept, content = path.stat(), bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))


@pytest.mark.parametrize("name", ["weights.safetensors", "extra/widths.json"])
def test_what_no_time_tells_is_found_when_it_is_read(tmp_path, name, caplog):
    store, build = Store(tmp_path), Builder()
    found = make(store, build=build)
    hidden_flip(found.folder / name)
    assert Store(tmp_path).find(KEY) == found
    with pytest.raises(Damaged, match=f"{KEY} is damaged \\({name} has another checksum\\)") as caught:
        found.tensors(name) if name.endswith("tensors") else found.json(name)
    assert (caught.value.key, pickle.loads(pickle.dumps(caught.value)).key) == (KEY, KEY)
    assert store.recheck(KEY) is None and store.find(KEY) is None
    assert [path.name for path in (tmp_path / "damaged").iterdir()] == [f"{KEY}-1"]
    assert "has another checksum" in caplog.text
    assert make(store, build=build).json("extra/widths.json")["call"] == 2


def test_a_file_that_goes_while_it_is_known_is_damage(tmp_path):
    found = make(Store(tmp_path))
    (found.folder / "weights.safetensors").unlink()
    with pytest.raises(Damaged, match=r"weights.safetensors is missing"):
        found.tensors("weights.safetensors")


def test_a_recheck_leaves_alone_what_is_as_it_was_written(tmp_path):
    store = Store(tmp_path)
    found = make(store)
    assert store.recheck(KEY) == found == store.find(KEY)
    assert store.recheck(OTHER) is None
    assert not (tmp_path / "damaged").exists()
