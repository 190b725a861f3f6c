"""Stable names: what they are for good, how they are found without an import, and what never is imported.

The golden list pins the names that there have been: stored artefacts, results and yamls of users' own bear them. A
name that is renamed or removed makes it fail. A name that is added does not: a new component needs no edit here.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.errors import InputError
from benchmark.paths import ROOT
from benchmark.plan.reading import read
from benchmark.spec import names
from benchmark.spec.build import build
from benchmark.spec.component import Component
from benchmark.spec.names import class_of, index, plug_in, register
from tests.builder import TASK, configuration

GOLDEN = {
    "channel": "as_made eight_bit",
    "data": "digits face_folder fgnet ham10000 image_folder medmnist patches regrouped rotated_digits share torchvision"
    " utkface",
    "detector": "squeezing svdd",
    "executor": "local slurm",
    "fingerprint": "akh conferae deepjudge_black deepjudge_white ipguard ltrc random saliency tafa",
    "network": "lenet5 mlp mobilefacenet resnet18 small_mobilefacenet small_resnet small_vgg timm vgg11",
    "suspect": "adversarial chain distill feature_permutation filter_pruning fine_pruning finetune half_precision"
    " independent independent_variant jbda knockoff label_smoothing leaked quantise retrain synthesis transfer"
    " weight_noise weight_pruning weight_shifting",
    "task": "classification regression similarity",
    "trainer": "lightning",
    "training": "augment one_cycle",
}


def gone(known: set[str]) -> str:
    """What to do about names of the golden list that are not known any more, or an empty text."""
    lost = {f"{group}/{name}" for group, of_group in GOLDEN.items() for name in of_group.split()} - known
    new = sorted(known - {f"{group}/{name}" for group, of_group in GOLDEN.items() for name in of_group.split()})
    return lost and (
        f"{', '.join(sorted(lost))}: no component is called so any more, but stored artefacts and users' yamls are. "
        f"Give the name back; or, if this is meant, put the new one (of {new}) in its place in GOLDEN, in {__file__}"
    )


def test_no_name_was_renamed_or_removed():
    assert not gone(set(index())), gone(set(index()))


def test_the_golden_list_misses_a_renamed_name_and_no_added_one():
    known = set(index())
    assert not gone(known | {"suspect/of_tomorrow"})
    renamed = known - {"suspect/distill"} | {"suspect/distillation"}
    assert gone(renamed).startswith("suspect/distill: no component ") and "suspect/distillation" in gone(renamed)


def python(program: str) -> dict:
    """What a program prints as JSON, in an interpreter of its own that has imported nothing yet."""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_index_finds_what_the_classes_declare():
    found = python("""
import importlib, json, pkgutil
from benchmark.spec import names
for package in names.PACKAGES:
    for module in pkgutil.walk_packages([package], f"{package}."):
        importlib.import_module(module.name)
declared = {name: cls.__module__ for name, cls in names._classes.items()}
print(json.dumps({"declared": declared, "index": names.index()}))
""")
    assert found["declared"] == found["index"]


def test_the_index_imports_nothing():
    found = python("""
import json, sys
from benchmark.spec.names import names
found = names("suspect")
print(json.dumps({"names": found, "modules": sorted(sys.modules)}))
""")
    assert "suspect/finetune" in found["names"] and all(name.startswith("suspect/") for name in found["names"])
    assert not {"torch", "numpy", "suspects", "fingerprints"} & set(found["modules"])
    ours = {name for name in found["modules"] if name.startswith("benchmark.")}
    assert ours == {"benchmark.errors", "benchmark.paths", "benchmark.spec", "benchmark.spec.names"}


def test_looking_up_a_name_imports_its_module_and_no_sibling():
    found = python("""
