"""Zoos of several owners: what needs no victim is made once for all, what needs one is each owner's own."""

from __future__ import annotations

import dataclasses

import pytest

from benchmark.plan.models import ModelJob
from benchmark.plan.reading import read
from benchmark.plan.recipes import Recipe
from benchmark.plan.zoo import Mark, Zoo, Zoos
from suspects.independent import Independent
from tests.builder import DIGITS, TASK, VGG, configuration

SUSPECTS = {
    "finetune": {"_target_": "suspect/finetune", "epochs": 1},
    "leaked": {"_target_": "suspect/leaked", "method": "random", "epochs": 1},
    "knockoff": {"_target_": "suspect/knockoff", "query_set": DIGITS, "budget": 64, "epochs": 1},
    "chain": {"_target_": "suspect/chain", "steps": ["finetune", {"_target_": "suspect/weight_pruning"}]},
    "independent": {"_target_": "suspect/independent", "replicate": [0, 1]},
    "vgg": {"_target_": "suspect/independent_variant", "data": "same", "architecture": VGG},
}
STOLEN = {"finetune", "leaked", "knockoff", "chain"}
METHODS = {
    "random": {"_target_": "fingerprint/random"},
    "conferae": {"_target_": "fingerprint/conferae"},  # which wants a surrogate and a reference, at least
}


class Marked(Independent, name="suspect/test_marked"):
    """A victim that its owner has marked with a text while it was trained."""

    text: str = ""


@pytest.fixture
def experiment():
    return read(configuration(suspect=SUSPECTS, fingerprint=METHODS, task={"one": TASK, "two": TASK}))


def mark(text: str) -> Mark:
    return Mark(text, Recipe("victim", "victim", Marked(text=text)))


def models(zoo: Zoo) -> dict[str, ModelJob]:
    """The victim, the suspects, and what the owner trains for the methods, by title."""
    helpers = {}
    for method, fingerprint in zoo.experiment.fingerprints.items():
        helpers |= {job.title: job for job in zoo.prints(method, fingerprint, 0).owned.helpers()}
    return {job.title: job for job in (zoo.victim, *zoo.suspects)} | helpers


def test_two_marks_share_every_model_that_needs_no_victim_and_nothing_else(experiment):
    zoos = Zoos(experiment)
    plain, first, second = (models(zoos.of("one", 0, each)) for each in (None, mark("a"), mark("b")))
    assert plain.keys() == first.keys() == second.keys()
    for title, job in plain.items():
        own = {job.key, first[title].key, second[title].key}
        needs_victim = job.role in ("victim", "surrogate") or job.recipe.family in STOLEN
        assert len(own) == (3 if needs_victim else 1), title
        if needs_victim and job.role != "victim":
            of = {each[title].parents["victim"] for each in (plain, first, second)}
            assert of == {each["one: victim"].key for each in (plain, first, second)}, title
    roles = {(job.role, job.victim is None) for job in plain.values()}
    assert roles >= {("suspect", True), ("suspect", False), ("surrogate", False), ("reference", True)}


def test_shared_models_are_the_same_objects_in_the_experiments_order(experiment):
    zoos = Zoos(experiment)
    plain, marked = zoos.of("one", 0), zoos.of("one", 0, mark("a"))
    assert [job.recipe.label for job in marked.suspects] == [job.recipe.label for job in plain.suspects]
    assert all(ours is theirs for ours, theirs in zip(plain.suspects, marked.suspects, strict=True) if not ours.victim)


def test_a_thief_leaks_the_prints_of_the_owner_that_he_robbed(experiment):
    zoos = Zoos(experiment)
    for each in (None, mark("a"), mark("b")):
        zoo = zoos.of("one", 0, each)
        (leaked,) = [job for job in zoo.suspects if job.recipe.family == "leaked"]
        assert leaked.leaked.victim is zoo.victim and leaked.parents["prints"] == zoo.leak("random").key


def test_a_mark_is_of_one_task_and_one_replicate(experiment):
    zoos, given = Zoos(experiment), mark("a")
    assert zoos.of("one", 0, given) is zoos.of("one", 0, mark("a"))  # planned once
    places = [("one", 0), ("one", 1), ("two", 0)]
    found = [models(zoos.of(*place, given)) for place in places]
    own = [{job.key for job in of.values() if job.victim or job.role == "victim"} for of in found]
    assert not (own[0] & own[1] or own[0] & own[2] or own[1] & own[2])
    strangers = [{job.key for job in of.values()} - mine for of, mine in zip(found, own, strict=True)]
    assert strangers[0] == strangers[1] and not strangers[0] & strangers[2]  # shared by the owners of one task


def test_negatives_do_not_depend_on_what_happens_to_the_victim(experiment):
    """Nor on the number of suspects beside them."""
    fewer = dataclasses.replace(experiment, recipes=tuple(r for r in experiment.recipes if r.family != "finetune"))
    before, after = (Zoos(each).of("one", 0, mark("a")).suspects for each in (experiment, fewer))
    negatives = [job.key for job in before if job.victim is None]
    assert [job.key for job in after if job.victim is None] == negatives and len(negatives) == 3
