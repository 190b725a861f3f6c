"""The store between processes: killed at any point, or many at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import benchmark
from benchmark.store import Store

CHECKOUT = Path(benchmark.__file__).parents[1]
KEY, KEPT = "ab" + "0" * 18, "ab" + "1" * 18

KILLED = """
import os, signal, sys
from benchmark.store import Store

root, key, function, countdown = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
store = Store(root)

def deadly(name):
    true = getattr(os, name)
    def call(*args):
        global countdown
        countdown -= name == function
        if name == function and countdown == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return true(*args)
    return call

def build(folder):
    (folder / "first.txt").write_text("1" * 5000)
    os.getppid()  # the point between the two files
    (folder / "second.txt").write_text("2" * 5000)

for name in ("getppid", "fsync", "rename"):
    setattr(os, name, deadly(name))
store.make(key, {"seed": 1}, {}, build)
"""

CROWD = """
import os, sys, time
from pathlib import Path
from benchmark.store import Store

root, name, keys = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]

def build(folder):
    with (root.parent / "builds").open("a") as file:
        file.write(folder.name.split(".")[1] + "\\n")
    time.sleep(0.03)
    (folder / "maker.txt").write_text(name)

(root.parent / f"ready-{name}").touch()
while not (root.parent / "go").exists():
    time.sleep(0.001)
store = Store(root)
for key in keys:
    print(store.make(key, {}, {}, build).manifest["seal"])
"""

FINDERS = CROWD.replace('print(store.make(key, {}, {}, build).manifest["seal"])', "print(store.find(key))")


def python(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def together(script: str, root: Path, keys: list[str], count: int) -> list[list[str]]:
    """Runs the script in `count` processes that begin at one moment; their printed lines."""
    children = [python(script, root, number, *keys) for number in range(count)]
    while len(list(root.parent.glob("ready-*"))) < count and all(child.poll() is None for child in children):
        time.sleep(0.005)
    (root.parent / "go").touch()
    outputs = [child.communicate() for child in children]
    assert [child.returncode for child in children] == [0] * count, outputs
    return [out.splitlines() for out, _ in outputs]


def write_text(folder: Path) -> None:
    (folder / "first.txt").write_text("kept")


def snapshot(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("function", "countdown", "complete"),
    [
        pytest.param("getppid", 1, False, id="after the first file"),
        pytest.param("fsync", 1, False, id="before the files are synced"),
        pytest.param("fsync", 3, False, id="before the manifest is synced"),
        pytest.param("rename", 1, False, id="before the rename"),
        pytest.param("fsync", 5, True, id="after the rename"),
    ],
)
def test_a_kill_leaves_all_or_nothing(tmp_path, function, countdown, complete):
    kept = Store(tmp_path).make(KEPT, {}, {}, write_text)
    before = snapshot(kept.folder)
    child = python(KILLED, tmp_path, KEY, function, countdown)
    child.communicate()
    assert child.returncode == -signal.SIGKILL
    assert len(list((tmp_path / "ab").glob(f".{KEY}.*.tmp"))) == (not complete)
    assert (Store(tmp_path).find(KEY) is not None) is complete
    assert (tmp_path / "locks" / f"{KEY}.lock").exists()

    again = python(KILLED, tmp_path, KEY, "none", 0)
    _, errors = again.communicate()
    assert again.returncode == 0, errors
    assert sorted(os.listdir(tmp_path / "ab")) == [KEY, KEPT]
    made = Store(tmp_path).open(KEY)
    assert made.manifest["files"].keys() == {"first.txt", "second.txt"}
    assert (made.folder / "second.txt").read_text() == "2" * 5000
    assert snapshot(kept.folder) == before
    assert not (tmp_path / "damaged").exists()


def test_many_at_once_make_each_artefact_once(tmp_path):
    root, keys = tmp_path / "store", [f"{number:02x}" * 10 for number in range(5)]
    outputs = together(CROWD, root, keys, count=4)
    assert sorted((tmp_path / "builds").read_text().split()) == sorted(keys)
    assert all(seals == outputs[0] for seals in outputs) and len(set(outputs[0])) == len(keys)
    assert all(Store(root).find(key) for key in keys)


def damaged_store(root: Path, keys: list[str]) -> None:
    for key in keys:
        folder = Store(root).make(key, {}, {}, write_text).folder
        (folder / "first.txt").write_text("lost")


def test_many_at_once_remake_damage_once(tmp_path):
    root, keys = tmp_path / "store", [f"{number:02x}" * 10 for number in range(3)]
    damaged_store(root, keys)
    together(CROWD, root, keys, count=3)
    assert sorted((tmp_path / "builds").read_text().split()) == sorted(keys)
    assert sorted(os.listdir(root / "damaged")) == [f"{key}-1" for key in keys]
    assert all(Store(root).find(key) for key in keys)


def test_many_at_once_find_damage_without_a_crash(tmp_path):
    root, keys = tmp_path / "store", [f"{number:02x}" * 10 for number in range(20)]
    damaged_store(root, keys)
    outputs = together(FINDERS, root, keys, count=3)
    assert outputs == [["None"] * len(keys)] * 3
    assert sorted(os.listdir(root / "damaged")) == [f"{key}-1" for key in keys]
