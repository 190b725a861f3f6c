"""differences.csv: what every method is ahead of, or behind, two rivals, with paired intervals and corrected p-values.

Two overlapping intervals say little on which of two methods is better: both were judged on the same suspects, and what
is hard for one is often hard for the other. So the difference itself is resampled, with the same victims, families and
suspects for both, on those suspects that both can judge.

The rivals are chosen from the data: the best, of the largest mean AUC, and the cheapest, of the fewest queries per
suspect among those that see labels alone (where there is none, of those that need no white box); of several that ask
equally often, the one whose prints are made soonest. p is two-sided; Holm's correction is over all comparisons of a
task and a statistic, with both rivals, each pair once: what the cheapest is behind the best stands among the
differences to the best. The best one is best on these very suspects, so differences to it are, if anything, too
large.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark import metrics
from benchmark.report import findings as found
from benchmark.report import owner
from benchmark.report import summary as summaries
from benchmark.report.cubes import Cube, Method, cube, mean_known, over_victims

COLUMNS = (
    *("task", "fingerprint", "verifier", "rival", "against_fingerprint", "against_verifier", "statistic", "difference"),
    *("low", "high", "p", "p_holm", "positives_least", "positives", "negatives_least", "negatives"),
    *("victims", "reason"),
)
STATISTICS = ("auc", "owner_tpr")
RESAMPLES = 4000  # p is 2 / 4001 at least: Holm's correction over a hundred comparisons can still reject at 5 %
ASKED = ("label", "probability")  # what a baseline may see, the less the better


def differences(
    scores: pd.DataFrame, references: pd.DataFrame, rate: float, summary: pd.DataFrame, prints: pd.DataFrame
) -> pd.DataFrame:
    """One row per task, method, rival and statistic; methods without statistics have none.

    Args:
        scores: of one channel.
        summary: of the same scores, to choose rivals by.
        prints: what making them took, for the same purpose.
    """
    rows: list[dict[str, object]] = []
    for task in found.tasks(scores):
        here = owner.decided(scores[scores["task"] == task], references[references["task"] == task], rate)
        whole = cube(here)
        able = whole.only(whole.able)
        of_summary, made = (frame[frame["task"] == task] for frame in (summary, prints))
        chosen = rivals(here, of_summary, made, able.methods)
        pairs = [(rival, frozenset((against, method))) for rival, against in chosen.items() for method in able.methods]
        first = {pair: rival for rival, pair in reversed(pairs)}
        of_task = [
            {"task": task, **row}
            for rival, against in chosen.items()
            for row in _against(able, rival, able.methods.index(against))
            if first[frozenset((against, (str(row["fingerprint"]), str(row["verifier"]))))] == rival
        ]
        rows += _corrected(of_task)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def rivals(scores: pd.DataFrame, summary: pd.DataFrame, prints: pd.DataFrame, able: list[Method]) -> dict[str, Method]:
    """The best and the cheapest method of one task, by what they are to others."""
    if not able:
        return {}
    areas = {(f, v): float(row["auc"]) for (_, f, v), row in summaries.by_method(summary, "all").items()}
    chosen = {"best": max(able, key=lambda pair: areas[pair])}  # the first of several
    asked = scores[scores["score"].notna() & scores["access"].isin(ASKED)]
    if not asked.empty:
        prices = asked.groupby(["fingerprint", "verifier"], sort=False).agg(
            access=("access", "first"), queries=("queries", "mean")
        )
        seconds = prints.groupby("fingerprint")["seconds"].mean()
        order = {
            pair: (ASKED.index(row["access"]), row["queries"], seconds.get(pair[0], np.inf))
            for pair, row in prices.iterrows()
            if pair in able
        }
        if order:
            cheapest = min(order, key=lambda pair: order[pair])
            chosen["cheapest"] = (str(cheapest[0]), str(cheapest[1]))
    return chosen


def _against(able: Cube, rival: str, at: int) -> Iterator[dict[str, object]]:
    """The rows of one rival; draws are the same for every pair."""
    draws = able.draws(RESAMPLES)
    for place, method in enumerate(able.methods):
        if place == at:
            continue
        pair = able.only([place, at])
        both = pair.among(np.all(pair.known, axis=0, keepdims=True))
        names = dict(zip(("fingerprint", "verifier"), method, strict=True))
        names |= dict(zip(("against_fingerprint", "against_verifier"), able.methods[at], strict=True))
        for statistic in STATISTICS:
            row = _compared(both, statistic, draws)
            yield names | {"rival": rival, "statistic": statistic} | row


def _compared(both: Cube, statistic: str, draws: metrics.Draws) -> dict[str, object]:
    """Difference, interval and p of two methods."""
    counts = {"victims": int(both.known[0].any(axis=(1, 2)).sum())}
    for name, side in (("positives", True), ("negatives", False)):
        counts |= dict(zip((f"{name}_least", name), map(int, both.sizes(side)[:, 0]), strict=True))
    nothing = {"difference": np.nan, "low": np.nan, "high": np.nan, "p": np.nan, **counts}
    if len(both.able) < 2:
        return nothing | {"reason": "no suspects on both sides that both methods can judge"}
    estimates, drawn = _statistic(both, statistic, draws)
    if np.isnan(estimates).any():
        return nothing | {"reason": "one of them has no threshold"}
    difference = float(estimates[0] - estimates[1])
    apart = drawn[:, 0] - drawn[:, 1]
    units = min(int(both.count(side)[0]) for side in ((True,) if statistic == "owner_tpr" else (True, False)))
    low, high = metrics.widened(apart, difference, units, (-1.0, 1.0))
    p = metrics.differs(apart, difference, units)
    return {"difference": difference, "low": low, "high": high, "p": p, **counts, "reason": ""}


def _statistic(both: Cube, statistic: str, draws: metrics.Draws) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The statistic of two methods, (2,), and of every resample, (resamples, 2)."""
    if statistic == "owner_tpr":
        shares = mean_known(both.accused[..., both.zoo.positive])
        return over_victims(shares), metrics.resampled_shares(both.accused, both.zoo, True, draws)
    cells = [summaries.area(scores, both.zoo) for scores in both.scores.reshape(-1, both.scores.shape[-1])]
    areas = np.array(cells).reshape(both.scores.shape[:3])
    return over_victims(areas), metrics.resampled(["auc"], both.scores, both.zoo, draws)["auc"]


def _corrected(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """The rows of one task with Holm's p, statistic by statistic."""
    corrected = []
    for statistic in STATISTICS:
        chosen = [row for row in rows if row["statistic"] == statistic]
        adjusted = metrics.holm(np.array([row["p"] for row in chosen], dtype=float))
        corrected += [{**row, "p_holm": float(p)} for row, p in zip(chosen, adjusted, strict=True)]
    return corrected
