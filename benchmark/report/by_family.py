"""families.csv: AUC of every family alone, positives against all negatives, negatives against all positives.

A pooled AUC is the composition of the zoo: many easy suspects of one family lift it. These rows, and their mean
`auc_macro` in the summary, are free of that.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmark import metrics
from benchmark.report import findings as found
from benchmark.report import summary as summaries
from benchmark.report.cubes import Cube, cube, over_victims

COLUMNS = (
    *("task", "fingerprint", "verifier", "family", "relation", "positive", "auc", "low", "high", "p"),
    *("suspects", "others", "victims"),
)
DERIVED = "derived"  # the relation of copies that learnt from the victim's answers, such as distilled ones


def areas(scores: pd.DataFrame) -> pd.DataFrame:
    """One row per task, method and family with a score, and one of family "": all derived positives that work.

    A derived copy that is degraded, such as a low rung of an extraction's ladder, is left out of that row for the
    victim of which it is one. `suspects` counts the family's own suspects that have a score, each label once, `others`
    those of the other side. Intervals are of the clustered bootstrap; within a family its suspects are resampled. `p`
    is two-sided, of the family being ranked as the other side is, AUC 0.5, and agrees with the interval: few suspects,
    all ranked rightly, have a large one.
    """
    rows: list[dict[str, object]] = []
    for task in found.tasks(scores):
        here = scores[(scores["task"] == task) & (scores["family"] != "victim")]
        whole = cube(here.assign(accused=np.nan))
        relations = here.drop_duplicates("suspect").set_index("suspect")["relation"].reindex(whole.suspects).to_numpy()
        for family in found.families(here):
            own = whole.zoo.family == family
            names = {"task": task, "family": family, "relation": relations[own][0]}
            rows += [names | row for row in _of(whole, own)]
        derived = (here["relation"] == DERIVED) & here["positive"]
        working = cube(here[~here["positive"] | (derived & ~here["degraded"])].assign(accused=np.nan))
        if working.zoo.positive.any():
            names = {"task": task, "family": "", "relation": DERIVED}
            rows += [names | row for row in _of(working, working.zoo.positive)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _of(whole: Cube, own: np.ndarray) -> list[dict[str, object]]:
    """The rows of some suspects of one side against all of the other."""
    side = bool(whole.zoo.positive[own][0])
    part = whole.of(own | (whole.zoo.positive != side))
    able = part.only(part.able)
    if not able.methods:
        return []
    drawn = metrics.resampled(["auc"], able.scores, able.zoo, able.draws(summaries.RESAMPLES))["auc"]
    cells = [summaries.area(scores, able.zoo) for scores in able.scores.reshape(-1, len(able.suspects))]
    estimates = over_victims(np.array(cells).reshape(able.scores.shape[:3]))
    rows = []
    for place, (fingerprint, verifier) in enumerate(able.methods):
        sizes = [int(able.count(each)[place]) for each in (side, not side)]
        found = drawn[:, place], float(estimates[place]), min(sizes)
        low, high = metrics.widened(*found)
        rows.append(
            {
                **{"fingerprint": fingerprint, "verifier": verifier, "positive": side},
                **{"auc": float(estimates[place]), "low": low, "high": high},
                **{"p": metrics.differs(*found, (0.0, 1.0), 0.5), "suspects": sizes[0], "others": sizes[1]},
                "victims": int(able.known[place].any(axis=(1, 2)).sum()),
            }
        )
    return rows
