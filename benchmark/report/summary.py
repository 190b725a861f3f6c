"""summary.csv: one row per task, method and set of suspects, main channel.

The sets: "all"; "kept", without degraded positives; "common", those that every method able to judge anyone on the task
can judge, so that their rows speak of the same suspects.

Every statistic is computed per victim and repeat. The table holds the mean over victims of the means over repeats; its
standard deviation over victims (`_sd`: ddof = 1, NaN with one victim) and over the repeats within a victim
(`_sd_repeats`: root of the mean variance); and a 95 % interval from the clustered bootstrap, paired across the methods
of a task, its collapsed ends widened. `covers` says of what the interval speaks. `owner_*` is at the owner's threshold.

`positives` and `negatives` count what one set of prints judged: the most of all sets, and in `_least` the fewest, since
a copy may be degraded, or not be judged, for some of the victims alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark import metrics
from benchmark.report import findings as found
from benchmark.report import owner
from benchmark.report.cubes import Cube, Method, common, cube, mean_known, over_victims

RESAMPLES = 2000
VARIANTS = ("all", "kept", "common")
WITH_INTERVAL = ("aruc", "aruc_exact", "auc", "auc_macro", "tpr_at_0", "tpr_at_5", "best")
PER_REPEAT = (*WITH_INTERVAL, "best_rho", "robustness", "uniqueness")
OWNERS = {"owner_tpr": True, "owner_fpr": False}  # of positives, of negatives
TOP = {"aruc": 100 / 101}  # largest value of a statistic, where it is not 1
COUNTS = ("positives_least", "positives", "negatives_least", "negatives", "victims", "repeats")
PAIR = ["fingerprint", "verifier"]
KEYS = ["task", "kind", "fingerprint", "verifier", "access"]


def summarise(scores: pd.DataFrame, references: pd.DataFrame | None = None, rate: float = owner.RATE) -> pd.DataFrame:
    """Task x method x suspects in VARIANTS; `scores` of one channel, as `findings.checked` returns them.

    A method without a scored positive or negative keeps its row: NaN statistics and the reason.
    """
    known = found.empty("references") if references is None else references
    rows = []
    for task in found.tasks(scores):
        here = scores[scores["task"] == task]
        suspects = owner.decided(here, known[known["task"] == task], rate)
        whole, kept = cube(suspects), cube(suspects[~(suspects["degraded"] & suspects["positive"])])
        parts = {"all": _Part(whole, rate), "kept": _Part(kept, rate)}
        shared = whole.among(common(whole))
        parts["common"] = _Part(shared, rate) if (shared.known != whole.known).any() else parts["all"]
        of_methods, judged_by = (dict(iter(each.groupby(PAIR, sort=False))) for each in (here, suspects))
        for variant in VARIANTS:
            rows += [
                parts[variant].row(of_methods[pair], judged_by.get(pair, suspects.head(0)), pair)
                | {"suspects": variant}
                for pair in found.methods(here)
            ]
    return pd.DataFrame(rows)


def by_method(summary: pd.DataFrame, variant: str) -> dict[tuple[str, str, str], pd.Series]:
    """The rows of one set of suspects by (task, fingerprint, verifier), in order of appearance."""
    rows = summary[summary["suspects"] == variant]
    return {(str(row["task"]), str(row["fingerprint"]), str(row["verifier"])): row for _, row in rows.iterrows()}


def per_repeat(scores: NDArray[np.floating], zoo: metrics.Zoo) -> dict[str, float]:
    """The statistics of one method with one set of prints, NaN without a score on each side; scores (suspects,)."""
    known = zoo.positive[~np.isnan(scores)]
    if not known.any() or known.all():
        return dict.fromkeys(PER_REPEAT, np.nan)
    best = metrics.best_threshold(scores, zoo.positive)
    return {
        "aruc": metrics.aruc(scores, zoo.positive),
        "aruc_exact": metrics.aruc_exact(scores, zoo.positive),
        "auc": metrics.roc_auc(scores, zoo.positive),
        "auc_macro": metrics.macro_auc(scores, *zoo),
        "tpr_at_0": metrics.tpr_at_fpr(scores, zoo.positive, 0.0),
        "tpr_at_5": metrics.tpr_at_fpr(scores, zoo.positive, 0.05),
        "best": best.value,
        "best_rho": best.rho,
        "robustness": best.robustness,
        "uniqueness": best.uniqueness,
    }


def area(scores: NDArray[np.floating], zoo: metrics.Zoo) -> float:
    """The AUC of one method with one set of prints, NaN without a score on each side; scores (suspects,)."""
    known = zoo.positive[~np.isnan(scores)]
    return metrics.roc_auc(scores, zoo.positive) if known.any() and not known.all() else float("nan")


def judged(group: pd.DataFrame) -> bool:
    """Whether at least one positive and one negative have a score."""
    known = group["positive"].to_numpy()[group["score"].notna().to_numpy()]
    return bool(known.any() and not known.all())


@dataclass(frozen=True)
class _Part:
    """One set of suspects of one task."""

    whole: Cube
    rate: float

    @cached_property
    def able(self) -> Cube:
        return self.whole.only(self.whole.able)

    @cached_property
    def places(self) -> dict[Method, int]:
        return {method: place for place, method in enumerate(self.able.methods)}

    @cached_property
    def values(self) -> dict[str, NDArray[np.float64]]:
        """Every statistic, (methods, victims, repeats)."""
        shape = self.able.scores.shape
        cells = [per_repeat(scores, self.able.zoo) for scores in self.able.scores.reshape(-1, shape[-1])]
        values = {name: np.array([cell[name] for cell in cells]).reshape(shape[:3]) for name in PER_REPEAT}
        for name, side in OWNERS.items():
            values[name] = mean_known(self.able.accused[..., self.able.zoo.positive == side])
        return values

    @cached_property
    def drawn(self) -> dict[str, NDArray[np.float64]]:
        """The statistics that have intervals, (resamples, methods)."""
        draws = self.able.draws(RESAMPLES)
        drawn = metrics.resampled(WITH_INTERVAL, self.able.scores, self.able.zoo, draws)
        shares = {n: metrics.resampled_shares(self.able.accused, self.able.zoo, s, draws) for n, s in OWNERS.items()}
        return drawn | shares

    def row(self, of_method: pd.DataFrame, group: pd.DataFrame, pair: Method) -> dict[str, object]:
        """The row of one method; `of_method` with the victim's own rows, `group` without."""
        place = self.places.get(pair)
        row: dict[str, object] = dict(of_method[KEYS].iloc[0]) | {"suspects": ""}  # its place among the columns
        row |= self._counts(pair, place) | self._statistics(place) | _prints(group)
        row["covers"] = "" if place is None else self.able.covers()
        row["self_score"] = of_method.loc[of_method["family"] == "victim", "score"].mean()
        row["reason"] = "" if place is not None else _reason(group)
        return row | self._threshold(group, place)

    def _counts(self, pair: Method, place: int | None) -> dict[str, int]:
        if pair not in self.whole.methods:
            return dict.fromkeys(COUNTS, 0)
        at = self.whole.methods.index(pair)
        ends = [int(end) for side in (True, False) for end in self.whole.sizes(side)[:, at]]
        done = self.whole.known[at].any(axis=-1)
        sets = [int(done.any(axis=1).sum()), int(done.sum(axis=1).max(initial=0))]
        return dict(zip(COUNTS, (*ends, *sets), strict=True))

    def _statistics(self, place: int | None) -> dict[str, float]:
        columns: dict[str, float] = {}
        for name in (*PER_REPEAT, *OWNERS):
            values = np.full((1, 1), np.nan) if place is None else self.values[name][place]
            columns[name] = float(over_victims(values))
            columns[f"{name}_sd"] = _sd(mean_known(values))
            columns[f"{name}_sd_repeats"] = float(
                np.sqrt(mean_known(np.array([_sd(of_victim) ** 2 for of_victim in values])))
            )
            if name in WITH_INTERVAL or name in OWNERS:
                ends = (np.nan, np.nan) if place is None else self._interval(name, place, columns[name])
                columns |= {f"{name}_low": ends[0], f"{name}_high": ends[1]}
        return columns

    def _interval(self, name: str, place: int, estimate: float) -> metrics.Interval:
        """The units are suspects: of the side itself for shares of a side, else of the smaller side."""
        sizes = {side: int(self.able.count(side)[place]) for side in (True, False)}
        units = sizes[OWNERS[name]] if name in OWNERS else min(sizes.values())
        return metrics.widened(self.drawn[name][:, place], estimate, units, (0.0, TOP.get(name, 1.0)))

    def _threshold(self, group: pd.DataFrame, place: int | None) -> dict[str, object]:
        """The owner's threshold, of how many references it comes, and why there is none."""
        known = group[group["score"].notna()]
        if place is None:
            return {"owner_rho": np.nan, "references": 0, "smallest_p": np.nan, "owner_reason": ""}
        fewest = int(known["references"].min())
        silent = known["rho"].isna().any()
        return {
            "owner_rho": float(known["rho"].mean()),
            "references": fewest,
            "smallest_p": 1 / (fewest + 1) if fewest else np.nan,
            "owner_reason": owner.without_threshold(fewest, self.rate) if silent else "",
        }


def _reason(group: pd.DataFrame) -> str:
    """Why a method has no statistics: its own reason, or that a side is empty."""
    given = group.loc[group["score"].isna() & (group["reason"] != ""), "reason"]
    if not given.empty and not judged(group):
        return str(given.iloc[0])
    return "no scored positive or no scored negative among these suspects"


def _prints(group: pd.DataFrame) -> dict[str, float]:
    """How many prints a verdict rests on, and how many were made."""
    known = group[group["score"].notna()]
    return {"n_prints": float(known["n"].mean()), "made": float(known["made"].max())}


def _sd(values: NDArray[np.floating]) -> float:
    """Standard deviation with ddof 1 of what is known; NaN of fewer than two."""
    known = values[~np.isnan(values)]
    return float(np.std(known, ddof=1)) if known.size > 1 else float("nan")
