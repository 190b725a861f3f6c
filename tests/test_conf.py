"""Every yaml composes, mirrors its component's fields, and every experiment runs on tiny budgets."""

from __future__ import annotations

import dataclasses
import hashlib
import re

import pytest
from medmnist.info import INFO
from omegaconf import OmegaConf

from benchmark.cli.command import run
from benchmark.errors import InputError
from benchmark.paths import CONF
from benchmark.plan.every import with_every
from benchmark.plan.models import ModelJob
from benchmark.plan.plan import plan
from benchmark.plan.reading import read
from benchmark.report.figures import every
from benchmark.spec.build import build, list_settings
from benchmark.store.artefacts import Store
from benchmark.store.reasons import reason_of
from tests.benchmark.data import miniature
from tests.builder import composed

GROUPS = ("task", "suspect", "fingerprint", "detector", "channel")
YAMLS = [(group, path.stem) for group in GROUPS for path in sorted((CONF / group).glob("*.yaml"))]
USUAL = ["as_made", "eight_bit"]
EXPERIMENTS = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))
MINIATURES = {  # tasks whose data `data` makes; one that is added may ask for files instead
    *("age_fgnet", "age_utkface", "cifar10", "cifar10_small", "derma_ham10000", "dermamnist", "digits_angle"),
    *("digits_class", "digits_half", "digits_match", "face_folder", "facescrub", "image_folder", "medmnist", "mnist"),
    "mnist_small",
}
STAND_INS = "task=[derma_ham10000,age_utkface,face_folder]"


@pytest.fixture(scope="module", autouse=True)
def data(tmp_path_factory):
    """Miniatures of all data sets that a task reads, where its yaml looks for them."""
    root = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WHOSENET_DATA", str(root))
        patch.setitem(INFO["dermamnist"], "MD5", miniature.medmnist(root / "medmnist" / "dermamnist.npz"))
        patch.setitem(INFO["pathmnist"], "MD5", miniature.medmnist(root / "medmnist" / "pathmnist.npz", classes=9))
        miniature.zipped(miniature.ham10000(root / "ham", lesions=50)).rename(root / "ham10000_200x150.zip")
        miniature.zipped(miniature.utkface(root / "utk", 180)).rename(root / "utkface1002_200.zip")
        miniature.zipped(miniature.faces(root / "faces", [20] * 12)).rename(root / "facescrub12_112.zip")
        for name, grey in (("cifar10_jpeg_12000", False), ("mnist_png_25000", True), ("gtsrb_32_7992", False)):
            packed = miniature.zipped(miniature.classed(root / name, (600, 110), side=28 if grey else 32, grey=grey))
            packed.rename(root / f"{name}.zip")
        miniature.fgnet(root / "fgnet")
        miniature.torchvision(root / "torchvision", patch)
        miniature.faces(root / "facescrub", [20] * 10 + [1] * 520)
        miniature.faces(root / "image_folder", [20] * 10)
        yield root


LEAST = {
    "epochs": 1,
    "steps": 2,
    "m": 0.01,
    "rounds": 1,
    "sweep": 4,
    "count": 4,
    "victims": 1,
    "repeats": 1,
    "references": 1,
    "rate": 0.5,
    "gallery": 1,
    "pairs": 20,
    "recovery_epochs": 1,
    "budget": 20,
    "seeds": 8,
    "images": 64,
    "contrast": 2,
}
SIZES = {224: 64, 112: 32, 56: 28}  # pixels of real tasks, and with which their last maps are still 2 x 2 or more


def nested(node):
    """Whether this is a list of components: the steps of a chain are no budget."""
    return isinstance(node, list) and any(isinstance(item, dict) for item in node)


def shrunk(node):
    """The configuration with every budget at its least: one epoch, one rung a ladder, a few steps."""
    if isinstance(node, list):
        return [shrunk(item) for item in node]
    if isinstance(node, dict):
        least = {key: value for key, value in LEAST.items() if not nested(node.get(key))}
        return {key: least.get(key, shrunk(value)) for key, value in node.items()}
    return node


