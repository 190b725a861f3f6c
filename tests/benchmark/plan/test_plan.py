"""The plan of the digits experiment: which jobs, whose seeds, and which keys a change of the configuration moves."""

from __future__ import annotations

import copy
from collections import Counter

import pytest

from benchmark.contracts.truth import Relation
from benchmark.data.digits import Digits
from benchmark.plan import job as jobs
from benchmark.plan import zoo as zoos
from benchmark.plan.experiment import read
from benchmark.plan.models import ModelJob
from benchmark.plan.plan import plan
from benchmark.plan.prints import PrintsJob
from benchmark.plan.recipes import Recipe
from benchmark.plan.stealth import DetectionJob, DetectorJob, VisibilityJob
from benchmark.plan.verdicts import ExhibitJob, MeasureJob
from suspects.independent import Independent
from tests.builder import composed

LABEL = {"ipguard", "conferae", "ltrc", "akh", "random", "deepjudge_black"}
TASKS = ("digits_class", "digits_angle", "digits_match")
CHANNELS = ("as_made", "eight_bit")
BRIEF = ("experiment=digits", "repeats=2", "channel=[as_made]")


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


@pytest.fixture(scope="module")
def config():
    """The experiment with two repeats and one channel: the same keys, an eighth of the jobs."""
    return composed(*BRIEF)


@pytest.fixture(scope="module")
def brief(config):
    return plan(read(config))


@pytest.fixture
def replanned(config):
    """The brief plan with settings changed: `replanned({"fingerprint.saliency.xi": 0.2})`."""

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


def test_xi_moves_the_saliency_prints_and_no_model(brief, replanned):
    after = replanned({"fingerprint.saliency.xi": 0.2})
    assert moved(brief, after, ModelJob) == set()
    saliency = {job.title for job in brief.of_kind(PrintsJob) if job.method == "saliency"}
    assert len(saliency) == 6
    assert moved(brief, after, PrintsJob) == saliency
    assert moved(brief, after, MeasureJob) == {
        job.title for job in brief.of_kind(MeasureJob) if job.prints.method == "saliency"
    }


def test_a_threshold_of_the_score_moves_nothing(brief, replanned):
    assert moved(brief, replanned({"fingerprint.saliency.t_wb": 0.7})) == set()


def test_what_counts_as_a_fall_of_the_answer_moves_no_model(brief, replanned):
    after = replanned({"task.digits_angle.drop": 2.0})
    assert moved(brief, after, ModelJob) == set()
    angle = {job.title for job in brief.of_kind(MeasureJob) if job.task_name == "digits_angle"}
    assert moved(brief, after, MeasureJob) == angle


def test_training_moves_every_job_of_its_task_only(brief, replanned):
    after = replanned({"task.digits_angle.training": {"_target_": "training/one_cycle", "epochs": 3}})
    of_task = {job.title for job in brief.jobs if job.task_name == "digits_angle"}
    assert moved(brief, after) == of_task - {"digits_angle: detector svdd"}  # which is fitted to images alone


def test_one_recipe_moves_its_own_models_only(brief, replanned):
    after = replanned({"suspect.distill.epochs": 11})
    models = {job.title for job in brief.of_kind(ModelJob) if job.recipe.family == "distill"}
    assert len(models) == 12
    assert moved(brief, after, ModelJob) == models
    assert moved(brief, after, PrintsJob) == set()


def test_count_moves_prints_and_no_model(brief, replanned):
    after = replanned({"count": 50})
    assert moved(brief, after, ModelJob) == set()
    assert moved(brief, after, PrintsJob) == keys(brief, PrintsJob).keys()


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
def test_what_is_not_identity_moves_nothing(brief, replanned, settings):
    assert moved(brief, replanned(settings)) == set()


def test_precision_moves_everything_that_comes_from_a_model(brief, replanned):
    untouched = {job.title for job in brief.of_kind(DetectorJob) if not job.parents}  # fitted to images alone
    assert moved(brief, replanned({"trainer.precision": "bf16"})) == keys(brief).keys() - untouched
    assert len(untouched) == 3


def test_more_repeats_keep_what_is_there(brief, replanned):
    after = replanned({"repeats": 3})
    assert keys(brief).items() <= keys(after).items()
    assert set(keys(after, ModelJob).values()) == set(keys(brief, ModelJob).values())


def test_a_zoo_for_each_repeat(brief, replanned):
    after = replanned({"repeat_zoo": True, "repeats": 2})
    models = after.of_kind(ModelJob)
    assert len(models) == 2 * len(brief.of_kind(ModelJob))
    assert {job.key for job in models if job.replicate == 0} == set(keys(brief, ModelJob).values())
    assert len({job.key for job in models}) == len(models)


def test_negatives_do_not_depend_on_the_victim(brief, replanned, monkeypatch):
    other = zoos.Mark("", Recipe("victim", "victim", Independent(replicate=5)))
    monkeypatch.setattr(zoos, "unmarked", lambda: other)
    after = moved(brief, replanned({}), ModelJob)
    models = brief.of_kind(ModelJob)
    assert after == {job.title for job in models if job.role == "victim" or job.recipe.suspect.needs_victim}


def test_no_pictures_are_planned_of_data_that_show_people(brief, replanned, monkeypatch):
    monkeypatch.setattr(Digits, "private", True)
    after = replanned({})
    assert not after.of_kind(ExhibitJob)
    assert len(after.jobs) == len(brief.jobs) - len(brief.of_kind(ExhibitJob))


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


def test_a_channel_more_adds_its_jobs_and_changes_no_other(brief):
    after = plan(read(composed(*BRIEF[:2])))
    assert keys(brief).items() <= keys(after).items()
    added = [job for job in after.jobs if job.key not in set(keys(brief).values())]
    assert {job.kind for job in added} == {"measurement", "visibility", "detection"}
    assert {job.channel_name for job in added} == {"eight_bit"}
    assert len(added) == sum(hasattr(job, "channel_name") for job in brief.jobs)
    assert {job.channel_name for point in after.variants for job in point.measured} == {"as_made"}
