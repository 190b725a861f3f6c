"""The plan of the whole digits experiment: which jobs, how many, whose seeds, and what planning them takes."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmark.contracts.truth import Relation
from benchmark.plan import job as jobs
from benchmark.plan.models import ModelJob
from benchmark.plan.plan import plan
from benchmark.plan.prints import PrintsJob
from benchmark.plan.reading import read
from benchmark.plan.stealth import DetectionJob, DetectorJob, VisibilityJob
from benchmark.plan.verdicts import ExhibitJob, MeasureJob
from tests.builder import composed

LABEL = {"ipguard", "conferae", "ltrc", "akh", "random", "deepjudge_black"}
TASKS = ("digits_class", "digits_angle", "digits_match")
CHANNELS = ("as_made", "eight_bit")


@pytest.fixture(scope="module")
def counted():
    """The plan of the whole experiment, with how many jobs were made for it and how many keys were computed."""
    experiment, counts = read(composed("experiment=digits")), Counter()
    key_of, post_init = jobs.key_of, jobs.Job.__post_init__

    def counting_key(spec):
        counts["keys"] += 1
        return key_of(spec)

    def counting_job(self):
        counts["jobs"] += 1
        post_init(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "key_of", counting_key)
        patch.setattr(jobs.Job, "__post_init__", counting_job)
        return plan(experiment), counts


@pytest.fixture(scope="module")
def digits(counted):
    return counted[0]


@pytest.mark.parametrize("task", TASKS)
def test_one_victim_twenty_positives_and_twenty_negatives(digits, task):
    models = [job for job in digits.of_kind(ModelJob) if job.task_name == task]
    assert sum(job.role == "victim" for job in models) == 1
    suspects = [job for job in models if job.role == "suspect"]
    assert Counter(job.recipe.suspect.relation for job in suspects) == {
        Relation.MODIFIED: 16,
        Relation.DERIVED: 4,
        Relation.INDEPENDENT: 20,
    }
    assert sum(digits.experiment.is_positive(job.recipe.suspect) for job in suspects) == 20
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
    measured = Counter(
        (job.prints.key, job.channel_name) for job in digits.of_kind(MeasureJob) if job.task_name == task
    )
    assert measured == {(job.key, channel): 41 for job in prints for channel in CHANNELS}
    shown = Counter(
        (job.prints.key, job.channel_name) for job in digits.of_kind(VisibilityJob) if job.task_name == task
    )
    assert shown == {(job.key, channel): 1 for job in prints for channel in CHANNELS}
    assert sum(job.task_name == task for job in digits.of_kind(ExhibitJob)) == len(methods)


def test_no_key_twice_and_parents_before_children(digits):
    seen = set()
    for job in digits.jobs:
        assert job.key not in seen, job.title
        assert set(job.parents.values()) <= seen, job.title
        seen.add(job.key)


def test_copies_have_the_victim_as_parent_and_independent_models_none(digits):
    victims = {job.task_name: job.key for job in digits.of_kind(ModelJob) if job.role == "victim"}
    for job in digits.of_kind(ModelJob):
        copied = job.role != "victim" and job.recipe.suspect.relation is not Relation.INDEPENDENT
        assert job.parents == ({"victim": victims[job.task_name]} if copied else {}), job.title


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


def test_detectors_are_fitted_once_a_task_and_set_on_all_prints(digits):
    fitted = digits.of_kind(DetectorJob)
    assert sorted((job.task_name, job.name) for job in fitted) == sorted(
        [(task, "svdd") for task in TASKS] + [("digits_class", "squeezing")]  # which needs class probabilities
    )
    watched = Counter((job.prints.key, job.fitted.name, job.channel_name) for job in digits.of_kind(DetectionJob))
    names = {"digits_class": ("svdd", "squeezing")}
    assert watched == {
        (job.key, name, channel): 1
        for job in digits.of_kind(PrintsJob)
        for name in names.get(job.task_name, ("svdd",))
        for channel in CHANNELS
    }


def test_the_jobs_of_the_whole_experiment(digits):
    """Five repeats of the prints of nine methods on classes and of three elsewhere, on 41 models, in two channels."""
    prints, models = 5 * (9 + 3 + 3), {"digits_class": 54, "digits_angle": 51, "digits_match": 51}
    assert Counter(job.kind for job in digits.jobs) == {
        "model": sum(models.values()),
        "prints": prints,
        "measurement": prints * 41 * 2,
        "exhibit": 9 + 3 + 3,
        "detector": 2 + 1 + 1,
        "visibility": prints * 2,
        "detection": 5 * (9 * 2 + 3 + 3) * 2,
    }
    assert Counter(job.task_name for job in digits.of_kind(ModelJob)) == models
    assert len(digits.jobs) == 6790


def test_a_job_works_its_key_out_once_and_few_are_made_in_vain(counted):
    planned, counts = counted
    assert counts["keys"] == counts["jobs"]
    assert len(planned.jobs) <= counts["jobs"] <= 1.2 * len(planned.jobs)
