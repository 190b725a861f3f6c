"""Every kind of fault in short; `make faults` is the same at full length. And that the scenarios can fail at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from benchmark.errors import Damaged
from benchmark.report import publishing
from benchmark.store import artefacts as store
from benchmark.store import content, disk, manifest
from benchmark.store.artefacts import Artefact, Store
from tests.faults import damaged, disks, hostile, killed, late, racing, reports
from tests.faults.scenarios import SCENARIOS, quiet


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with quiet():
        yield


@pytest.mark.parametrize("name", SCENARIOS)
def test_nothing_is_lost_made_twice_or_wrong(tmp_path: Path, name: str) -> None:
    tally = SCENARIOS[name](tmp_path, False)
    if not tally.injected:
        pytest.skip(tally.note)
    assert tally.clean, tally


def in_place(self: Store, key: str, identity: dict[str, object], build: Callable[[Path], None]) -> Artefact:
    """Builds under the final name."""
    final = self._folder(key)
    final.mkdir()
    build(final)
    return self._remember(store._artefact(final, manifest.seal(final, {**identity, "seconds": 0.0})))


def test_a_store_that_builds_in_place_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Store, "_build", in_place)
    monkeypatch.setattr(store, "LATE", 0.0)
    tally = killed.at_every_point(tmp_path, lambda root: None, killed.new, [killed.MADE], 3)
    assert tally.injected > tally.wrong > 0


def test_a_store_without_locks_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Store, "_lock", lambda self, name: nullcontext())
    tally = racing.crowd(tmp_path, 1.0)
    assert tally.duplicated + tally.wrong > 0


def test_a_store_that_believes_the_first_look_up_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LATE", 0.0)
    monkeypatch.setattr(store, "refresh", os.fspath)
    tally = late.store(tmp_path, False)
    assert tally.duplicated > 0


def test_a_store_that_believes_its_files_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "_fault", lambda *_: "")
    assert damaged.hurt(tmp_path / "seen", *damaged.DAMAGES["truncated"]).wrong > 0
    monkeypatch.setattr(content, "read", lambda path, wants: (path.read_bytes(), ""))
    assert damaged.hurt(tmp_path / "unseen", *damaged.DAMAGES["bit flipped unseen"]).wrong > 0
    assert damaged.reported(tmp_path / "reported", False).wrong > 0


def test_a_store_that_believes_a_sealed_manifest_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "_understood", lambda content, key: (json.loads(content), ""))
    for name in ("spec of another", "parents of another"):
        assert damaged.hurt(tmp_path / name, *hostile.MANIFESTS[name]).wrong > 0


def test_a_store_that_follows_links_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "_check_plain", lambda *_: None)
    monkeypatch.setattr(os, "O_NOFOLLOW", 0)
    act, fault = hostile.FILES["manifest is a link to a file"]
    assert fault == hostile.NO_FILE and damaged.hurt(tmp_path, act, fault).wrong > 0


def test_a_store_that_takes_a_broken_disk_for_damage_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LATE", 0.0)
    with pytest.raises(Damaged, match="it is gone"):
        disks.broken_store(tmp_path, False)


def test_a_report_that_moves_before_its_draft_is_whole_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = publishing.publish

    def hasty(new: Path, folder: Path) -> None:
        (new / "scores.csv").replace(folder / "scores.csv")
        true(new, folder)

    monkeypatch.setattr(publishing, "publish", hasty)
    assert reports.at_every_point(tmp_path, reports.over, reports.MINE, 6).wrong > 0
