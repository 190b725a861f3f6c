"""Reading an experiment: ladders and labels, and one line for each thing a user can get wrong."""

from __future__ import annotations

import copy
import dataclasses

import pytest

from benchmark.contracts.suspect import Suspect
from benchmark.contracts.truth import Relation
from benchmark.data.vision import TorchVision
from benchmark.errors import InputError
from benchmark.paths import CONF, ROOT
from benchmark.plan.reading import read
from benchmark.plan.recipes import recipes_of
from benchmark.spec.build import build
from benchmark.spec.component import setting, spec_of
from suspects.finetune import FineTune
from suspects.prune import WeightPruning
from tests.builder import ANGLE, DIGITS, INDEPENDENT, TASK, composed, configuration

CONFIG = configuration(suspect={"finetune": {"_target_": "suspect/finetune"}, "independent": INDEPENDENT})


class Frozen(Suspect, name="suspect/frozen_of_test"):
    """A recipe with a field that is a list itself."""

    stages: tuple[int, ...] = setting((0,), low=0)
    rate: float = 0.1

    relation = Relation.MODIFIED

    def derive(self, given):
        return given.fresh()


def changed(path, value):
    """CONFIG with one setting, such as `suspect.finetune.epochs`, set or (with ...) taken away."""
    config = copy.deepcopy(CONFIG)
    *groups, key = path.split(".")
    node = config
    for group in groups:
        node = node[group]
    if value is ...:
        del node[key]
    else:
        node[key] = value
    return config


def labels(path, value):
    return [recipe.label for recipe in read(changed(path, value)).recipes]


def test_what_was_read():
    experiment = read(CONFIG)
    assert (experiment.name, experiment.count, experiment.repeats, experiment.gallery) == ("mini", 10, 2, 1)
    assert (list(experiment.victims), experiment.proof.drop, experiment.proof.rounds) == ([0], True, 1)
    assert (experiment.degraded.points, experiment.degraded.skill) == (5.0, 0.25)
    assert (experiment.blind.level, experiment.blind.victims) == (0.05, True)
    assert not read(composed("experiment=digits")).blind.victims
    assert (experiment.accusation.references, experiment.accusation.rate) == (0, 0.05)
    assert list(experiment.tasks) == ["digits"] and list(experiment.fingerprints) == ["random"]
    assert [recipe.label for recipe in experiment.recipes] == [
        "finetune",
        "independent replicate=0",
        "independent replicate=1",
    ]
    assert [recipe.suspect.replicate for recipe in experiment.recipes] == [0, 0, 1]
    assert [recipe.family for recipe in experiment.recipes] == ["finetune", "independent", "independent"]
    assert experiment.surrogate == (FineTune(),)
    assert list(experiment.channels) == ["as_made"] and experiment.channel == "as_made"
    assert experiment.question.name == "ownership"


def test_a_list_is_a_ladder():
    node = {"_target_": "suspect/weight_pruning", "ratio": [0.1, 0.0625]}
    recipes = [recipe for recipe in read(changed("suspect.cut", node)).recipes if recipe.family == "cut"]
    assert [recipe.suspect for recipe in recipes] == [WeightPruning(ratio=0.1), WeightPruning(ratio=0.0625)]
    assert [recipe.label for recipe in recipes] == ["cut ratio=0.1", "cut ratio=0.0625"]


def test_two_lists_make_their_product_the_last_runs_fastest():
    node = {"_target_": "suspect/finetune", "layers": ["last", "all"], "epochs": [1, 2]}
    assert labels("suspect.finetune", node)[:4] == [
        "finetune layers=last epochs=1",
        "finetune layers=last epochs=2",
        "finetune layers=all epochs=1",
        "finetune layers=all epochs=2",
    ]


def test_rungs_that_are_components_go_by_their_name_or_class():
    sets = [{"_target_": "data/torchvision", "name": name} for name in ("CIFAR10", "SVHN")]
    transfer = {"_target_": "suspect/transfer", "data": [None, DIGITS, *sets]}
    labels = [recipe.label for recipe in recipes_of({"transfer": transfer})]
    assert labels == ["transfer data=None", "transfer data=digits", "transfer data=CIFAR10", "transfer data=SVHN"]


