"""How the harness treats recipes of its own kind: left out with a reason, leaks, queries, other labels and networks."""

from __future__ import annotations

import copy
import dataclasses

import pandas as pd
import pytest
import torch

from benchmark.errors import InputError
from benchmark.plan.models import ModelJob
from benchmark.plan.plan import plan
from benchmark.plan.prints import PrintsJob
from benchmark.plan.reading import read
from benchmark.plan.verdicts import ExhibitJob, MeasureJob
from benchmark.run.bench import Bench
from suspects.chain import Chain
from suspects.independent import Independent, IndependentVariant
from suspects.leaked import FineTuneOnLeak
from tests.builder import ANGLE, DIGITS, RESNET, SHARE, TASK, VGG, configuration
from tests.stores import carried_out

LEAK = {"_target_": "suspect/leaked", "method": "random", "epochs": 1}
CHANGES = {
    "task": {"digit": TASK, "angle": ANGLE},
    "suspect": {
        "finetune": {"_target_": "suspect/finetune", "epochs": 1},
        "leaked": LEAK,
        "knockoff": {"_target_": "suspect/knockoff", "query_set": DIGITS, "budget": 64, "epochs": 1},
        "label_smoothing": {"_target_": "suspect/label_smoothing", "epochs": 1},
        "independent": {"_target_": "suspect/independent"},
        "vgg": {"_target_": "suspect/independent_variant", "data": "same", "architecture": VGG},
        "other_half": {"_target_": "suspect/independent_variant", "data": "other"},
    },
    "fingerprint": {
        "random": {"_target_": "fingerprint/random"},
        "saliency": {"_target_": "fingerprint/saliency", "steps": 2},
    },
    "auxiliary": {
        "surrogate": [{"_target_": "suspect/finetune"}],
        "reference": [
            {"_target_": "suspect/independent"},
            {"_target_": "suspect/independent_variant", "data": "other"},
        ],
    },
}


@pytest.fixture
def config():
    return configuration(**CHANGES)


def jobs_of(planned, kind, **wanted):
    return [job for job in planned.of_kind(kind) if all(getattr(job, name) == value for name, value in wanted.items())]


def families(planned, task):
    return {job.recipe.family for job in jobs_of(planned, ModelJob, task_name=task, role="suspect")}


def test_senseless_recipes_are_left_out_of_their_task_only(config):
    planned = plan(read(config))
    assert families(planned, "digit") == CHANGES["suspect"].keys() - {"other_half"}
    assert families(planned, "angle") == {"finetune", "knockoff", "independent", "vgg"}
    config["task"]["digit"]["data"] = SHARE
    assert families(plan(read(config)), "digit") == set(CHANGES["suspect"])


def test_leaked_prints_are_those_of_the_zoos_own_first_repeat(config):
    planned = plan(read(config))
    (leaked,) = [job for job in planned.of_kind(ModelJob) if job.recipe.family == "leaked"]
    first, second = jobs_of(planned, PrintsJob, task_name="digit", method="random")
    victim = jobs_of(planned, ModelJob, task_name="digit", role="victim")[0]
    assert (first.repeat, second.repeat) == (0, 1)
    assert leaked.parents == {"victim": victim.key, "prints": first.key}
    judged = {job.prints.key for job in planned.of_kind(MeasureJob) if job.suspect.key == leaked.key}
    assert {first.key, second.key} <= judged
    config["victims"] = 2
    planned = plan(read(config))
    keys = {job.key: job for job in planned.of_kind(PrintsJob)}
    leaks = [job for job in planned.of_kind(ModelJob) if job.recipe.family == "leaked"]
    assert [job.replicate for job in leaks] == [0, 1]
    leaked = [keys[job.parents["prints"]] for job in leaks]
    assert [(prints.victim.replicate, prints.repeat) for prints in leaked] == [(0, 0), (1, 0)]


def test_parents_come_before_children_and_leaks_move_with_the_method(config):
    planned, seen = plan(read(config)), set()
    for job in planned.jobs:
        assert set(job.parents.values()) <= seen, job.title
        seen.add(job.key)
    config["count"] = 11
    before, after = ({job.title: job.key for job in each.of_kind(ModelJob)} for each in (planned, plan(read(config))))
    assert {title for title in before if before[title] != after[title]} == {"digit: suspect leaked"}


def test_a_method_with_helpers_may_leak(config):
    config["fingerprint"]["ipguard"] = {"_target_": "fingerprint/ipguard", "k_grid": [1.0, 2.0]}
    config["suspect"]["leaked"] = LEAK | {"method": "ipguard"}
    planned = plan(read(config))
    seen = set()
    for job in planned.jobs:
        assert set(job.parents.values()) <= seen, job.title
        seen.add(job.key)
    references = jobs_of(planned, ModelJob, task_name="digit", role="reference")
    assert [type(job.recipe.suspect) for job in references] == [Independent, Independent]  # no other half to train on
    config["task"]["digit"]["data"] = SHARE
    references = jobs_of(plan(read(config)), ModelJob, task_name="digit", role="reference")
    assert [type(job.recipe.suspect) for job in references] == [Independent, IndependentVariant]


def test_the_gallery_shows_models_of_the_tasks_own_labels(config):
    config["suspect"] = {
        "transfer": {"_target_": "suspect/transfer"},
        "vgg": config["suspect"]["vgg"],
        "noise": {"_target_": "suspect/weight_noise"},
        "independent": {"_target_": "suspect/independent"},
    }
    for job in plan(read(config)).of_kind(ExhibitJob):
        assert list(job.shown) == ["victim", "noise", "independent"]
    del config["suspect"]["noise"], config["task"]["angle"]
    assert not plan(read(config)).of_kind(ExhibitJob)


