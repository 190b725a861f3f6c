"""Which keys of the digits experiment a change of the configuration moves, and which it leaves."""

from __future__ import annotations

import copy

import pytest

from benchmark.data.digits import Digits
from benchmark.errors import InputError
from benchmark.plan import zoo as zoos
from benchmark.plan.models import ModelJob
from benchmark.plan.plan import plan
from benchmark.plan.prints import PrintsJob
from benchmark.plan.reading import read
from benchmark.plan.recipes import Recipe
from benchmark.plan.stealth import DetectorJob
from benchmark.plan.verdicts import ExhibitJob, MeasureJob
from suspects.independent import Independent
from tests.builder import composed

BRIEF = ("experiment=digits", "victims=1", "repeats=2", "channel=[as_made]")


@pytest.fixture(scope="module")
def config():
    """The experiment with one victim, two repeats and one channel: the same keys, a sixth of the jobs."""
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
        {"executor.workers": 3, "executor.keep": 2.0},
        {"store": "elsewhere", "results": "elsewhere", "compute": False},
        {"name": "another"},
        {"fingerprint.saliency.lam": 0.02, "count": 100, "task.digits_class.drop": 0.05},
    ],
    ids=lambda settings: ",".join(settings),
)
def test_what_is_not_identity_moves_nothing(brief, replanned, settings):
    assert moved(brief, replanned(settings)) == set()


def test_precision_moves_everything_that_comes_from_a_model(brief, replanned):
    untouched = {job.title for job in brief.of_kind(DetectorJob) if not job.parents}  # fitted to images alone
    assert moved(brief, replanned({"trainer.precision": "bf16"})) == keys(brief).keys() - untouched
    assert len(untouched) == 3


def test_another_number_of_threads_moves_everything(brief, replanned):
    """It changes the bits of whatever is trained, so detectors fitted to images alone move too."""
    assert moved(brief, replanned({"trainer.threads": 2})) == keys(brief).keys()


def test_more_repeats_keep_what_is_there(brief, replanned):
    after = replanned({"repeats": 3})
    assert keys(brief).items() <= keys(after).items()
    assert set(keys(after, ModelJob).values()) == set(keys(brief, ModelJob).values())


def test_another_victim_has_copies_and_prints_of_its_own_and_the_same_strangers(brief, replanned):
    after = replanned({"victims": 2})
    assert keys(brief).items() <= keys(after).items()
    added = [job for job in after.of_kind(ModelJob) if job.key not in set(keys(brief, ModelJob).values())]
    own = [job for job in brief.of_kind(ModelJob) if job.role == "victim" or job.victim is not None]
    assert len(added) == len(own) and {job.replicate for job in added} == {1}
    assert {job.victim.replicate for job in after.of_kind(PrintsJob)} == {0, 1}
    for job in after.of_kind(MeasureJob):
        assert job.suspect.victim is None or job.suspect.victim is job.prints.victim


def test_victims_of_other_numbers_share_no_model(brief, replanned):
    after = replanned({"first_victim": 100})
    assert not set(keys(after, ModelJob).values()) & set(keys(brief, ModelJob).values())


def test_a_deterministic_recipe_may_not_make_a_helper_of_a_judged_model(replanned):
    coincides = {"_target_": "suspect/weight_pruning", "ratio": 0.4}
    with pytest.raises(InputError, match=r"^auxiliary\.surrogate\[0\]: .* judged as «weight_pruning ratio=0\.4»"):
        replanned({"auxiliary.surrogate": [coincides]})
    trained = {**coincides, "recovery_epochs": 1}
    replanned({"auxiliary.surrogate": [trained], "suspect.weight_pruning.recovery_epochs": 1})  # seeds tell them apart


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


def test_a_channel_more_adds_its_jobs_and_changes_no_other(brief):
    after = plan(read(composed(*BRIEF[:3])))
    assert keys(brief).items() <= keys(after).items()
    added = [job for job in after.jobs if job.key not in set(keys(brief).values())]
    assert {job.kind for job in added} == {"measurement", "visibility", "detection"}
    assert {job.channel_name for job in added} == {"eight_bit"}
    of_bystanders = sum(job.suspect.role == "bystander" for job in brief.of_kind(MeasureJob))  # first channel alone
    assert len(added) == sum(hasattr(job, "channel_name") for job in brief.jobs) - of_bystanders
    assert {job.channel_name for point in after.variants for job in point.measured} == {"as_made"}