ABSENT = {"_target_": "data/torchvision", "root": "nowhere", "name": "SVHN"}
THIEVES = {
    "query_set": {"_target_": "suspect/knockoff", "query_set": ABSENT, "budget": 10},
    "data": {"_target_": "suspect/transfer", "data": ABSENT},
}


@pytest.mark.parametrize("key", THIEVES)
def test_a_thiefs_own_data_are_missed_before_any_work(key):
    chain = {"_target_": "suspect/chain", "steps": [CONFIG["suspect"]["finetune"], THIEVES[key]]}
    for path, value, place in (
        ("suspect.thief", THIEVES[key], f"suspect.thief.{key}"),
        ("suspect.thief", chain, f"suspect.thief.steps[1].{key}"),
        ("auxiliary.surrogate", [THIEVES[key]], f"auxiliary.surrogate[0].{key}"),
    ):
        with pytest.raises(InputError) as caught:
            read(changed(path, value))
        message = str(caught.value)
        assert message.startswith(f"{place}: {ROOT}/nowhere/train_32x32.mat: no such file. Fetch train_32x32.mat, ")


@pytest.mark.parametrize("key", THIEVES)
def test_the_recipe_of_a_stored_model_needs_no_data(key):
    """It can be built and known by its identity wherever the files were, or with none at all."""
    recipe = build(THIEVES[key], "thief")
    assert spec_of(recipe) == spec_of(dataclasses.replace(recipe, **{key: TorchVision(name="SVHN")}))


def test_copies_differ_by_number():
    node = {"_target_": "suspect/distill", "replicate": [3, 1]}
    assert labels("suspect.distill", node)[-2:] == ["distill replicate=3", "distill replicate=1"]


def test_a_list_for_a_field_that_is_a_list_is_its_value():
    node = {"_target_": "suspect/frozen_of_test", "stages": [1, 2], "rate": [0.5, 0.25]}
    recipes = [recipe for recipe in read(changed("suspect.frozen", node)).recipes if recipe.family == "frozen"]
    assert [recipe.label for recipe in recipes] == ["frozen rate=0.5", "frozen rate=0.25"]
    assert [recipe.suspect.stages for recipe in recipes] == [(1, 2), (1, 2)]


def test_a_method_that_does_not_apply_does_not_limit_the_count():
    config = changed("task", {"angle": ANGLE})
    config["fingerprint"]["saliency"] = {"_target_": "fingerprint/saliency"}
    config["count"] = 500  # Random draws from 400 test images, but does not apply to regression
    assert read(config).count == 500


@pytest.mark.parametrize("path", ["task.digits_class", "suspect.distill", "fingerprint.saliency"])
def test_an_experiments_settings_for_what_was_not_chosen_wait(path):
    """`experiment=ham10000 'fingerprint=[random]'` leaves the experiment's settings of saliency behind."""
    assert read(changed(path, {"epochs": 3})) == read(CONFIG)


