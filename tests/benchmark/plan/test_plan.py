"""The plan of the digits experiment: which jobs, whose seeds, and which keys a change of the configuration moves."""

from __future__ import annotations

import copy
from collections import Counter

import pytest
from benchmark.plan.jobs import DetectionJob, DetectorJob, ExhibitJob, MeasureJob, ModelJob, PrintsJob
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from benchmark.data.digits import Digits
from benchmark.paths import CONF
from benchmark.plan.experiment import Recipe, read
from benchmark.plan.plan import plan
from benchmark.plan.plan import plan as plans
from suspects.independent import Independent

LABEL = {"ipguard", "conferae", "ltrc", "akh", "random", "deepjudge_black"}
TASKS = ("digits_class", "digits_angle", "digits_match")


@pytest.fixture(scope="module")
def config():
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return OmegaConf.to_container(compose("config", ["experiment=digits"]), resolve=True)


@pytest.fixture(scope="module")
def digits(config):
    return plan(read(config))


@pytest.fixture
def replanned(config):
    """The plan with settings changed: `replanned({"fingerprint.saliency.xi": 0.2})`."""

    def change(settings):
        changed = copy.deepcopy(config)
        for path, value in settings.items():
            *groups, key = path.split(".")
            node = changed
            for group in groups:
                node = node[group]
            assert key in node, path
            node[key] = value
        return plan(read(changed))

    return change


def keys(planned, kind=None):
    """Job titles (unique) and their keys."""
    jobs = planned.jobs if kind is None else planned.of_kind(kind)
    found = {job.title: job.key for job in jobs}
    assert len(found) == len(jobs)
    return found


def moved(before, after, kind=None):
    """Titles of the jobs whose key changed; the titles themselves do not."""
    old, new = keys(before, kind), keys(after, kind)
    assert old.keys() == new.keys()
    return {title for title in old if old[title] != new[title]}


@pytest.mark.parametrize("task", TASKS)
def test_one_victim_twenty_positives_and_twenty_negatives(digits, task):
    models = [job for job in digits.of_kind(ModelJob) if job.task_name == task]
    assert sum(job.role == "victim" for job in models) == 1
    suspects = [job for job in models if job.role == "suspect"]
    assert Counter(job.recipe.suspect.stolen for job in suspects) == {True: 20, False: 20}
    families = Counter(job.recipe.family for job in suspects)
    assert families.pop("independent") == 20
    assert families == {"finetune": 2, "retrain": 2, "weight_pruning": 5, "filter_pruning": 7, "distill": 4}


@pytest.mark.parametrize("task", TASKS)
def test_five_repeats_of_the_prints_measured_on_the_victim_and_every_suspect(digits, task):
    prints = [job for job in digits.of_kind(PrintsJob) if job.task_name == task]
    methods = {"saliency", "tafa", "deepjudge_white"} | (LABEL if task == "digits_class" else set())
    assert Counter(job.method for job in prints) == dict.fromkeys(methods, 5)
    assert all(Counter(job.repeat for job in prints)[repeat] == len(methods) for repeat in range(5))
    assert {job.count for job in prints} == {100}
    assert len({job.seed for job in prints}) == len(prints)
    measured = Counter(job.prints.key for job in digits.of_kind(MeasureJob) if job.task_name == task)
    assert measured == {job.key: 41 for job in prints}
    assert sum(job.task_name == task for job in digits.of_kind(ExhibitJob)) == len(methods)


def test_no_key_twice_and_parents_before_children(digits):
    seen = set()
    for job in digits.jobs:
        assert job.key not in seen, job.title
        assert set(job.parents.values()) <= seen, job.title
        seen.add(job.key)


def test_stolen_models_have_the_victim_as_parent_and_independent_ones_none(digits):
    victims = {job.task_name: job.key for job in digits.of_kind(ModelJob) if job.role == "victim"}
    for job in digits.of_kind(ModelJob):
        stolen = job.role != "victim" and job.recipe.suspect.stolen
        assert job.parents == ({"victim": victims[job.task_name]} if stolen else {}), job.title


def test_seeds_of_victims_suspects_and_auxiliary_models_are_disjoint(digits):
    seeds: dict[str, set[int]] = {}
    for job in digits.of_kind(ModelJob):
        seeds.setdefault(job.role, set()).add(job.seed)
    assert seeds.keys() == {"victim", "suspect", "surrogate", "reference"}
    assert sum(map(len, seeds.values())) == len(set().union(*seeds.values()))
    auxiliary = [job for job in digits.of_kind(ModelJob) if job.role in ("surrogate", "reference")]
    assert len({job.seed for job in auxiliary}) == len(auxiliary) >= 4
    prints = {job.seed for job in digits.of_kind(PrintsJob)}
    assert not prints & set().union(*seeds.values())


def test_independent_models_have_a_seed_each(digits):
    negatives = [job for job in digits.of_kind(ModelJob) if job.recipe.family == "independent"]
    assert len({job.seed for job in negatives}) == len(negatives) == 60


