"""A component replaced on the command line: by its name, or settings and all."""

from __future__ import annotations

import pytest
from yaml import YAMLError, safe_load

from benchmark.cli.mistakes import explain
from benchmark.errors import InputError
from benchmark.paths import CONF
from benchmark.plan.reading import read
from tests.builder import composed

NETWORK = "task.digits_class.architecture"
FEW = ("experiment=digits", "task=[digits_class]", "fingerprint=[random]")


def network(*overrides):
    return read(composed(*FEW, *overrides)).tasks["digits_class"].architecture


def test_a_name_alone_is_the_component_at_its_defaults():
    assert repr(network(f"{NETWORK}=network/lenet5")).startswith("LeNet5(")


def test_with_settings_it_takes_the_place_of_the_old_one_and_of_its_settings():
    found = network(f"++{NETWORK}={{_target_: network/vgg11, width: 8, hidden: 16}}")
    assert (type(found).__name__, found.width, found.hidden) == ("VGG11", 8, 16)


def test_other_overrides_merge_as_hydra_does():
    assert network(f"{NETWORK}.stem_stride=1").widths == (16, 32, 64)


def test_without_the_signs_the_mistake_says_how_to_write_it():
    override = f"{NETWORK}={{_target_: network/vgg11, width: 8}}"
    with pytest.raises(InputError) as caught:
        composed(*FEW, override)
    line = str(caught.value)
    assert line.startswith(f"{NETWORK}: ") and f"'++{override}'" in line


def test_what_is_said_of_the_new_one_afterwards_holds():
    new = f"++{NETWORK}={{_target_: network/vgg11, width: 8, hidden: 32}}"
    assert network(new, f"++{NETWORK}.hidden=16").hidden == 16


def test_a_ladder_may_have_the_default_of_a_setting_that_came_later():
    recipes = read(composed(*FEW, "suspect.finetune.samples=[null,100]")).recipes
    labels = [recipe.label for recipe in recipes if recipe.family == "finetune"]
    assert "finetune layers=all samples=None" in labels and "finetune layers=all samples=100" in labels


def test_a_yaml_that_cannot_be_parsed_is_one_line_with_its_place():
    with pytest.raises(YAMLError) as caught:
        safe_load("broken:\n  key: 1\n x: [\n")
    line = explain(caught.value, [], CONF)
    assert "line 3, column 2" in line and "\n" not in line
