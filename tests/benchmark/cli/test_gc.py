"""`whosenet gc`: it tells what may go, and deletes it when it is asked to."""

from __future__ import annotations

import shutil

import pytest

from benchmark.cli import gc
from benchmark.cli.gc import lines, main
from benchmark.run.slurm.queue import Call
from benchmark.spec.identity import key_of
from benchmark.store.artefacts import Store
from benchmark.store.garbage import Piece

SPEC = {"is": "nobody's"}
KEY = key_of(SPEC)


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store")
    store.make(KEY, SPEC, {}, lambda folder: (folder / "a.json").write_bytes(b"{}\n"))
    (store.root / "damaged" / f"{KEY}-1").mkdir(parents=True)
    (store.root / "damaged" / f"{KEY}-1" / "a.json").write_bytes(b"." * 2048)
    return store


def test_it_tells_and_deletes_nothing_unless_asked(store, capsys):
    assert main([f"store={store.root}"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"store {store.root}: 1 pieces, 2.0 KiB" and said[1] == "damaged: 1, 2.0 KiB"
    assert said[2].split() == ["2.0", "KiB", f"damaged/{KEY}-1"] and "delete=true" in said[-1]
    assert (store.root / "damaged" / f"{KEY}-1").is_dir()


def test_it_deletes_what_it_told(store, capsys):
    assert main([f"store={store.root}", "delete=true"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "deleted: 1 pieces, 2.0 KiB"
    assert not list((store.root / "damaged").iterdir()) and store.has(KEY)
    assert main([f"store={store.root}"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "nothing to delete"


def test_with_an_experiment_named_the_others_artefacts_count(store, capsys):
    assert main(["smoke", f"store={store.root}"]) == 0
    assert "artefact of no named experiment: 1, " in capsys.readouterr().out
    assert main(["smoke", f"store={store.root}", "delete=true"]) == 0
    assert not store.has(KEY)


def test_nothing_is_deleted_while_somebody_is_at_work(store, capsys):
    with store._lock("b" * 20), pytest.raises(SystemExit) as stopped:
        main([f"store={store.root}", "delete=true"])
    assert stopped.value.code == 2 and "somebody is at work" in capsys.readouterr().err
    assert (store.root / "damaged" / f"{KEY}-1").is_dir()


def test_nor_while_tasks_are_queued(store, capsys, monkeypatch):
    queue, call = gc.Queue(store.root), Call("mini", [[KEY]], 8.0, "5")
    with queue.lock():
        queue.complete(queue.begin(call), call)
    monkeypatch.setattr(gc, "states", lambda: {"5": "PENDING"})
    with pytest.raises(SystemExit):
        main([f"store={store.root}", "delete=true"])
    assert "tasks of Slurm are queued" in capsys.readouterr().err
    shutil.rmtree(store.root / "slurm")
    assert main([f"store={store.root}", "delete=true"]) == 0


def test_many_are_counted_and_the_largest_shown(tmp_path):
    found = [Piece("damaged", tmp_path / f"{size}", size) for size in range(30)]
    text = lines(tmp_path, found)
    assert len(text) == 2 + gc.SHOWN + 1 and text[2].split() == ["29", "B", "29"] and text[-1] == "  and 10 more"
