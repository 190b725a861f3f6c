"""What of a store serves nobody: found and deleted, and nothing else is touched."""

from __future__ import annotations

import os
import shutil

import pytest

from benchmark.errors import StoreError
from benchmark.spec.identity import key_of
from benchmark.store.artefacts import Store
from benchmark.store.garbage import delete, held, pieces

SPECS = [{"is": number} for number in range(3)]
ONE, TWO, THREE = map(key_of, SPECS)


@pytest.fixture
def store(tmp_path):
    """Two artefacts, and beside them one piece of every kind that serves nobody whatever experiments there are."""
    store = Store(tmp_path)
    for key, spec in ((ONE, SPECS[0]), (TWO, SPECS[1])):
        store.make(key, spec, {}, lambda folder: (folder / "a.json").write_text("{}\n"))
    for name in ("damaged/" + ONE + "-1", f"{THREE[:2]}/.{THREE}.99.make.tmp", f".probe.{THREE}"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "half").write_bytes(b"12345")
    for folder, name in (("unfinished/" + ONE, "1.pt"), ("unfinished/" + THREE, "1.pt"), ("failures", f"{ONE}.txt")):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / name).write_bytes(b"123")
    (tmp_path / "failures" / f"{THREE}.txt").write_text("why")
    (tmp_path / "making").mkdir()
    (tmp_path / "making" / f"{TWO}.json").write_text("{}")
    (tmp_path / "locks" / f"{THREE}.lock").touch()
    (tmp_path / "slurm").mkdir()
    (tmp_path / "notes.txt").write_text("a user's own")
    return store


ALWAYS = {
    ("damaged", f"damaged/{ONE}-1", 5),
    ("abandoned draft", f"{THREE[:2]}/.{THREE}.99.make.tmp", 5),
    ("abandoned draft", f".probe.{THREE}", 5),
    ("save of a finished training", f"unfinished/{ONE}", 3),
    ("note of a failure made good", f"failures/{ONE}.txt", 3),
    ("note of a process that is gone", f"making/{TWO}.json", 2),
    ("lock of nothing", f"locks/{THREE}.lock", 0),
}


def found(store, referred=None):
    return {(piece.kind, str(piece.path.relative_to(store.root)), piece.size) for piece in pieces(store.root, referred)}


def names(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))


def test_what_serves_nobody_is_found_and_nothing_is_changed(store):
    before = names(store.root)
    assert found(store) == ALWAYS
    assert names(store.root) == before


def test_artefacts_saves_and_notes_of_no_named_experiment_count_only_when_some_are_named(store):
    more = found(store, {ONE}) - ALWAYS
    assert {(kind, name) for kind, name, _ in more} == {
        ("artefact of no named experiment", f"{TWO[:2]}/{TWO}"),
        ("lock of nothing", f"locks/{TWO}.lock"),
        ("save of no named experiment", f"unfinished/{THREE}"),
        ("note of a failure in no named experiment", f"failures/{THREE}.txt"),
    }
    assert found(store, {ONE, TWO, THREE}) == ALWAYS


def test_what_is_deleted_is_gone_and_all_else_is_as_it_was(store):
    before = set(names(store.root))
    for piece in pieces(store.root, {ONE, THREE}):
        assert delete(store.root, piece)
    gone = before - set(names(store.root))
    assert gone == {
        *(
            f"damaged/{ONE}-1",
            f"damaged/{ONE}-1/half",
            f"{THREE[:2]}/.{THREE}.99.make.tmp",
            f"{THREE[:2]}/.{THREE}.99.make.tmp/half",
        ),
        *(f".probe.{THREE}", f".probe.{THREE}/half", f"unfinished/{ONE}", f"unfinished/{ONE}/1.pt"),
        *(
            f"failures/{ONE}.txt",
            f"locks/{THREE}.lock",
            f"locks/{TWO}.lock",
            f"making/{TWO}.json",
            f"{TWO[:2]}/{TWO}",
            f"{TWO[:2]}/{TWO}/a.json",
            f"{TWO[:2]}/{TWO}/manifest.json",
        ),
    }
    again = Store(store.root)
    assert again.find(ONE) is not None and again.find(TWO) is None
    again.make(THREE, SPECS[2], {}, lambda folder: (folder / "a.json").write_text("{}\n"))  # with a new lock
    assert found(again, {ONE, THREE}) == {("note of a failure made good", f"failures/{THREE}.txt", 3)} | {
        ("save of a finished training", f"unfinished/{THREE}", 3)
    }


def test_what_is_being_made_is_no_draft_that_was_abandoned(store):
    seen = []

    def build(folder):
        seen.extend([held(store.root), {name for _, name, _ in found(store)}])
        (folder / "a.json").write_text("{}\n")

    shutil.rmtree(store.root / THREE[:2])
    store.make(THREE, SPECS[2], {}, build)
    assert seen[0] == [THREE] and not [name for name in seen[1] if name.startswith("33/")]
    assert held(store.root) == []


def test_what_somebody_has_begun_to_use_meanwhile_is_kept(store):
    draft = next(piece for piece in pieces(store.root) if piece.path.name.startswith(f".{THREE}"))
    with store._lock(THREE):
        assert not delete(store.root, draft)
    assert draft.path.is_dir() and delete(store.root, draft) and not draft.path.exists()


def interrupted(path):
    raise KeyboardInterrupt


def test_a_kill_leaves_a_draft_and_no_half_of_an_artefact(store, monkeypatch):
    artefact = next(piece for piece in pieces(store.root, {ONE}) if piece.path.name == TWO)
    monkeypatch.setattr(shutil, "rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt):
        delete(store.root, artefact)
    monkeypatch.undo()
    left = {name for kind, name, _ in found(store) if kind == "abandoned draft"}
    assert f"{TWO[:2]}/.{TWO}.{os.getpid()}.gc.tmp" in left and Store(store.root).find(TWO) is None


def test_links_are_removed_and_not_followed(store, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "mine").write_text("kept")
    (store.root / "damaged" / f"{TWO}-1").symlink_to(outside)
    for piece in pieces(store.root):
        delete(store.root, piece)
    assert (outside / "mine").read_text() == "kept" and not (store.root / "damaged" / f"{TWO}-1").is_symlink()


def test_a_folder_that_is_no_store_is_left_alone(tmp_path):
    (tmp_path / "damaged").mkdir()
    with pytest.raises(StoreError, match="is none, it has no store.json"):
        pieces(tmp_path)
    (tmp_path / "store.json").write_text('{"format": 99}')
    with pytest.raises(StoreError, match="format 99"):
        pieces(tmp_path)


def test_a_link_in_a_store_leads_to_nothing_that_is_deleted(store, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / ONE).mkdir()
    (outside / ONE / "picture").write_bytes(b"a user's own")
    shutil.rmtree(store.root / "damaged")
    for name in ("damaged", "44"):
        (store.root / name).symlink_to(outside)
    assert not [name for _, name, _ in found(store, {TWO}) if name.startswith(("damaged", "44"))]


def test_a_lock_that_is_no_file_is_not_opened(store, tmp_path_factory):
    own = tmp_path_factory.mktemp("outside") / "own"
    own.write_text("a user's own")
    lock = store.root / "locks" / f"{THREE}.lock"
    lock.unlink()
    lock.symlink_to(own)
    for piece in pieces(store.root, {TWO}):
        delete(store.root, piece)
    assert own.read_text() == "a user's own"
    assert (store.root / THREE[:2] / f".{THREE}.99.make.tmp").exists()
