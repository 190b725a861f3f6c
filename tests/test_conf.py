"""Every yaml composes, mirrors its component's fields, and every experiment runs on tiny budgets."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from benchmark.command import run
from benchmark.component import build
from benchmark.experiment import read

CONF = Path(__file__).resolve().parents[1] / "conf"
GROUPS = ("task", "suspect", "fingerprint", "detector")
YAMLS = [(group, path.stem) for group in GROUPS for path in sorted((CONF / group).glob("*.yaml"))]
EXPERIMENTS = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))


def composed(*overrides: str) -> dict:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return OmegaConf.to_container(compose("config", list(overrides)), resolve=True, throw_on_missing=True)


def shrunk(node):
    """The configuration with every budget at its least: one epoch, one rung a ladder, a few steps."""
    least = {"epochs": 1, "steps": 2, "rounds": 1, "sweep": 4, "count": 4, "repeats": 1, "gallery": 1, "pairs": 20}
    if isinstance(node, list):
        return [shrunk(item) for item in node]
    if isinstance(node, dict):
        return {key: least.get(key, shrunk(value)) for key, value in node.items()}
    return node


def fields_match(component: object, node: dict, path: str) -> None:
    """The yaml's keys are the component's fields, no more and no less, in nested components too."""
    assert set(node) - {"_target_"} == {field.name for field in dataclasses.fields(component)}, path
    for field in dataclasses.fields(component):
        if dataclasses.is_dataclass(value := getattr(component, field.name)):
            fields_match(value, node[field.name], f"{path}.{field.name}")


@pytest.mark.parametrize(("group", "name"), YAMLS, ids=lambda value: value)
def test_a_yaml_is_its_component(group, name):
    loaded = OmegaConf.to_container(OmegaConf.load(CONF / group / f"{name}.yaml"))
    assert list(loaded) == [name], "the yaml's one key is its file's name"
    node = loaded[name]
    rung = {key: value[0] if group == "suspect" and isinstance(value, list) else value for key, value in node.items()}
    fields_match(build(rung, f"{group}.{name}"), node, f"{group}.{name}")


@pytest.mark.parametrize("group", ["trainer", "executor"])
def test_runtime_groups_build(group):
    for path in sorted((CONF / group).glob("*.yaml")):
        node = OmegaConf.to_container(OmegaConf.load(path))
        fields_match(build(node, group), node, group)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_composes(name):
    experiment = read(composed(f"experiment={name}"))
    assert experiment.name == name


@pytest.mark.smoke
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_runs_on_tiny_budgets(name, tmp_path):
    config = shrunk(composed(f"experiment={name}"))
    for recipe in config["suspect"].values():
        recipe.update({key: value[-1:] for key, value in recipe.items() if isinstance(value, list)})
    config |= {"store": str(tmp_path / "store"), "results": str(tmp_path / "results")}
    assert run(config) == 0
    page = (tmp_path / "results" / name / "index.html").read_text()
    assert all(task in page for task in config["task"])
    assert all(method in page for method in config["fingerprint"])
