"""Every recipe of conf/suspect on every kind of task that it applies to, as networks are trained on a GPU and not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from benchmark.contracts.prints import Prints
from benchmark.contracts.suspect import Suspect
from benchmark.contracts.truth import Relation
from benchmark.data.base import ImageSet, Splits
from benchmark.data.share import Share
from benchmark.errors import Inapplicable
from benchmark.networks.network import load
from benchmark.paths import ROOT
from benchmark.spec.build import build, list_settings
from benchmark.training.trainer import Trainer

FOLDER = ROOT / "conf" / "suspect"
LEAST = {"epochs": 1, "budget": 40, "seeds": 8, "rounds": 2, "images": 8, "iterations": 1, "recovery_epochs": 0}


def recipe(path: Path) -> Suspect:
    """The first rung of a yaml's ladder, on the least budget."""
    (node,) = OmegaConf.to_container(OmegaConf.load(path)).values()
    lists = list_settings(node["_target_"], "suspect")
    node = {key: value[-1] if isinstance(value, list) and key not in lists else value for key, value in node.items()}
    return build(node | {key: value for key, value in LEAST.items() if key in node}, "suspect")


OTHERS = ("chain_extracted", "knockoff_signs", "knockoff_torchvision")  # of parts that are here, or of files to fetch
RECIPES = {path.stem: recipe(path) for path in sorted(FOLDER.glob("*.yaml")) if path.stem not in OTHERS}
FORMATS = [{"channels_last": True}, {"precision": "bf16", "channels_last": False}]


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("format", FORMATS, ids=lambda settings: next(iter(settings)))
def test_a_recipe_makes_a_network_that_answers_and_comes_back(task, ingredients_of, name, format):
    suspect, given = RECIPES[name], ingredients_of(task, fit=Trainer(device="cpu", **format).fit)
    first = Splits(*(ImageSet(part.images[:64], part.targets[:64]) for part in parts(given)))
    shared = dataclasses.replace(task, data=Share(source=task.data))
    given = dataclasses.replace(given, task=shared, data=dataclasses.replace(first, rest=first.train))
    if suspect.leaks:
        x = first.train.pixels(slice(0, 4))
        given = dataclasses.replace(given, leaked=Prints(x, x, {}))
    if suspect.inapplicable(shared):
        pytest.skip(suspect.inapplicable(shared))
    before = {name: tensor.clone() for name, tensor in given.victim.state_dict().items()}
    try:
        network = suspect.derive(given)
    except Inapplicable as reason:
        pytest.skip(str(reason))
    x = first.test.pixels(slice(0, 4))
    again = load(suspect.solves(shared).network(), network.state_dict()).eval()
    assert network(x).isfinite().all()
    torch.testing.assert_close(again(x), network(x), rtol=1e-4, atol=1e-4)
    assert not network.training and not any(p.requires_grad for p in network.parameters())
    if suspect.relation is Relation.INDEPENDENT:
        assert all(torch.equal(tensor, before[name]) for name, tensor in given.victim.state_dict().items())


def parts(given):
    return given.data.train, given.data.valid, given.data.test


def test_there_are_recipes_of_every_relation():
    assert {suspect.relation for suspect in RECIPES.values()} == set(Relation)
