"""A manifest says what was run, not where anything lay."""

from __future__ import annotations

from benchmark.collect.findings import collect
from benchmark.plan.plan import plan
from benchmark.plan.reading import read
from benchmark.store.artefacts import Store
from tests.builder import configuration


def test_no_folder_of_this_machine_is_in_a_manifest(tmp_path):
    config = configuration(tmp_path)
    planned, store = plan(read(config)), Store(tmp_path / "store")
    told = config | {"seen": {"root": f"{tmp_path}/pictures.zip", "names": [f"{tmp_path}/names.txt", "a/b", 1]}}
    overrides = [f"seen.root={tmp_path}/pictures.zip", "count=5", f"store={tmp_path}"]
    manifest = collect(planned, store, [], told, overrides).manifest
    assert manifest["config"]["seen"] == {"root": "pictures.zip", "names": ["names.txt", "a/b", 1]}
    assert manifest["overrides"] == ["seen.root=pictures.zip", "count=5"]
    assert str(tmp_path) not in str(manifest)
