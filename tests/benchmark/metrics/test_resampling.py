"""The clustered bootstrap against worked numbers, a slow loop that draws indices, and exact moments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmark import metrics
from benchmark.errors import InputError
from benchmark.metrics import resampling

POSITIVES = np.array([[0.9, 0.8, 0.7, 0.3], [0.95, 0.85, 0.6, 0.5], [0.8, 0.9, 0.75, 0.4]])
NEGATIVES = np.array([[0.2, 0.1, 0.35, 0.15], [0.3, 0.2, 0.1, 0.45], [0.1, 0.05, 0.25, 0.2]])
WORKED = np.concatenate([POSITIVES, NEGATIVES], axis=1)[None, :, None, :]  # one method, three victims, one repeat
ZOO = metrics.Zoo(np.arange(14) < 8, np.array([*"aaaabbcd", *"xxxxyy"]))
METRICS: dict[str, Callable[[Any, Any], float]] = {
    "aruc": metrics.aruc,
    "aruc_exact": metrics.aruc_exact,
    "auc": metrics.roc_auc,
    "tpr_at_0": lambda s, y: metrics.tpr_at_fpr(s, y, 0.0),
    "tpr_at_5": lambda s, y: metrics.tpr_at_fpr(s, y, 0.05),
    "best": lambda s, y: metrics.best_threshold(s, y).value,
}


def cube(seed: int = 0, methods: int = 3, victims: int = 3, repeats: int = 2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, 60, (methods, victims, repeats, 14))
    of_victim, of_suspect = rng.integers(0, 20, (1, victims, 1, 1)), rng.integers(0, 15, 14)
    return np.clip(drawn + of_victim + of_suspect + 15 * ZOO.positive, 0, 100) / 100


def indices(zoo: metrics.Zoo, rng: np.random.Generator) -> Iterator[int]:
    """One resample of suspects, drawn one at a time: families of each side, then suspects of each family drawn."""
    for side in (True, False):
        names = sorted(set(zoo.family[zoo.positive == side]))
        for name in rng.choice(names, len(names)):
            members = np.flatnonzero((zoo.positive == side) & (zoo.family == name))
            yield from rng.choice(members, len(members))


def slow(scores: np.ndarray, zoo: metrics.Zoo, metric: Callable[..., float], resamples: int) -> np.ndarray:
    """(resamples, methods) by loops."""
    rng = np.random.default_rng(1)
    rows = []
    for _ in range(resamples):
        chosen = np.array(list(indices(zoo, rng)))
        victims = rng.choice(scores.shape[1], scores.shape[1])
        rows.append(
            [
                np.mean([np.mean([metric(r[chosen], zoo.positive[chosen]) for r in method[v]]) for v in victims])
                for method in scores
            ]
        )
    return np.array(rows)


def test_the_worked_example_has_its_standard_deviation_and_interval() -> None:
    zoo = metrics.Zoo(np.arange(8) < 4, np.array([*"abcdwxyz"]))
    areas = [roc_auc_score(zoo.positive, row) for row in WORKED[0, :, 0]]
    assert areas == pytest.approx([0.9375, 1, 1])
    drawn = metrics.resampled(["auc"], WORKED, zoo, metrics.draw(zoo, 3, resamples=40_000))["auc"][:, 0]
    assert drawn.std() == pytest.approx(0.042, abs=0.001)
    assert tuple(metrics.percentiles(drawn)) == pytest.approx((0.875, 1.0), abs=1e-9)


def test_victims_alone_have_the_exact_standard_deviation() -> None:
    """The mean of three draws out of .9375, 1, 1 has sd .017010."""
    zoo = metrics.Zoo(np.arange(8) < 4, np.array([*"abcdwxyz"]))
    draws = metrics.draw(zoo, 3, resamples=60_000)
    still = draws._replace(suspects=np.ones_like(draws.suspects))
    drawn = metrics.resampled(["auc"], WORKED, zoo, still)["auc"]
    assert drawn.std() == pytest.approx(0.017010, abs=2e-4)


@pytest.mark.parametrize("name", list(METRICS))
def test_resamples_agree_with_the_slow_loop(name: str) -> None:
    scores = cube()
    fast = metrics.resampled([name], scores, ZOO, metrics.draw(ZOO, 3, resamples=6000))[name]
    expected = slow(scores, ZOO, METRICS[name], 800)
    assert fast.mean(axis=0) == pytest.approx(expected.mean(axis=0), abs=0.02)
    assert fast.std(axis=0) == pytest.approx(expected.std(axis=0), rel=0.12)
    ends = np.percentile(expected, [2.5, 97.5], axis=0)
    assert np.allclose(np.percentile(fast, [2.5, 97.5], axis=0), ends, atol=0.06)


def test_macro_resamples_agree_with_a_slow_loop_over_drawn_families() -> None:
    scores, rng = cube()[:1, :1, :1], np.random.default_rng(2)
    rows = []
    for _ in range(3000):
        areas: dict[bool, list[np.ndarray]] = {}
        for side in (True, False):
            names = sorted(set(ZOO.family[ZOO.positive == side]))
            members = [
                np.flatnonzero((ZOO.positive == side) & (ZOO.family == n)) for n in rng.choice(names, len(names))
            ]
            areas[side] = [scores[0, 0, 0, rng.choice(each, len(each))] for each in members]
        pairs = [np.mean((p[:, None] > n) + (p[:, None] == n) / 2) for p in areas[True] for n in areas[False]]
        rows.append(np.mean(pairs))
    fast = metrics.resampled(["auc_macro"], scores, ZOO, metrics.draw(ZOO, 1, resamples=20_000))["auc_macro"]
    assert fast.mean() == pytest.approx(np.mean(rows), abs=0.01)
    assert fast.std() == pytest.approx(np.std(rows), rel=0.06)


@pytest.mark.parametrize("name", [*METRICS, "auc_macro"])
def test_a_resample_equal_to_the_sample_gives_the_plain_metrics(name: str) -> None:
    scores = cube()
    scores[1, :, :, [0, 7, 13]] = np.nan
    scores[2, 0, 1, 3] = np.nan
    once = metrics.Draws(np.ones((1, 3), np.float32), np.ones((1, 14), np.float32))

    def plain(row: np.ndarray) -> float:
        if name == "auc_macro":
            return metrics.macro_auc(row, ZOO.positive, ZOO.family)
        return METRICS[name](row, ZOO.positive)

    expected = [[[plain(row) for row in victim] for victim in method] for method in scores]
    found = metrics.resampled([name], scores, ZOO, once)[name]
    assert found[0] == pytest.approx(np.mean(expected, axis=(1, 2)), abs=1e-12)


def test_methods_share_the_draws_and_neither_chunks_nor_company_change_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scores, draws, names = cube(), metrics.draw(ZOO, 3, resamples=300), list(metrics.STATISTICS)
    twice = metrics.resampled(names, np.concatenate([scores, scores[::-1]]), ZOO, draws)
    monkeypatch.setattr(resampling, "CHUNK_CELLS", 5000)
    once = metrics.resampled(names, scores, ZOO, draws)
    for name in names:
        assert np.array_equal(twice[name][:, :3], twice[name][:, :2:-1])
        assert np.allclose(twice[name][:, :3], once[name], atol=1e-12)


def test_draws_keep_families_together_and_sides_at_their_size_on_the_mean() -> None:
    draws = metrics.draw(ZOO, 3, resamples=4000)
    assert draws.victims.sum(axis=1).tolist() == [3.0] * 4000
    for name in "abcdxy":
        drawn = draws.suspects[:, ZOO.family == name].sum(axis=1)
        size = (ZOO.family == name).sum()
        assert set(drawn % size) == {0.0} and drawn.mean() == pytest.approx(size, rel=0.1)
        assert (drawn == 0).any()
    families = (
        draws.suspects[:, :4].sum(axis=1) / 4,
        draws.suspects[:, 4:6].sum(axis=1) / 2,
        *draws.suspects[:, 6:8].T,
    )
    assert sum(families).tolist() == [4.0] * 4000


def test_one_victim_and_one_family_are_not_resampled_but_its_suspects_are() -> None:
    zoo = metrics.Zoo(np.arange(6) < 3, np.array(["a"] * 3 + ["x"] * 3))
    draws = metrics.draw(zoo, 1, resamples=500)
    assert set(draws.victims.ravel()) == {1.0}
    assert set(draws.suspects[:, :3].sum(axis=1)) == {3.0} and draws.suspects.std() > 0
    assert zoo.families(True) == zoo.families(False) == 1 and (ZOO.families(True), ZOO.families(False)) == (4, 2)


def test_repeats_are_averaged_and_do_not_narrow_anything() -> None:
    scores = cube(repeats=1)
    draws = metrics.draw(ZOO, 3, resamples=200)
    once = metrics.resampled(["auc"], scores, ZOO, draws)["auc"]
    thrice = metrics.resampled(["auc"], np.repeat(scores, 3, axis=2), ZOO, draws)["auc"]
    assert np.allclose(once, thrice, atol=1e-12)


def test_shares_of_the_accused_agree_with_a_loop() -> None:
    rng = np.random.default_rng(0)
    hits = rng.integers(0, 2, (2, 3, 2, 14)).astype(float)
    hits[0, 1, 0] = np.nan
    hits[1, :, :, 5] = np.nan
    draws = metrics.draw(ZOO, 3, resamples=50)
    for side in (True, False):
        found = metrics.resampled_shares(hits, ZOO, side, draws)
        for b in range(50):
            weights = draws.suspects[b] * (ZOO.positive == side)
            for method in range(2):
                means = []
                for victim in np.repeat(np.arange(3), draws.victims[b].astype(int)):
                    shares = []
                    for row in hits[method, victim]:
                        known = ~np.isnan(row)
                        if weights[known].sum():
                            shares.append((weights * np.nan_to_num(row)).sum() / weights[known].sum())
                    means += [np.mean(shares)] if shares else []
                assert found[b, method] == pytest.approx(np.mean(means) if means else np.nan, nan_ok=True)


def test_a_method_that_can_judge_nobody_of_a_side_is_refused() -> None:
    scores = cube()
    scores[1, :, :, :8] = np.nan
    with pytest.raises(InputError, match="at least one scored positive"):
        metrics.resampled(["auc"], scores, ZOO, metrics.draw(ZOO, 3, resamples=5))


def test_a_victim_without_scores_leaves_the_others() -> None:
    scores = cube()
    scores[0, 2] = np.nan
    draws = metrics.draw(ZOO, 3, resamples=400)
    found = metrics.resampled(["auc"], scores, ZOO, draws)["auc"][:, 0]
    alone = draws.victims[:, 2] == 3
    assert alone.any() and np.isnan(found[alone]).all() and not np.isnan(found[~alone]).any()