def only(*families):
    return {family: CHANGES["suspect"][family] for family in families}


@pytest.mark.parametrize(
    ("group", "key", "value", "line"),
    [
        (
            "suspect",
            "leaked",
            LEAK | {"method": "akh"},
            r"leaked: wants leaked prints of 'akh'.*saliency,akh\]",
        ),
        ("auxiliary", "surrogate", [LEAK], r"auxiliary\.surrogate\[0\]: prints are made with auxiliary models"),
        ("auxiliary", "reference", CHANGES["auxiliary"]["reference"][1:], r"reference: no recipe applies to digit"),
        ("", "suspect", only("label_smoothing", "vgg"), r"suspect: no positive suspect applies to angle"),
        ("", "suspect", only("finetune", "other_half"), r"suspect: no negative suspect applies to digit"),
    ],
    ids=str,
)
def test_one_line_that_names_the_key(config, group, key, value, line):
    (config[group] if group else config)[key] = value
    with pytest.raises(InputError, match=line) as caught:
        read(config)
    assert "\n" not in str(caught.value)


def test_a_ladder_of_architectures_is_labelled_by_their_names(config):
    config["suspect"]["vgg"]["architecture"] = [VGG, RESNET]
    labels = [recipe.label for recipe in read(config).recipes if recipe.family == "vgg"]
    assert labels == ["vgg architecture=small_vgg", "vgg architecture=small_resnet"]


def test_steps_of_a_chain_may_be_names_of_suspects(config):
    config["suspect"]["finetune"]["layers"] = ["last", "all"]
    chain = {"_target_": "suspect/chain", "steps": ["finetune layers=all", "knockoff"]}
    config["suspect"] = {"chain": chain} | config["suspect"]
    suspects = {recipe.label: recipe.suspect for recipe in read(config).recipes}
    assert suspects["chain"] == Chain(steps=(suspects["finetune layers=all"], suspects["knockoff"]))
    assert next(iter(suspects)) == "chain"  # where the yaml has it
    for name, line in (
        ("finetune", "'finetune' is several suspects, name one: finetune layers=last, f"),
        ("x", "no sus"),
    ):
        chain["steps"] = [name]
        with pytest.raises(InputError, match=f"^suspect.chain.steps: .*{line}"):
            read(config)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The experiment, run."""
    found = carried_out(configuration(tmp_path_factory.mktemp("thieves"), **CHANGES))
    assert not found.failures
    return found


def test_every_suspect_and_method_has_a_score_or_a_reason(done):
    scores = done.findings.scores
    judged = scores[(scores["repeat"] == 0) & (scores["family"] != "victim")]
    cells = judged.groupby(["task", "suspect"])["verifier"].nunique()
    assert len(cells) == 2 * 7 and (cells == 3).all()
    reasons = scores[scores["score"].isna()].groupby(["task", "suspect", "fingerprint"])["reason"].first()
    assert "nothing is left" in reasons["digit", "other_half", "saliency"]
    assert reasons["angle", "leaked", "saliency"].startswith("needs prints of random: a regression model")
    assert "no labels to match" in reasons["angle", "label_smoothing", "random"]  # the method's own reason comes first
    shared = scores.groupby("suspect")["shares_training_data"].agg(["min", "max"])
    assert (shared["min"] == shared["max"]).all()
    assert set(shared.index[~shared["max"].astype(bool)]) == {"knockoff", "other_half"}


def test_queries_are_kept_with_the_model(done):
    models = done.findings.models
    queries = models.set_index(["task", "name"])["queries"]
    assert queries["digit", "knockoff"] == queries["angle", "knockoff"] == 64
    assert (queries.drop("knockoff", level="name") == 0).all()
    assert isinstance(models, pd.DataFrame) and models["shares_training_data"].notna().all()


def test_another_architecture_comes_back_from_the_store_as_it_was(done):
    job = done.job("digit: suspect vgg")
    network = Bench(done.store, done.plan.experiment.trainer).loaded(job)
    solved = job.recipe.suspect.solves(job.task)
    assert [type(m) for m in network.modules()] == [type(m) for m in solved.network().modules()]
    quality = solved.quality(network, job.task.data.load())
    assert quality.value == done.store.open(job.key).json("quality.json")["value"]


def test_other_labels_come_back_from_the_store_with_their_own_quality(done, trainer):
    config = copy.deepcopy(done.config)
    config["suspect"] |= {"transfer": {"_target_": "suspect/transfer", "epochs": 1}}
    job = next(j for j in plan(read(config)).of_kind(ModelJob) if j.recipe.family == "transfer")
    bench = Bench(done.store, trainer)
    bench.do(job)
    network, test = bench.loaded(job), job.task.data.load().test
    assert network(test.pixels(slice(0, 2))).shape == (2, 5)
    accuracy = 100 * (network(test.pixels()).argmax(1) == test.targets % 5).double().mean().item()
    assert done.store.open(job.key).json("quality.json")["value"] == pytest.approx(accuracy)


def test_the_thief_gets_the_prints_as_they_were_made(done, trainer):
    job = done.job("digit: suspect leaked")
    seen = []

    class Spy(FineTuneOnLeak, name="test/spy"):
        def derive(self, given):
            seen.append(given.leaked)
            return given.copy_of_victim()

    recipe = dataclasses.replace(job.recipe, suspect=Spy(method="random"))
    Bench(done.store, trainer).do(dataclasses.replace(job, recipe=recipe))
    stored = done.store.open(job.parents["prints"]).tensors("prints.safetensors")
    assert torch.equal(seen[0].samples, stored["samples"]) and torch.equal(seen[0].origin, stored["origin"])
    assert torch.equal(seen[0].payload["label"], stored["payload.label"])