WRONG = [
    ("name", "a/b", r"^name: wants letters.*'a/b'"),
    ("name", "", r"^name: wants letters"),
    ("task", {}, r"^task: the experiment has none, .*conf/task/"),
    ("fingerprint", None, r"^fingerprint: the experiment has none, .*conf/fingerprint/"),
    ("task.digits", {"drop": 0.1}, r"^task\.digits: has settings but no _target_; .*'task=\[digits\]'"),
    ("task.digits", DIGITS, r"^task\.digits: needs a task, got data/digits"),
    ("fingerprint.random", TASK, r"^fingerprint\.random: needs a fingerprint, got task/classification"),
    ("fingerprint.random", 3, r"^fingerprint\.random: needs a fingerprint, got 3"),
    ("task.digits.classes", 9, r"^task\.digits\.classes: is 9, the data has 10; set task\.digits\.classes=10"),
    ("suspect.tuned", {"epochs": 3}, r"^suspect\.tuned: has settings but no _target_; .*'suspect=\[tuned\]'"),
    ("suspect.finetune", DIGITS, r"^suspect\.finetune: needs a suspect, got data/digits"),
    ("suspect.independent.replicate", [], r"^suspect\.independent\.replicate: the list is empty"),
    ("suspect.finetune.epochs", [1, 0], r"^suspect\.finetune\.epochs: 0 is out of range, wants >= 1"),
    ("suspect.finetune.epoch", 3, r"^suspect\.finetune\.epoch: FineTune has no such setting, did you mean epochs"),
    ("suspect.finetune.epochs", "many", r"^suspect\.finetune\.epochs: wants a whole number, got 'many'"),
    ("suspect.finetune", ..., r"^suspect: there is no positive suspect, "),
    ("suspect.independent", ..., r"^suspect: there is no negative suspect, "),
    ("suspect", None, r"^suspect: there is no positive suspect, "),
    (
        "suspect.independent.replicate",
        [0, 1, 0],
        r"^suspect\.independent: the suspect «independent replicate=0» is listed twice",
    ),
    ("auxiliary.surrogate", [], r"^auxiliary\.surrogate: wants a list with at least one recipe"),
    ("auxiliary.reference", "independent", r"^auxiliary\.reference: wants a list with at least one recipe"),
    (
        "auxiliary.reference",
        [{"_target_": "suspect/x"}],
        r"^auxiliary\.reference\[0\]\._target_: there is no component",
    ),
    ("trainer.precision", "fp8", r"^trainer\.precision: 'fp8' is none of fp32, bf16"),
    ("count", 0, r"^count: wants a whole number >= 1, got 0"),
    ("count", [10, 20], r"^count: wants a whole number >= 1, got \[10, 20\]"),
    ("count", 401, r"^count: 401 prints are more than the 400 test images of digits from which random makes them"),
    ("repeats", 1.5, r"^repeats: wants a whole number >= 1, got 1\.5"),
    ("repeats", True, r"^repeats: wants a whole number >= 1, got True"),
    ("trainer", TASK, r"^trainer: needs a trainer, got task/classification"),
    ("auxiliary.surrogate", [DIGITS], r"^auxiliary\.surrogate\[0\]: needs a suspect, got data/digits"),
    ("suspect.finetune", 3, r"^suspect\.finetune: needs a suspect, got 3"),
    ("proof.drop", "no", r"^proof\.drop: wants true or false, got 'no'"),
    ("proof", True, r"^proof: wants settings of its own, got True"),
    ("degraded.points", [5], r"^degraded\.points: wants a number >= 0, got \[5\]"),
    ("blind.level", 0, r"^blind\.level: wants a share between 0 and 1, got 0"),
    ("blind.victims", "yes", r"^blind\.victims: wants true or false, got 'yes'"),
    ("victims", 0, r"^victims: wants a whole number >= 1, got 0"),
    ("accusation.rate", 1.0, r"^accusation\.rate: wants a share between 0 and 1, got 1\.0"),
    ("accusation.references", 18, r"^accusation\.references: 18 set no threshold at a rate of 0\.05, .* 19 or more"),
    ("channel", {}, r"^channel: the experiment has none, .*conf/channel/"),
    ("channel.as_made", DIGITS, r"^channel\.as_made: needs a channel, got data/digits"),
    ("detector", {"svdd": TASK}, r"^detector\.svdd: needs a detector, got task/classification"),
    ("every", {"suspects": []}, r"^every\.suspects: wants one of task, suspect, "),
    ("every", {"suspect": ["knokoff"]}, r"^every\.suspect: conf/suspect has no knokoff\.yaml, did you mean knockoff"),
    ("gallery", -1, r"^gallery: wants a whole number >= 0, got -1"),
]


@pytest.mark.parametrize(("path", "value", "line"), WRONG, ids=lambda part: str(part)[:30])
def test_one_line_that_names_the_key(path, value, line):
    with pytest.raises(InputError, match=line) as caught:
        read(changed(path, value))
    assert "\n" not in str(caught.value)


def test_as_many_prints_as_there_are_images():
    assert read(changed("count", 400)).count == 400


def test_every_yaml_of_a_group_less_those_left_out():
    everything = {"fingerprint": [], "channel": ["as_made"]}
    given = configuration(every=everything, fingerprint={"saliency": {"xi": 0.25}}, channel={})
    experiment = read(given)
    yamls = {path.stem for path in (CONF / "fingerprint").glob("*.yaml")}
    assert set(experiment.fingerprints) == yamls and len(yamls) >= 9
    assert experiment.fingerprints["saliency"].xi == 0.25  # what is said of it goes on top of its yaml
    assert "as_made" not in experiment.channels and "eight_bit" in experiment.channels
