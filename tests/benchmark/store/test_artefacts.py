"""The store when nothing goes wrong: what is made is found again, complete and described."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from benchmark.errors import Damaged, StoreError
from benchmark.paths import ROOT
from benchmark.spec.identity import key_of
from benchmark.store import provenance as provenance_module
from benchmark.store.artefacts import Artefact, Store, write_json, write_tensors
from benchmark.store.manifest import Sealed
from benchmark.store.provenance import PACKAGES, provenance

CHECKOUT = ROOT
PARENTS = {"victim": "ab" + "1" * 18}
SPEC = {"role": "victim", "settings": {"rate": 0.1, "ladder": [1.0, 2.0], "name": "é"}, "parents": PARENTS}
SPECS = {key_of(spec): spec for spec in (SPEC, SPEC | {"role": "suspect"})}
KEY, OTHER = SPECS
WEIGHTS = {"z": torch.tensor(7), "a": torch.arange(6.0).reshape(2, 3), "empty": torch.zeros(0, 3)}


class Builder:
    """Writes two files, one of them in a subfolder, and counts its calls."""

    calls = 0

    def __call__(self, folder: Path) -> None:
        self.calls += 1
        assert folder.is_dir() and not any(folder.iterdir())
        write_tensors(folder / "weights.safetensors", WEIGHTS)
        (folder / "extra").mkdir()
        write_json(folder / "extra" / "widths.json", {"layers": [3, 4], "call": self.calls})


def make(store: Store, key: str = KEY, build=None) -> Artefact:
    return store.make(key, SPECS[key], PARENTS, build or Builder(), role="suspect")


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def test_round_trip(tmp_path):
    store = Store(tmp_path / "deep" / "store", clock=lambda: 1_700_000_000.0)
    assert store.find(KEY) is None
    made = make(store)
    found = Store(store.root).find(KEY)
    assert found == made == store.open(KEY)
    assert found.folder == tmp_path / "deep" / "store" / KEY[:2] / KEY
    assert same(found.tensors("weights.safetensors"), WEIGHTS)
    assert list(found.tensors("weights.safetensors")) == ["a", "empty", "z"]
    assert found.json("extra/widths.json") == {"layers": [3, 4], "call": 1}


def test_manifest_says_all_that_is_known(tmp_path):
    made = make(Store(tmp_path, clock=lambda: 1_700_000_000.0))
    noted = json.loads((tmp_path / KEY[:2] / KEY / "manifest.json").read_text())
    assert noted["seconds"] == made.seconds >= 0
    described = {name: noted[name] for name in ("format", "key", "role", "spec", "parents", "created")}
    assert described == {
        "format": 2,
        "key": KEY,
        "role": "suspect",
        "spec": SPEC,
        "parents": PARENTS,
        "created": "2023-11-14T22:13:20+00:00",
    }
    assert datetime.fromisoformat(noted["created"]).utcoffset() == timedelta(0)
    assert noted["files"].keys() == {"weights.safetensors", "extra/widths.json"}
    for name, facts in noted["files"].items():
        content = (tmp_path / KEY[:2] / KEY / name).read_bytes()
        assert facts["bytes"] == len(content)
        assert facts["mtime_ns"] == (tmp_path / KEY[:2] / KEY / name).stat().st_mtime_ns
        assert facts["sha256"] == sha256_by_coreutils(tmp_path / KEY[:2] / KEY / name)
    assert noted["provenance"] == provenance()


def sha256_by_coreutils(path: Path) -> str:
    return subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout.split()[0]


def test_what_exists_is_not_built_again(tmp_path):
    build = Builder()
    first = make(Store(tmp_path), build=build)
    again = make(Store(tmp_path), build=build)
    assert build.calls == 1 and again == first
    make(Store(tmp_path), OTHER, build)
    assert build.calls == 2


def test_only_final_names_and_the_stores_own_are_left(tmp_path):
    make(Store(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([KEY[:2], "locks", "store.json"])
    assert [path.name for path in (tmp_path / KEY[:2]).iterdir()] == [KEY]
    assert json.loads((tmp_path / "store.json").read_text()) == {"format": 2}


def test_an_artefact_is_made_inside_the_making_of_another(tmp_path):
    store = Store(tmp_path)

    def build(folder: Path) -> None:
        write_json(folder / "sum.json", {"sum": float(make(store).tensors("weights.safetensors")["a"].sum())})

    assert make(store, OTHER, build).json("sum.json") == {"sum": 15.0}
    assert store.open(KEY).json("extra/widths.json")["call"] == 1


def test_a_deleted_store_is_noticed_by_an_open_one(tmp_path):
    store, build = Store(tmp_path / "store"), Builder()
    make(store, build=build)
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    assert store.find(KEY) is None
    assert make(store, build=build).json("extra/widths.json")["call"] == 2


def test_files_are_checked_once_per_store_object(tmp_path):
    store = Store(tmp_path)
    make(store)
    (tmp_path / KEY[:2] / KEY / "weights.safetensors").write_bytes(b"")
    assert store.find(KEY) is not None
    assert Store(tmp_path).find(KEY) is None


def test_open_names_what_is_missing(tmp_path):
    with pytest.raises(Damaged) as caught:
        Store(tmp_path).open(KEY)
    assert caught.value.key == KEY and KEY in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["", "ab", "../../etc/passwd", "AB" + "0" * 18, KEY + "\n", "ab/" + "0" * 17])
def test_a_key_is_no_path(tmp_path, key):
    store = Store(tmp_path)
    for act in (store.find, store.open):
        with pytest.raises(ValueError, match="is no key"):
            act(key)


def test_a_spec_that_is_no_json_is_refused_before_building(tmp_path):
    build = Builder()
    with pytest.raises(ValueError, match="JSON"):
        Store(tmp_path).make(KEY, SPEC | {"rate": float("nan")}, PARENTS, build)
    assert build.calls == 0


def test_key_and_parents_are_those_of_the_spec(tmp_path):
    build = Builder()
    for key, spec, parents in ((OTHER, SPEC, PARENTS), (KEY, SPEC, {}), (KEY, SPEC, {"victim": KEY})):
        with pytest.raises(ValueError, match="its key and parents are not those of its spec"):
            Store(tmp_path).make(key, spec, parents, build)
    assert build.calls == 0


@pytest.mark.parametrize("put", [os.mkfifo, lambda path: path.symlink_to("extra"), lambda path: path.symlink_to("no")])
def test_build_writes_plain_files_and_folders(tmp_path, put):
    def build(folder: Path) -> None:
        Builder()(folder)
        put(folder / "thing")

    with pytest.raises(ValueError, match="thing is no plain file"):
        make(Store(tmp_path), build=build)
    assert Store(tmp_path).find(KEY) is None


def test_an_artefact_without_the_file_that_is_read_is_one_line(tmp_path):
    made = make(Store(tmp_path))
    with pytest.raises(StoreError) as caught:
        made.json("quality.json")
    line = str(caught.value)
    assert "\n" not in line and f"an artefact {KEY} without quality.json: move {made.folder} away" in line


def test_build_cannot_write_the_manifest(tmp_path):
    with pytest.raises(ValueError, match="manifest.json is the store's own file"):
        make(Store(tmp_path), build=lambda folder: write_json(folder / "manifest.json", {}))
    assert Store(tmp_path).find(KEY) is None


def test_tensors_are_written_as_plain_values(tmp_path):
    base = torch.arange(6.0, requires_grad=True)
    views = {"all": base, "tied": base, "turned": base.view(2, 3).T, "same": base[:1].expand(4)}
    write_tensors(tmp_path / "a", views)
    copies = {name: tensor.detach().clone().contiguous() for name, tensor in reversed(views.items())}
    write_tensors(tmp_path / "b", copies)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    content = (tmp_path / "a").read_bytes()
    sums = {"a": Sealed(hashlib.sha256(content).hexdigest(), len(content))}
    assert same(Artefact(KEY, tmp_path, 0.0, sums).tensors("a"), copies)


def test_changing_loaded_tensors_leaves_the_artefact_alone(tmp_path):
    artefact = make(Store(tmp_path))
    artefact.tensors("weights.safetensors")["z"].fill_(9)
    assert same(artefact.tensors("weights.safetensors"), WEIGHTS)
    assert Store(tmp_path).find(KEY) is not None


def test_json_has_one_form(tmp_path):
    write_json(tmp_path / "a", {"b": 1, "a": {"d": [1.0], "c": "é"}})
    assert (tmp_path / "a").read_text() == (
        '{\n  "a": {\n    "c": "\\u00e9",\n    "d": [\n      1.0\n    ]\n  },\n  "b": 1\n}\n'
    )
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "b", {"a": float("inf")})


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_tensors_with_what_is_no_number_are_refused(tmp_path, bad):
    tensors = {"fine": torch.zeros(3), "whole": torch.arange(4), "bad": torch.tensor([1.0, bad])}
    with pytest.raises(ValueError, match=r"^1 of 2 numbers are not finite \(a\.safetensors: bad\)$"):
        write_tensors(tmp_path / "a.safetensors", tensors)
    assert not any(tmp_path.iterdir())


def test_importing_the_store_imports_neither_torch_nor_numpy():
    code = "import sys, benchmark.store.artefacts, benchmark.store.provenance as p; p.provenance()\n"
    code += "print([name for name in ('torch', 'numpy', 'safetensors') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_provenance_names_versions_and_machine():
    facts = provenance()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["python"] == ".".join(map(str, sys.version_info[:3]))
    assert tuple(facts["versions"]) == PACKAGES and facts["versions"]["torch"] == torch.__version__
    assert facts["cpu"]["model"] and facts["cpu"]["count"] >= 1


def test_provenance_names_gpus_once_torch_is_there(monkeypatch):
    cuda = SimpleNamespace(is_available=lambda: True, device_count=lambda: 2, get_device_name=lambda i: f"GPU {i}")
    monkeypatch.setattr(torch, "cuda", cuda)
    assert provenance()["gpus"] == ["GPU 0", "GPU 1"]
    monkeypatch.delitem(sys.modules, "torch")
    assert provenance()["gpus"] == [] and provenance()["arithmetic"] == {}


def test_provenance_tells_how_torch_computes(monkeypatch):
    monkeypatch.setattr(torch, "are_deterministic_algorithms_enabled", lambda: True)
    monkeypatch.setattr(torch, "is_deterministic_algorithms_warn_only_enabled", lambda: True)
    threads = torch.get_num_threads()
    assert provenance()["arithmetic"] | {"tf32": 0} == {"threads": threads, "deterministic": "warn", "tf32": 0}


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_provenance_tells_clean_from_dirty_and_foreign_checkouts(tmp_path):
    ask = provenance_module._git.__wrapped__
    unknown = {"commit": "unknown", "dirty": "unknown"}
    package = tmp_path / "checkout" / "benchmark"
    package.mkdir(parents=True)
    assert ask(package) == unknown
    (package / "a.py").write_text("1\n")
    git(package.parent, "init")
    assert ask(package) == unknown
    git(package.parent, "add", ".")
    git(package.parent, "commit", "-m", "first")
    commit = git(package.parent, "rev-parse", "HEAD")
    (package.parent / "results.csv").write_text("score\n")
    assert ask(package) == {"commit": commit, "dirty": False}
    (package / "b.py").write_text("2\n")
    assert ask(package) == {"commit": commit, "dirty": True}
    assert ask(package / "inner") == unknown
    (package / "inner").mkdir()
    assert ask(package / "inner") == unknown
