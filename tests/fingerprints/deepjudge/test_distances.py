"""DeepJudge's thresholds, votes and scores against scipy and loops; seeds; contrast models that are never judged."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import softmax

from benchmark.access.access import LABEL, grant
from benchmark.access.target import Target
from benchmark.plan.plan import plan
from benchmark.plan.prints import PrintsJob
from benchmark.plan.reading import read
from benchmark.plan.verdicts import MeasureJob
from fingerprints.deepjudge.black import DeepJudgeBlack
from fingerprints.deepjudge.white import DeepJudgeWhite
from tests.builder import configuration

N, K = 7, 5


@pytest.fixture
def payload() -> dict[str, torch.Tensor]:
    """Summands of five contrast models on seven prints in two distances, the first of either sign."""
    generator = torch.Generator().manual_seed(3)
    return {"contrast": torch.rand(N, K, 2, generator=generator) * torch.tensor([-1.0, 1.0])}


def bound(values: np.ndarray, level: float = 0.99) -> float:
    """The lower end of a two-sided interval of twice the error, as scipy has it."""
    low, _ = stats.t.interval(2 * level - 1, len(values) - 1, loc=values.mean(), scale=stats.sem(values))
    return float(low)


@pytest.mark.parametrize("level", [0.9, 0.99])
def test_the_lower_bound_is_scipy_s_one_tailed(payload, level):
    method = DeepJudgeBlack(level=level)
    expected = [bound(np.abs(payload["contrast"][:, :, i].double().numpy().mean(axis=0)), level) for i in (0, 1)]
    assert method.lower_bounds(payload, [0, 1]).tolist() == pytest.approx(expected)
    assert method.lower_bounds(payload, [1]).tolist() == pytest.approx(expected[1:])


def test_t_quantiles_of_the_tables():
    """t_{0.99} is 3.747, 2.821 and 2.539 for 5, 10 and 20 models; a prediction bound lies sqrt(n + 1) times as far."""
    for n, quantile in ((5, 3.747), (10, 2.821), (20, 2.539)):
        values = torch.linspace(0, 1, n)
        payload = {"contrast": values.expand(3, n)[:, :, None].repeat(1, 1, 2)}
        s = np.std(values.numpy(), ddof=1)
        for word, width in (("mean", n**-0.5), ("prediction", (1 + 1 / n) ** 0.5)):
            found = DeepJudgeBlack(bound=word).lower_bounds(payload, [0]).item()
            assert found == pytest.approx(0.5 - quantile * width * s, abs=1e-3)


def test_scores_votes_and_statistics_by_hand(payload):
    method = DeepJudgeBlack(alpha=0.7, level=0.6)
    tau = [0.7 * bound(np.abs(payload["contrast"][:, :, i].double().numpy().mean(axis=0)), 0.6) for i in (0, 1)]
    measured = torch.tensor([[-0.1, 0.9]] * 3 + [[-0.3, 0.9]] * 4)
    distances = [abs(-0.1 * 3 - 0.3 * 4) / 7, 0.9]
    scores = [min(max(1 - d / (2 * t), 0), 1) for d, t in zip(distances, tau, strict=True)]
    verifiers = method.verifiers(None)
    for name, column in (("robd", 0), ("jsd", 1)):
        one = verifiers[name]
        assert one.score(measured[:, column], payload) == pytest.approx(scores[column])
        assert one.statistic(measured[:, column], payload) == pytest.approx(distances[column])
        assert one.threshold(payload) == pytest.approx(tau[column])
    assert distances[0] < tau[0] and distances[1] > tau[1]  # one vote of two
    whole = verifiers["black"]
    assert whole.score(measured, payload) == pytest.approx(sum(scores) / 2)
    assert whole.statistic(measured, payload) == 0.5 and whole.threshold(payload) is None


def test_a_distance_at_the_threshold_votes_for_a_copy_and_scores_one_half(payload):
    verifier = DeepJudgeBlack().verifiers(None)["jsd"]
    at = torch.full((N,), 1.0, dtype=torch.double) * verifier.threshold(payload)
    assert verifier.score(at, payload) == pytest.approx(0.5)
    assert verifier.score(2 * at, payload) == 0 and verifier.score(0 * at, payload) == 1


def test_a_bound_below_zero_gives_a_threshold_of_zero_that_only_a_twin_meets():
    spread = torch.tensor([0.0, 0.0, 1.0]).expand(4, 3)[:, :, None].repeat(1, 1, 2)
    verifier = DeepJudgeBlack().verifiers(None)["jsd"]
    assert verifier.threshold({"contrast": spread}) == 0
    assert verifier.score(torch.zeros(4), {"contrast": spread}) == 1
    assert verifier.score(torch.full((4,), 1e-6), {"contrast": spread}) == 0


def test_repo_scale_multiplies_the_two_activation_distances_and_no_score():
    contrast = torch.rand(6, 4, 4, generator=torch.Generator().manual_seed(0)) + 1
    neuron = torch.tensor([3, 3, 8, 11, 20, 8])  # four of the 24 are tested
    payload = {"contrast": contrast, "outputs": torch.zeros(6, 24), "neuron": neuron}
    measured = torch.full((6,), 0.3)
    plain, scaled = (DeepJudgeWhite(repo_scale=flag).verifiers(None) for flag in (False, True))
    for name, factor in (("nod", 1), ("nad", 4), ("lod", 1), ("lad", 24)):
        assert scaled[name].statistic(measured, payload) == pytest.approx(
            factor * plain[name].statistic(measured, payload)
        )
        assert scaled[name].threshold(payload) == pytest.approx(factor * plain[name].threshold(payload))
        assert scaled[name].score(measured, payload) == plain[name].score(measured, payload)


@pytest.mark.parametrize("order", ["max", "min"])
def test_seeds_are_right_and_ranked_by_gini_certainty(classifier, generator, order):
    index = DeepJudgeBlack(order=order).seeds(classifier, generator(0)).tolist()
    test = classifier.data.test
    p = softmax(classifier.victim(test.pixels()).double().numpy(), axis=1)
    right = [i for i in range(len(test)) if p[i].argmax() == test.targets[i]]
    assert 0 < len(right) < len(test) and sorted(index) == right
    gini = [float(sum(value**2 for value in p[i])) for i in index]
    assert gini == pytest.approx(sorted(gini, reverse=order == "max"), abs=1e-7)


def test_seeds_of_the_certain_half_are_drawn_anew_and_before_the_others(classifier, generator):
    method, ranked = DeepJudgeBlack(), DeepJudgeBlack(order="max").seeds(classifier, generator(0)).tolist()
    middle = (len(ranked) + 1) // 2
    draws = [method.seeds(classifier, generator(seed)).tolist() for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]
    for found in draws:
        assert sorted(found[:middle]) == sorted(ranked[:middle]) and sorted(found[middle:]) == sorted(ranked[middle:])
        assert found[:middle] != ranked[:middle]


def test_without_classes_seeds_are_test_images_in_random_order(tasks, owner_of, generator):
    owner = owner_of(tasks["regression"])
    one, again, other = (DeepJudgeWhite().seeds(owner, generator(seed)).tolist() for seed in (0, 0, 1))
    assert one == again != other
    assert sorted(one) == sorted(other) == list(range(len(owner.data.test)))


def test_contrast_models_are_the_owner_s_own_and_never_judged():
    both = {name: {"_target_": f"fingerprint/deepjudge_{name}", "contrast": 4} for name in ("black", "white")}
    jobs = plan(read(configuration(fingerprint=both)))
    contrast = [{k: v for k, v in job.parents.items() if k != "victim"} for job in jobs.of_kind(PrintsJob)]
    assert all(list(each) == [f"reference {i}" for i in range(4)] for each in contrast)
    assert contrast[0] == contrast[-1]  # both settings share them
    judged = {job.suspect.key for job in jobs.of_kind(MeasureJob)}
    assert judged and not judged & set(contrast[0].values())
    seeds = {job.key: job.seed for job in jobs.jobs if job.kind == "model"}
    assert not {seeds[key] for key in judged} & {seeds[key] for key in contrast[0].values()}


def test_the_notes_name_bounds_and_those_below_zero(classifier, generator):
    twin = dataclasses.replace(classifier, references=(classifier.victim,) * 2)
    prints = DeepJudgeBlack(contrast=2, eps=0.3, step=0.1).generate(twin, 5, generator(0))
    assert prints.notes["LB of robd"] == prints.notes["least robd of contrast"] == 0
    other = dataclasses.replace(classifier, references=(classifier.victim, classifier.task.network().eval()))
    prints = DeepJudgeBlack(contrast=2, eps=0.3, step=0.1).generate(other, 5, generator(0))
    assert prints.notes["bound of jsd"] == "below 0, set to 0" and prints.notes["LB of jsd"] == 0
    access = grant(LABEL, Target.of(classifier.task, classifier.victim))
    measured = DeepJudgeBlack().verifiers(None)["robd"].measure(prints, access)
    assert measured.tolist() == [0] * 5
