"""What an experiment asks: which suspects stand on which side, which are not planned, and why."""

from __future__ import annotations

import pytest

from benchmark.contracts.truth import INTEGRITY, OWNERSHIP, QUESTIONS, Relation
from benchmark.errors import InputError
from benchmark.plan.models import ModelJob
from benchmark.plan.plan import plan
from benchmark.plan.reading import read
from suspects.chain import Chain
from suspects.distill import Distill
from suspects.finetune import FineTune
from suspects.permute import FeaturePermutation
from tests.builder import INDEPENDENT, composed, configuration

RELATIONS = {
    "adversarial": Relation.MODIFIED,
    "chain": Relation.MODIFIED,
    "chain_extracted": Relation.DERIVED,
    "distill": Relation.DERIVED,
    "feature_permutation": Relation.EQUIVALENT,
    "filter_pruning": Relation.MODIFIED,
    "fine_pruning": Relation.MODIFIED,
    "finetune": Relation.MODIFIED,
    "half_precision": Relation.MODIFIED,
    "independent": Relation.INDEPENDENT,
    "jbda": Relation.DERIVED,
    "knockoff": Relation.DERIVED,
    "label_smoothing": Relation.MODIFIED,
    "leaked": Relation.MODIFIED,
    "other_architecture": Relation.INDEPENDENT,
    "other_both": Relation.INDEPENDENT,
    "other_half": Relation.INDEPENDENT,
    "quantise": Relation.MODIFIED,
    "retrain": Relation.MODIFIED,
    "synthesis": Relation.DERIVED,
    "transfer": Relation.MODIFIED,
    "undertrained": Relation.INDEPENDENT,
    "weight_noise": Relation.MODIFIED,
    "weight_pruning": Relation.MODIFIED,
    "weight_shifting": Relation.MODIFIED,
}
SUSPECTS = {
    "permuted": {"_target_": "suspect/feature_permutation"},
    "pruned": {"_target_": "suspect/weight_pruning"},
    "distilled": {"_target_": "suspect/distill"},
    "independent": INDEPENDENT,
}


def planned(question):
    """The labels of the suspects that are planned, by the side on which they stand."""
    experiment = read(configuration(question=question, suspect=SUSPECTS))
    models = [job.recipe for job in plan(experiment).of_kind(ModelJob) if job.role == "suspect"]
    return {side: {r.family for r in models if experiment.is_positive(r.suspect) is side} for side in (True, False)}


def test_the_relation_of_every_recipe_that_there_has_been():
    """A recipe that is added needs no line here; one whose relation changes moves from one side of a result."""
    experiment = read(composed("experiment=thieves"))
    found = {recipe.family: recipe.suspect.relation for recipe in experiment.recipes}
    assert found.items() >= RELATIONS.items()


def test_the_questions_take_sides():
    assert set(QUESTIONS) == {"ownership", "integrity"}
    assert OWNERSHIP.positive | OWNERSHIP.negative == set(Relation)
    assert OWNERSHIP.negative == {Relation.INDEPENDENT}
    assert (INTEGRITY.positive, INTEGRITY.negative) == ({Relation.EQUIVALENT}, {Relation.MODIFIED})
    assert not any(q.positive & q.negative for q in QUESTIONS.values())


def test_ownership_sets_all_copies_against_independent_models():
    assert planned("ownership") == {True: {"permuted", "pruned", "distilled"}, False: {"independent"}}


def test_integrity_sets_modified_against_equivalent_models_and_plans_no_other():
    assert planned("integrity") == {True: {"permuted"}, False: {"pruned"}}


def test_why_a_question_is_not_asked_of_the_others():
    experiment = read(configuration(question="integrity", suspect=SUSPECTS))
    task = experiment.tasks["digits"]
    reasons = {recipe.family: experiment.inapplicable(recipe.suspect, task) for recipe in experiment.recipes}
    assert reasons == {
        "permuted": "",
        "pruned": "",
        "distilled": "the question of integrity is not asked where the relation is «derived»",
        "independent": "the question of integrity is not asked where the relation is «independent»",
    }


def test_a_question_moves_no_key_of_what_both_plan():
    one, other = (
        {job.title: job.key for job in plan(read(configuration(question=question, suspect=SUSPECTS, gallery=0))).jobs}
        for question in QUESTIONS
    )
    shared = one.keys() & other.keys()
    assert any("pruned" in title for title in shared) and all(one[title] == other[title] for title in shared)


@pytest.mark.parametrize(
    ("question", "suspects", "line"),
    [
        ("theft", SUSPECTS, r"^question: 'theft' is none of ownership, integrity$"),
        (None, SUSPECTS, r"^question: None is none of ownership, integrity$"),
        ("integrity", {"pruned": SUSPECTS["pruned"]}, r"^suspect: there is no positive suspect, "),
        ("integrity", {"permuted": SUSPECTS["permuted"]}, r"^suspect: there is no negative suspect, "),
        ("ownership", {"pruned": SUSPECTS["pruned"]}, r"^suspect: there is no negative suspect, "),
    ],
)
def test_a_question_that_cannot_be_asked_is_one_line(question, suspects, line):
    with pytest.raises(InputError, match=line) as caught:
        read(configuration(question=question, suspect=suspects))
    assert "\n" not in str(caught.value)


def test_a_chain_is_as_far_from_the_victim_as_its_farthest_step():
    same, changed, learnt = FeaturePermutation(), FineTune(), Distill()
    for steps, relation in (
        ((same, same), Relation.EQUIVALENT),
        ((same, changed), Relation.MODIFIED),
        ((changed, same), Relation.MODIFIED),
        ((changed, learnt, same), Relation.DERIVED),
    ):
        assert Chain(steps=steps).relation is relation