import json, sys
from benchmark.spec.names import class_of
cls = class_of("suspect/jbda")
print(json.dumps({"class": cls.__name__, "modules": [name for name in sys.modules if name.startswith("suspects.")]}))
""")
    assert found["class"] == "JBDA"
    assert "suspects.jbda" in found["modules"] and "suspects.finetune" not in found["modules"]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("suspect/finetun", "there is no component 'suspect/finetun', did you mean suspect/finetune"),
        ("finetune", "there is no component 'finetune', did you mean suspect/finetune"),
        ("suspects.finetune.FineTune", "there is no component 'suspects.finetune.FineTune', did you mean "),
        ("zzz", "there is no component 'zzz', known: "),
    ],
)
def test_an_unknown_name_is_one_line_with_those_that_are_near(name, line):
    with pytest.raises(InputError) as caught:
        class_of(name)
    assert str(caught.value).startswith(line) and "\n" not in str(caught.value)


@pytest.fixture
def evil(tmp_path, monkeypatch):
    """A module `evil` on the path, also as a file of the store: importing it leaves a mark."""
    mark, text = tmp_path / "imported", "class X: ...\nopen({!r}, 'w').close()\n"
    (tmp_path / "artefacts" / "aa").mkdir(parents=True)
    for path in (tmp_path / "evil.py", tmp_path / "artefacts" / "aa" / "evil.py"):
        path.write_text(text.format(str(mark)))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    yield mark
    for name in ("evil", "artefacts", "artefacts.aa", "artefacts.aa.evil"):
        sys.modules.pop(name, None)


TARGETS = ("os.path.join", "evil.X", "evil", "evil/X", "artefacts.aa.evil.X", "artefacts/aa/evil.py", "suspect/../evil")


@pytest.mark.parametrize("target", [*TARGETS, *(f"suspect/{target}" for target in TARGETS)])
def test_nothing_is_imported_because_a_configuration_says_where_it_lies(evil, target):
    task = {**TASK, "architecture": {"_target_": target}}
    chosen = [{"suspect": {"thief": {"_target_": target}}}, {"task": {"mine": task}}]
    chosen.append({"task": {"mine": {**TASK, "architecture": target}}})
    before = set(sys.modules)
    for changes in chosen:
        with pytest.raises(InputError) as caught:
            read(configuration(**changes))
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="there is no component"):
        build({"_target_": target}, "thief")
    assert set(sys.modules) == before and not evil.exists()


@pytest.mark.parametrize("module", ["evil", "artefacts.aa.evil"])
def test_the_mark_tells_that_it_was_imported(evil, module):
    plug_in([module])
    assert evil.exists()


@pytest.fixture
def own_names():
    """The names that a test gives are taken back."""
    before = set(names._classes)
    yield
    for name in set(names._classes) - before - set(index()):
        del names._classes[name]


@pytest.mark.usefixtures("own_names")
def test_two_classes_with_one_name_are_refused():
    class One(Component, name="test/twice"):
        """The first to be called so."""

    with pytest.raises(TypeError, match=r"^Other: .*One is called 'test/twice' already$"):

        class Other(Component, name="test/twice"):
            """The second."""

    register("test/twice", One)  # a module that is loaded again brings its own classes again
    assert class_of("test/twice") is One


def test_two_files_that_declare_one_name_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(names, "ROOT", tmp_path)
    for package, cls in (("suspects", "One"), ("fingerprints", "Other")):
        (tmp_path / package).mkdir()
        (tmp_path / package / "mine.py").write_text(f'class {cls}(Base, name="suspect/twice"):\n    pass\n')
    with pytest.raises(TypeError, match=r"fingerprints/mine.py: suspects.mine declares 'suspect/twice' already"):
        index.__wrapped__()
    (tmp_path / "fingerprints" / "mine.py").unlink()
    assert index.__wrapped__() == {"suspect/twice": "suspects.mine"}


@pytest.mark.usefixtures("own_names")
@pytest.mark.parametrize(
    "name", ["finetune", "suspect/", "/finetune", "suspect/fine-tune", "suspect/fine/tune", "a b/c"]
)
def test_a_name_is_a_group_and_a_word(name):
    with pytest.raises(TypeError, match=r"^Ill: wants a name such as 'suspect/finetune', got "):

        class Ill(Component, name=name):
            """It has no fitting name."""

    assert name not in names.names()


PLUG_IN = """
from suspects.independent import Independent

class Mine(Independent, name="suspect/{name}"):
    '''A recipe of the user's own.'''

    epochs: int = 3
"""


@pytest.mark.usefixtures("own_names")
def test_components_of_plug_ins_have_their_names(tmp_path, monkeypatch):
    (tmp_path / "mine_of_names.py").write_text(PLUG_IN.format(name="mine_of_names"))
    monkeypatch.syspath_prepend(tmp_path)
    node = {"_target_": "suspect/mine_of_names", "epochs": [1, 2]}
    chosen = configuration(suspect={**configuration()["suspect"], "mine": node})
    with pytest.raises(InputError, match=r"^suspect\.mine\._target_: there is no component 'suspect/mine_of_names', "):
        read(chosen)
    experiment = read(chosen | {"plugins": ["mine_of_names"]})
    assert [r.label for r in experiment.recipes if r.family == "mine"] == ["mine epochs=1", "mine epochs=2"]
    assert "suspect/mine_of_names" in names.names("suspect") and "suspect/mine_of_names" not in index()


@pytest.mark.usefixtures("own_names")
def test_a_plug_in_that_takes_a_name_of_this_project_is_refused_whichever_is_first(tmp_path, monkeypatch):
    (tmp_path / "taker_of_names.py").write_text(PLUG_IN.format(name="jbda"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(names._classes, "suspect/jbda", raising=False)
    with pytest.raises(InputError) as caught:
        read(configuration(plugins=["taker_of_names"]))
    line = str(caught.value)
    assert line.startswith("plugins: 'taker_of_names' fails (TypeError: Mine: ") and "'suspect/jbda' already" in line
    assert "suspects.jbda" in line and "\n" not in line


def test_a_plug_in_that_is_not_there_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "needy.py").write_text("import nowhere_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    for module in ("nowhere_at_all", "needy", "needy.deeper"):
        with pytest.raises(InputError) as caught:
            read(configuration(plugins=[module]))
        line = str(caught.value)
        assert line.startswith(f"plugins: cannot import '{module}' (") and "PYTHONPATH" in line and "\n" not in line


def test_a_store_among_the_sources_declares_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(names, "ROOT", tmp_path)
    for folder in ("suspects", "suspects/mine", "suspects/artefacts/aa/aa00", "suspects/artefacts/aa/aa00/more"):
        (tmp_path / folder).mkdir(parents=True)
        declared = f"suspect/in_{Path(folder).name}"
        (tmp_path / folder / "found.py").write_text(f'class X(Base, name="{declared}"):\n    pass\n')
    (tmp_path / "suspects" / "mine" / "__init__.py").touch()
    assert index.__wrapped__() == {"suspect/in_suspects": "suspects.found", "suspect/in_mine": "suspects.mine.found"}


def test_every_name_of_a_yaml_is_one_of_the_index():
    """No yaml of this project depends on what happens to be imported already."""
    targets = set()
    for path in (ROOT / "conf").rglob("*.yaml"):
        for line in path.read_text().splitlines():
            _, found, name = line.partition("_target_: ")
            if found:
                targets.add(name.split(",")[0].split("#")[0].strip(" }"))
    targets -= {"benchmark.cli.sweep.Checked"}  # Hydra's to build: no component
    assert len(targets) > 40 and targets <= set(index()), targets - set(index())
    assert all(Path(ROOT, *module.split(".")).with_suffix(".py").is_file() for module in index().values())