def narrowed(task):
    """A task's node with smaller pictures and a narrower network, where it is one on real pictures."""
    if task["data"].get("source", {}).get("_target_") in ("data/torchvision", "data/image_folder"):
        least = {"widths": [4, 8, 8], "blocks": 1} if "blocks" in task["architecture"] else {}
        training = task["training"] | {"batch": 8, "learning_rate": 0.01}  # there are few pictures to learn from
        return task | {"architecture": task["architecture"] | least, "training": training}
    if (size := task["data"].get("size")) not in SIZES:
        return task
    network = task["architecture"]
    least = {"width": 4, "hidden": 16, "widths": [4, 8, 8], "side": -(-network.get("side", 0) * SIZES[size] // size)}
    network = network | {key: value for key, value in least.items() if key in network}
    return task | {"data": task["data"] | {"size": SIZES[size]}, "architecture": network}


def fields_match(component: object, node: dict, path: str) -> None:
    """The yaml's keys are the component's fields, in nested components too; those that came later may be left out."""
    fields = [field for field in dataclasses.fields(component) if field.name in node or not field.metadata.get("later")]
    assert set(node) - {"_target_"} == {field.name for field in fields}, path
    for field in fields:
        value, inner, place = getattr(component, field.name), node[field.name], f"{path}.{field.name}"
        pairs = zip(value, inner, strict=True) if isinstance(value, tuple) else [(value, inner)]
        for part, of_part in pairs:
            if dataclasses.is_dataclass(part):
                fields_match(part, of_part, place)


@pytest.mark.parametrize(("group", "name"), YAMLS, ids=lambda value: value)
def test_a_yaml_is_its_component(group, name):
    loaded = OmegaConf.to_container(OmegaConf.load(CONF / group / f"{name}.yaml"))
    assert list(loaded) == [name], "the yaml's one key is its file's name"
    node = loaded[name]
    lists = list_settings(node["_target_"], name)
    ladder = {key for key, value in node.items() if group == "suspect" and isinstance(value, list) and key not in lists}
    rung = {key: value[0] if key in ladder else value for key, value in node.items()}
    fields_match(build(rung, f"{group}.{name}"), rung, f"{group}.{name}")


@pytest.mark.parametrize("group", ["trainer", "executor"])
def test_runtime_groups_build(group):
    for path in sorted((CONF / group).glob("*.yaml")):
        node = OmegaConf.to_container(OmegaConf.load(path))
        fields_match(build(node, group), node, group)


FEWER = {  # than the miniatures have pictures
    "age_utkface": ("count=10",),
    "age_utkface_tuning": ("count=10",),
    "deepjudge": ("suspect.knockoff_torchvision.budget=100",),
    "deepjudge_small": ("suspect.knockoff_signs.budget=100", "suspect.jbda.seeds=10"),
    "deepjudge_small_tuning": ("suspect.jbda.seeds=10",),
    "face_folder": ("count=10",),
    "face_folder_tuning": ("count=10",),
}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_composes(name):
    experiment = read(composed(f"experiment={name}", *FEWER.get(name, ())))
    assert experiment.name == name


def test_the_saliency_experiment_composes_on_stand_ins():
    experiment = read(composed("experiment=saliency", STAND_INS))
    assert set(experiment.tasks) == {"derma_ham10000", "age_utkface", "face_folder"}


@pytest.mark.parametrize("name", [name for group, name in YAMLS if group == "task"])
def test_a_task_agrees_with_its_data(name):
    try:
        task = read(composed("experiment=digits", f"task=[{name}]", "count=1")).tasks[name]
    except InputError as error:
        line = str(error)
        assert name not in MINIATURES and line.startswith(f"task.{name}.data: ") and "\n" not in line
        assert re.search(r"(Fetch|put|name|set) .*WHOSENET_DATA|download=true", line), "it says what to do"
        return
    assert min(task.data.sizes().values()) > 0
    if task.kind != "regression":
        task.data.expect(task.classes, f"task.{name}.classes")
        assert task.data.classes() == task.classes


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """One for all experiments: on the least budgets many of their models and prints are the same."""
    return tmp_path_factory.mktemp("all") / "store"


RUNS = [(name,) for name in EXPERIMENTS] + [("saliency", STAND_INS)]


DRAWN = ("smoke", "deepjudge_digits")  # have every kind of figure between them, and figures take most of the time


@pytest.mark.smoke
@pytest.mark.parametrize("overrides", RUNS, ids=" ".join)
def test_an_experiment_runs_on_tiny_budgets(overrides, tmp_path, store, monkeypatch):
    """Through all its channels if it is the smoke experiment or chose them itself, through the first otherwise."""
    name, *others = overrides
    if name not in DRAWN:
        monkeypatch.setattr(every, "drawn", lambda *_: iter(()))
    config = shrunk(with_every(composed(f"experiment={name}", *others)) | {"every": {}})
    config["task"] = {key: narrowed(task) for key, task in config["task"].items()}
    for recipe in config["suspect"].values():
        recipe.update({key: value[-1:] for key, value in recipe.items() if isinstance(value, list)})
    for method in config["fingerprint"].values():
        if method.get("attack") == "cw":  # leads nothing astray in two steps
            method.update(steps=30, learning_rate=0.1, c=10.0, kappa=0.0)
    for settings in filter(None, config["ablation"]["settings"].values()):
        settings.update({key: values[:1] if isinstance(values, list) else [values] for key, values in settings.items()})
    config["blind"] = config["blind"] | {"victims": True}  # an epoch on a few pictures teaches most of them nothing
    if name != "smoke" and list(config["channel"]) == USUAL:
        del config["channel"][USUAL[-1]]
    config |= {"store": str(store), "results": str(tmp_path / "results")}
    if {"dermamnist", "mnist", "cifar10"} & set(config["task"]):
        config["executor"]["workers"] = 1  # the checksums of their miniatures hold in this process only
    assert run(config) == 0
    no_helper_is_judged(config)
    page = (tmp_path / "results" / name / "index.html").read_text()
    assert all(task in page for task in config["task"])
    assert all(method in page for method in config["fingerprint"])
    if name == "thieves":
        every_cell_is_filled(tmp_path / "results" / name / "tables" / "matrix.md", config)


def no_helper_is_judged(config):
    """No model that calibrates a method or sets a threshold is, in weights, one that is judged."""
    planned, found = plan(read(config)), Store(config["store"])
    weights = {True: {}, False: {}}
    for job in planned.of_kind(ModelJob):
        artefact = found.open(job.key)
        if not reason_of(artefact):
            tensors = artefact.tensors("weights.safetensors")
            content = b"".join(tensors[key].numpy().tobytes() for key in sorted(tensors))
            weights[job.role in ("victim", "suspect")][hashlib.sha256(content).hexdigest()] = job.title
    judged, helpers = weights[True], weights[False]
    assert judged and helpers
    assert not [(judged[key], helpers[key]) for key in judged.keys() & helpers.keys()]


def every_cell_is_filled(matrix, config):
    """A row for every suspect on every task, a score or the mark of a reason for every method."""
    lines = matrix.read_text().splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")][2:]
    assert len(rows) == len(config["task"]) * len(config["suspect"])
    assert all(re.fullmatch(r"(\d\.\d\d|n/a)(<sup>\w+</sup>)*", cell) for row in rows for cell in row[2:])
    noted = set(re.findall(r"<sup>(\w+)</sup>", " ".join(cell for row in rows for cell in row[2:] if "n/a" in cell)))
    reasons = [line for line in lines if re.match(r"<sup>\w+</sup> ", line)]
    assert noted <= {re.match(r"<sup>(\w+)</sup>", line)[1] for line in reasons}
    assert all("<sup>" in cell for row in rows for cell in row[2:] if cell.startswith("n/a"))
    assert not any("a job failed" in line for line in reasons)


def test_thieves_brings_every_recipe_and_every_method_together():
    config = composed("experiment=thieves")
    experiment, left_out = read(config), config["every"]
    assert set(left_out) == {"suspect", "fingerprint"}
    families = {recipe.family for recipe in experiment.recipes}
    assert families == {name for group, name in YAMLS if group == "suspect"} - set(left_out["suspect"])
    methods = {name for group, name in YAMLS if group == "fingerprint"} - set(left_out["fingerprint"])
    assert set(experiment.fingerprints) == methods
    assert {task.kind for task in experiment.tasks.values()} == {"classification", "regression", "similarity"}
