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
LABEL |= {"ipguard_paper", "conferae_paper", "deepjudge_black_released"}
ANY = {"saliency", "saliency_paper", "tafa", "deepjudge_white", "deepjudge_white_released"}
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
def test_twenty_positives_of_each_of_three_victims_and_twenty_negatives_of_all(digits, task):
    models = [job for job in digits.of_kind(ModelJob) if job.task_name == task]
    assert sorted(job.replicate for job in models if job.role == "victim") == [0, 1, 2]
    suspects = [job for job in models if job.role == "suspect"]
    assert Counter(job.recipe.suspect.relation for job in suspects) == {
        Relation.MODIFIED: 3 * 16,
        Relation.DERIVED: 3 * 4,
        Relation.INDEPENDENT: 20,
    }
    positives = [job for job in suspects if digits.experiment.is_positive(job.recipe.suspect)]
    assert Counter(job.replicate for job in positives) == {0: 20, 1: 20, 2: 20}
    families = Counter(job.recipe.family for job in suspects)
    assert families.pop("independent") == 20
    assert families == {"finetune": 6, "retrain": 6, "weight_pruning": 15, "filter_pruning": 21, "distill": 12}


@pytest.mark.parametrize("task", TASKS)
def test_two_repeats_for_each_victim_measured_on_it_and_every_suspect_and_bystander(digits, task):
    prints = [job for job in digits.of_kind(PrintsJob) if job.task_name == task]
    methods = ANY | (LABEL if task == "digits_class" else set())
    assert Counter(job.method for job in prints) == dict.fromkeys(methods, 6)
    places = {(victim, repeat): len(methods) for victim in range(3) for repeat in range(2)}
    assert Counter((job.victim.replicate, job.repeat) for job in prints) == places
    assert {job.count for job in prints} == {100}
    assert len({job.seed for job in prints}) == len(prints)
    measured = Counter(
        (job.prints.key, job.channel_name) for job in digits.of_kind(MeasureJob) if job.task_name == task
    )
    judged = {"as_made": 41 + 19, "eight_bit": 41}  # the threshold is set on the first channel
    assert measured == {(job.key, channel): judged[channel] for job in prints for channel in CHANNELS}
    for job in digits.of_kind(MeasureJob):
        assert job.suspect.victim is None or job.suspect.victim is job.prints.victim, job.title
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
    victims = {(job.task_name, job.replicate): job.key for job in digits.of_kind(ModelJob) if job.role == "victim"}
    for job in digits.of_kind(ModelJob):
        copied = job.role != "victim" and job.recipe.suspect.relation is not Relation.INDEPENDENT
        assert job.parents == ({"victim": victims[job.task_name, job.replicate]} if copied else {}), job.title


def test_seeds_of_victims_suspects_and_auxiliary_models_are_disjoint(digits):
    seeds: dict[str, set[int]] = {}
    for job in digits.of_kind(ModelJob):
        seeds.setdefault(job.role, set()).add(job.seed)
    assert seeds.keys() == {"victim", "suspect", "surrogate", "reference", "bystander"}
    assert sum(map(len, seeds.values())) == len(set().union(*seeds.values()))
    auxiliary = [job for job in digits.of_kind(ModelJob) if job.role not in ("victim", "suspect")]
    assert len({job.seed for job in auxiliary}) == len(auxiliary) >= 4
    prints = {job.seed for job in digits.of_kind(PrintsJob)}
    assert not prints & set().union(*seeds.values())


def test_every_suspect_has_a_seed_of_its_own(digits):
    """Each student, each rung of a ladder, each independent model."""
    suspects = [job for job in digits.of_kind(ModelJob) if job.role == "suspect"]
    assert len({job.seed for job in suspects}) == len(suspects) == 3 * (3 * 20 + 20)


def test_detectors_are_fitted_once_a_task_or_victim_and_set_on_all_prints(digits):
    fitted = digits.of_kind(DetectorJob)
    assert sorted((job.task_name, job.name) for job in fitted) == sorted(
        [(task, "svdd") for task in TASKS] + [("digits_class", "squeezing")] * 3  # which asks the victim
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
    """Prints of 14 methods on classes and of five elsewhere, on 41 models in two channels and 19 in one."""
    sets = 3 * 2  # victims and repeats
    shared = 20 + 10 + 19  # independent models, references that calibrate, and those that set the threshold
    models = {"digits_class": 3 * (21 + 3) + shared, "digits_angle": 3 * 21 + shared, "digits_match": 3 * 21 + shared}
    prints = sets * (14 + 5 + 5)
    assert Counter(job.kind for job in digits.jobs) == {
        "model": sum(models.values()),
        "prints": prints,
        "worth": 3 * 3 * 40,
        "measurement": prints * (41 * 2 + 19),
        "exhibit": 14 + 5 + 5,
        "detector": 3 + 3,
        "visibility": prints * 2,
        "detection": sets * (14 * 2 + 5 + 5) * 2,
    }
    assert Counter(job.task_name for job in digits.of_kind(ModelJob)) == models
    assert len(digits.jobs) == 16167


def test_a_job_works_its_key_out_once_and_few_are_made_in_vain(counted):
    planned, counts = counted
    assert counts["keys"] == counts["jobs"]
    assert len(planned.jobs) <= counts["jobs"] <= 1.2 * len(planned.jobs)