def test_xi_moves_the_saliency_prints_and_no_model(digits, replanned):
    after = replanned({"fingerprint.saliency.xi": 0.2})
    assert moved(digits, after, ModelJob) == set()
    saliency = {job.title for job in digits.of_kind(PrintsJob) if job.method == "saliency"}
    assert len(saliency) == 15
    assert moved(digits, after, PrintsJob) == saliency
    assert moved(digits, after, MeasureJob) == {
        job.title for job in digits.of_kind(MeasureJob) if job.prints.method == "saliency"
    }


def test_a_threshold_of_the_score_moves_nothing(digits, replanned):
    assert moved(digits, replanned({"fingerprint.saliency.t_wb": 0.7})) == set()


def test_what_counts_as_a_fall_of_the_answer_moves_no_model(digits, replanned):
    after = replanned({"task.digits_angle.drop": 2.0})
    assert moved(digits, after, ModelJob) == set()
    angle = {job.title for job in digits.of_kind(MeasureJob) if job.task_name == "digits_angle"}
    assert moved(digits, after, MeasureJob) == angle


def test_training_moves_every_job_of_its_task_only(digits, replanned):
    after = replanned({"task.digits_angle.training": {"_target_": "training/one_cycle", "epochs": 3}})
    of_task = {job.title for job in digits.jobs if job.task_name == "digits_angle"}
    assert moved(digits, after) == of_task - {"digits_angle: detector svdd"}  # which is fitted to images alone


def test_one_recipe_moves_its_own_models_only(digits, replanned):
    after = replanned({"suspect.distill.epochs": 11})
    models = {job.title for job in digits.of_kind(ModelJob) if job.recipe.family == "distill"}
    assert len(models) == 12
    assert moved(digits, after, ModelJob) == models
    assert moved(digits, after, PrintsJob) == set()


def test_count_moves_prints_and_no_model(digits, replanned):
    after = replanned({"count": 50})
    assert moved(digits, after, ModelJob) == set()
    assert moved(digits, after, PrintsJob) == keys(digits, PrintsJob).keys()


@pytest.mark.parametrize(
    "settings",
    [
        {"trainer.device": "cpu"},
        {"fingerprint.saliency.chunk": 7},
        {"executor.workers": 3, "executor.threads": 2},
        {"store": "elsewhere", "results": "elsewhere", "compute": False},
        {"name": "another"},
        {"fingerprint.saliency.lam": 0.1, "count": 100, "task.digits_class.drop": 0.05},
    ],
    ids=lambda settings: ",".join(settings),
)
def test_what_is_not_identity_moves_nothing(digits, replanned, settings):
    assert moved(digits, replanned(settings)) == set()


def test_precision_moves_everything_that_comes_from_a_model(digits, replanned):
    untouched = {job.title for job in digits.of_kind(DetectorJob) if not job.parents}  # fitted to images alone
    assert moved(digits, replanned({"trainer.precision": "bf16"})) == keys(digits).keys() - untouched
    assert len(untouched) == 3


def test_more_repeats_keep_what_is_there(digits, replanned):
    after = replanned({"repeats": 6})
    assert keys(digits).items() <= keys(after).items()
    assert set(keys(after, ModelJob).values()) == set(keys(digits, ModelJob).values())


def test_a_zoo_for_each_repeat(digits, replanned):
    after = replanned({"repeat_zoo": True, "repeats": 2})
    models = after.of_kind(ModelJob)
    assert len(models) == 2 * len(digits.of_kind(ModelJob))
    assert {job.key for job in models if job.zoo == 0} == set(keys(digits, ModelJob).values())
    assert len({job.key for job in models}) == len(models)


def test_negatives_do_not_depend_on_the_victim(digits, replanned, monkeypatch):
    monkeypatch.setattr(plans, "VICTIM", Recipe("victim", "victim", Independent(replicate=5)))
    after = moved(digits, replanned({}), ModelJob)
    expected = {job.title for job in digits.of_kind(ModelJob) if job.role == "victim" or job.recipe.suspect.stolen}
    assert after == expected


def test_no_pictures_are_planned_of_data_that_show_people(digits, replanned, monkeypatch):
    monkeypatch.setattr(Digits, "private", True)
    after = replanned({})
    assert not after.of_kind(ExhibitJob)
    assert len(after.jobs) == len(digits.jobs) - len(digits.of_kind(ExhibitJob))


def test_detectors_are_fitted_once_a_task_and_set_on_all_prints(digits):
    fitted = digits.of_kind(DetectorJob)
    assert sorted((job.task_name, job.name) for job in fitted) == sorted(
        [(task, "svdd") for task in TASKS] + [("digits_class", "squeezing")]  # which needs class probabilities
    )
    watched = Counter((job.prints.key, job.fitted.name) for job in digits.of_kind(DetectionJob))
    prints = digits.of_kind(PrintsJob)
    assert set(watched.values()) == {1} and len(watched) == len(prints) + sum(
        job.task_name == "digits_class" for job in prints
    )
