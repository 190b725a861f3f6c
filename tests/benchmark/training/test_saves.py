"""What is saved of a training: sealed, never unpickled into code, and dropped by name when it is something else."""

from __future__ import annotations

import ast
import errno
import io
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from benchmark.errors import StoreError
from benchmark.paths import ROOT
from benchmark.training import checkpoint
from benchmark.training.checkpoint import Checkpoint, Checkpoints, _seal

STATE = {"epochs": 2, "network": {"w": torch.arange(6.0)}, "optimizer": {"groups": [{"rate": 0.1, "steps": [0, 1]}]}}


def begun(folder: Path) -> Checkpoint:
    return Checkpoints(folder, every=0, title="digits: victim").begin()


def saved(folder: Path) -> Path:
    begun(folder).offer(lambda: STATE)
    return folder / "1.pt"


def test_a_save_comes_back_as_it_was(tmp_path):
    saved(tmp_path / "key")
    found = begun(tmp_path / "key").load()
    assert torch.equal(found["network"].pop("w"), STATE["network"]["w"])
    assert found == STATE | {"network": {}}
    assert os.listdir(tmp_path / "key") == ["1.pt"]


@pytest.mark.parametrize("at", [0, 100, -200, -65, -64, -1])
def test_a_bit_is_found_and_named(tmp_path, at, caplog):
    path = saved(tmp_path / "key")
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    assert begun(tmp_path / "key").load() is None
    (line,) = caplog.messages
    assert line == f"saved training {path} is dropped (is not as it was saved): digits: victim starts over"
    assert not path.exists()


@pytest.mark.parametrize(("folder", "name"), [("other", "1.pt"), ("key", "2.pt")])
def test_a_save_of_another_training_is_dropped(tmp_path, folder, name, caplog):
    path = saved(tmp_path / "key")
    (tmp_path / folder).mkdir(exist_ok=True)
    path.rename(tmp_path / folder / name)
    checkpoints = Checkpoints(tmp_path / folder, every=0)
    found = [checkpoints.begin().load(), checkpoints.begin().load()]
    assert found == [None, None] and "is not as it was saved" in caplog.text
    assert not any((tmp_path / folder).iterdir())


class Cruel:
    """What leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def test_no_code_is_run(tmp_path, caplog):
    begun(tmp_path / "key").offer(lambda: {"epochs": Cruel(tmp_path / "mark")})
    assert begun(tmp_path / "key").load() is None
    assert "holds something else than tensors and plain values" in caplog.text
    saved(tmp_path / "key").write_bytes(pickle.dumps(Cruel(tmp_path / "mark")))
    assert begun(tmp_path / "key").load() is None
    assert not (tmp_path / "mark").exists()


def torch_saves(state: object, **named: object) -> bytes:
    file = io.BytesIO()
    torch.save(state, file, **named)
    return file.getvalue()


def packed(change: Callable[[str, bytes], bytes | None]) -> bytes:
    """What torch saves, each of its parts changed, or left out where that is None."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(torch_saves(STATE))) as whole, zipfile.ZipFile(made, "w") as parts:
        for name in whole.namelist():
            if (part := change(name, whole.read(name))) is not None:
                parts.writestr(name, part)
    return made.getvalue()


RUBBISH = {
    "empty": b"",
    "junk": b"junk" * 99,
    "list": torch_saves([1, 2]),
    "number": torch_saves(3),
    "half": torch_saves(STATE)[:400],
    "torch's older format": torch_saves({"epochs": Path}, _use_new_zipfile_serialization=False),
    "without numbers": packed(lambda name, part: None if name.endswith("data/0") else part),
    "with fewer numbers": packed(lambda name, part: part[:8] if name.endswith("data/0") else part),
    "without its pickle": packed(lambda name, part: None if name.endswith("data.pkl") else part),
    "pickle that is junk": packed(lambda name, part: b"\x80\x02junk" if name.endswith("data.pkl") else part),
    "pickle of nothing": packed(lambda name, part: b"\x80\x02h\x07." if name.endswith("data.pkl") else part),
}


@pytest.mark.parametrize("content", RUBBISH.values(), ids=RUBBISH)
def test_rubbish_under_a_seal_is_dropped(tmp_path, content, caplog):
    path = saved(tmp_path / "key")
    path.write_bytes(content)
    with path.open("r+b") as file:
        seal = _seal(file, len(content), path)
        file.write(seal)
    assert begun(tmp_path / "key").load() is None and not path.exists()
    (line,) = caplog.messages
    assert "(holds something else than tensors and plain values): digits: victim starts over" in line


def test_a_save_that_may_not_be_read_is_one_line_and_stays(tmp_path, monkeypatch):
    path = saved(tmp_path / "key")

    def closed(place):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), place)

    monkeypatch.setattr(checkpoint, "opened", closed)
    with pytest.raises(StoreError, match="Permission denied: .*: give read and write permission"):
        begun(tmp_path / "key").load()
    assert path.exists()


def test_nothing_behind_a_link_to_a_folder_is_touched(tmp_path, caplog):
    content = saved(tmp_path / "elsewhere").read_bytes()
    (tmp_path / "key").symlink_to(tmp_path / "elsewhere")
    mine = begun(tmp_path / "key")
    assert mine.load() is None and "is dropped (is a link)" in caplog.text
    mine.offer(lambda: {"epochs": 1})
    assert begun(tmp_path / "key").load() == {"epochs": 1}
    assert (tmp_path / "elsewhere" / "1.pt").read_bytes() == content


def test_a_link_is_dropped_and_what_it_leads_to_is_left_alone(tmp_path):
    path = saved(tmp_path / "elsewhere" / "key")
    content = path.read_bytes()
    (tmp_path / "key").mkdir()
    for name in ("1.pt", "1.tmp"):
        (tmp_path / "key" / name).symlink_to(path)
    assert begun(tmp_path / "key").load() is None
    saved(tmp_path / "key")
    assert path.read_bytes() == content and not (tmp_path / "key" / "1.pt").is_symlink()
    assert begun(tmp_path / "key").load()["epochs"] == 2


def test_a_file_in_the_place_of_the_folder_is_one_line(tmp_path):
    (tmp_path / "unfinished").mkdir()
    (tmp_path / "unfinished" / "key").write_text("in the way")
    assert begun(tmp_path / "unfinished" / "key").load() is None
    with pytest.raises(StoreError) as caught:
        saved(tmp_path / "unfinished" / "key")
    line = str(caught.value)
    assert "\n" not in line and f"{tmp_path / 'unfinished' / 'key'}): remove what is in the way" in line


def loads() -> list[tuple[str, ast.Call]]:
    """Each call of torch.load in this project's sources, and where it is."""
    found = []
    for package in ("benchmark", "suspects", "fingerprints"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                    found.append((f"{path}:{node.lineno}", node))
    return found


def test_torch_never_unpickles_code():
    found = loads()
    unsafe = [
        place for place, call in found if "weights_only=True" not in [ast.unparse(word) for word in call.keywords]
    ]
    assert len(found) >= 2 and not unsafe
