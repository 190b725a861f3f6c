"""summary.csv: one row per task, method and set of suspects ("all", or "kept" without the degraded ones), main channel.

Every statistic is computed per repeat; the table holds its mean and its standard deviation (ddof = 1, NaN with one
repeat) over repeats, and a 95 % bootstrap interval over suspects of the mean, paired across the methods of a task.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark import metrics
from benchmark.report import findings as found

RESAMPLES = 2000
PER_REPEAT = ("aruc", "aruc_exact", "auc", "tpr_at_0", "tpr_at_5", "best", "best_rho", "robustness", "uniqueness")
WITH_INTERVAL = ("aruc", "aruc_exact", "auc", "tpr_at_0", "tpr_at_5", "best")
KEYS = ["task", "kind", "fingerprint", "verifier", "access"]


def summarise(scores: pd.DataFrame) -> pd.DataFrame:
    """Task x method x suspects in {all, kept}; `scores` of one channel, as `findings.checked` returns them.

    A method without a scored positive or negative keeps its row: NaN statistics and the reason.
    """
    rows = []
    for task in found.tasks(scores):
        here = scores[scores["task"] == task]
        suspects = here[here["family"] != "victim"]
        for variant, chosen in (("all", suspects), ("kept", suspects[~suspects["degraded"]])):
            rows += _task_rows(here, chosen, variant)
    return pd.DataFrame(rows)


def by_method(summary: pd.DataFrame, variant: str) -> dict[tuple[str, str, str], pd.Series]:
    """The rows of one set of suspects by (task, fingerprint, verifier), in order of appearance."""
    rows = summary[summary["suspects"] == variant]
    return {(str(row["task"]), str(row["fingerprint"]), str(row["verifier"])): row for _, row in rows.iterrows()}


def per_repeat(group: pd.DataFrame) -> dict[str, float]:
    """The statistics of one method in one repeat; rows are suspects."""
    scores, positive = group["score"].to_numpy(), group["positive"].to_numpy()
    best = metrics.best_threshold(scores, positive)
    return {
        "aruc": metrics.aruc(scores, positive),
        "aruc_exact": metrics.aruc_exact(scores, positive),
        "auc": metrics.roc_auc(scores, positive),
        "tpr_at_0": metrics.tpr_at_fpr(scores, positive, 0.0),
        "tpr_at_5": metrics.tpr_at_fpr(scores, positive, 0.05),
        "best": best.value,
        "best_rho": best.rho,
        "robustness": best.robustness,
        "uniqueness": best.uniqueness,
    }


def judged(group: pd.DataFrame) -> bool:
    """Whether at least one positive and one negative have a score."""
    known = group.loc[group["score"].notna(), "positive"]
    return bool(known.any() and not known.all())


def _task_rows(here: pd.DataFrame, chosen: pd.DataFrame, variant: str) -> list[dict[str, object]]:
    pairs = found.methods(here)
    intervals = _intervals(chosen, pairs)
    rows = []
    for pair in pairs:
        of_method = here[(here["fingerprint"] == pair[0]) & (here["verifier"] == pair[1])]
        group = chosen[(chosen["fingerprint"] == pair[0]) & (chosen["verifier"] == pair[1])]
        row: dict[str, object] = dict(of_method[KEYS].iloc[0]) | {"suspects": variant} | _counts(group)
        row |= _over_repeats(group) | intervals.get(pair, _no_interval())
        row["self_score"] = of_method.loc[of_method["family"] == "victim", "score"].mean()
        row["reason"] = _reason(group, variant)
        rows.append(row)
    return rows


def _counts(group: pd.DataFrame) -> dict[str, int]:
    known = group[group["score"].notna()]
    return {
        "positives": known.loc[known["positive"], "suspect"].nunique(),
        "negatives": known.loc[~known["positive"], "suspect"].nunique(),
        "repeats": known["repeat"].nunique(),
    }


def _over_repeats(group: pd.DataFrame) -> dict[str, float]:
    """Mean and sd of every statistic over the repeats that have it."""
    values = [per_repeat(repeat) for _, repeat in group.groupby("repeat") if judged(repeat)]
    frame = pd.DataFrame(values, columns=list(PER_REPEAT), dtype=float)
    columns = {}
    for name in PER_REPEAT:
        columns[name] = float(frame[name].mean())
        columns[f"{name}_sd"] = float(frame[name].std(ddof=1))
    return columns


def _no_interval() -> dict[str, float]:
    return {f"{name}_{end}": float("nan") for name in WITH_INTERVAL for end in ("low", "high")}


def _intervals(chosen: pd.DataFrame, pairs: list[tuple[str, str]]) -> dict[tuple[str, str], dict[str, float]]:
    """Bootstrap intervals of the methods that can be judged, all from the same resamples."""
    groups = {pair: chosen[(chosen["fingerprint"] == pair[0]) & (chosen["verifier"] == pair[1])] for pair in pairs}
    able = [pair for pair, group in groups.items() if judged(group)]
    if not able:
        return {}
    sides = chosen.drop_duplicates("suspect").set_index("suspect")["positive"].sort_index()
    repeats = sorted(chosen["repeat"].unique())
    cube = np.stack([_matrix(groups[pair], repeats, sides.index) for pair in able])
    drawn = metrics.bootstrap(cube, sides.to_numpy(), WITH_INTERVAL, resamples=RESAMPLES)
    return {
        pair: {
            f"{name}_{end}": float(getattr(drawn[name], end)[i]) for name in WITH_INTERVAL for end in ("low", "high")
        }
        for i, pair in enumerate(able)
    }


def _matrix(group: pd.DataFrame, repeats: list[int], suspects: pd.Index) -> NDArray[np.float64]:
    """(repeats, suspects) scores, NaN where there is none."""
    table = group.pivot(index="repeat", columns="suspect", values="score").reindex(index=repeats, columns=suspects)
    return table.to_numpy(dtype=float)


def _reason(group: pd.DataFrame, variant: str) -> str:
    """Why a method has no statistics: its own reason, or that a side is empty."""
    if judged(group):
        return ""
    given = group.loc[group["score"].isna() & (group["reason"] != ""), "reason"]
    if not given.empty:
        return str(given.iloc[0])
    return f"no scored positive or no scored negative among the {variant} suspects"
