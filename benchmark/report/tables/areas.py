"""The tables of verdicts: ARUC and AUC of all, kept and common suspects, operating points, who was degraded."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from benchmark.metrics import bound
from benchmark.report import findings as found
from benchmark.report.numbers import DASH, interval, number, spread
from benchmark.report.summary import VARIANTS
from benchmark.report.tables import sizes
from benchmark.report.tables.reasons import unjudged
from benchmark.report.tables.table import Cell, Footnotes, Row, Table

WORKING = 0.95  # share of the prints that work on the victim; a method with fewer is a weak one on this victim
SETS = (
    "Kept: without degraded positives; innocents all stay. Common: suspects that every method able to judge anyone on "
    "the task can judge. No row: the same suspects as all."
)
RULE = (
    "ARUC: mean of min(R, U) over the 101 thresholds 0, 0.01, ..., 1, at most 100/101 = 0.990; a matter of the zoo. "
    "AUC macro: mean over pairs of a family of positives and a family of negatives. Mean ± standard deviation over "
    "victims of the means over repeats."
)
BLIND = "‡"
CHOSEN = "The best ρ is chosen on the suspects that are judged: an upper bound, not a threshold to deploy."


def areas(scores: pd.DataFrame, summary: pd.DataFrame, marks: Mapping[str, str] = found.UNMARKED) -> Table:
    """ARUC, AUC and AUC macro per task and method, a row for each set of suspects that differs from all."""
    notes = Footnotes()
    rows: list[Row] = []
    for of_method in _by_set(summary):
        whole = of_method["all"]
        names = (*named(scores, whole, marks, notes), str(whole["access"]))
        for variant in VARIANTS:
            row = of_method[variant]
            if variant == "all" or (not whole["reason"] and _sizes(row) != _sizes(whole)):
                reasons = unjudged(scores, whole) if variant == "all" else []
                rows.append((*names, variant, notes.cell(_sizes(row), *reasons), *_areas(row, notes)))
    header = ("Task", "Method", "Access", "Suspects", "n", "ARUC", "ARUC 95 %", "AUC", "AUC 95 %", "AUC macro", "95 %")
    title = "How well positives and negatives are told apart"
    texts = [RULE, *intervals_about(summary), SETS, sizes.about("victims", "repeats")]
    return Table("areas", title, header, rows, 4, texts, notes.texts)


def operating_points(scores: pd.DataFrame, summary: pd.DataFrame, marks: Mapping[str, str] = found.UNMARKED) -> Table:
    """Exact ARUC, TPR at 0 and 5 % FPR, R and U at the best threshold, for all and for the kept suspects."""
    notes = Footnotes()
    rows: list[Row] = []
    for of_method in _by_set(summary):
        for variant in ("all", "kept"):
            row = of_method[variant]
            rows.append((*named(scores, row, marks, notes), variant, *_points(row, notes)))
    shares = ("TPR at 0 % FPR", "TPR at 5 % FPR", "R at best ρ", "U at best ρ", "best ρ")
    header = ("Task", "Method", "Suspects", "ARUC exact", "95 %", *shares)
    about = (
        "ARUC exact: the integral of min(R, U) over [0, 1], at most 1. TPR at x % FPR: the largest share of positives "
        "above a threshold that at most x % of the negatives exceed. Best ρ: where min(R, U) is largest."
    )
    return Table("operating_points", "Operating points", header, rows, 3, [about, CHOSEN], notes.texts)


def degraded(scores: pd.DataFrame) -> Table:
    """The degraded suspects by name, with quality and skill beside the victim's, means over the victims."""
    lost = scores[scores["degraded"] & (scores["family"] != "victim")].drop_duplicates(["task", "victim", "suspect"])
    rows: list[Row] = []
    for (task, suspect), group in lost.groupby(["task", "suspect"], sort=False):
        means = group[["quality", "victim_quality", "skill", "victim_skill"]].mean()
        rows.append(
            (
                str(task),
                f"{suspect}{BLIND if group['blind'].any() else ''}",
                str(group["family"].iloc[0]),
                f"{len(group)}",
                number(means["quality"], 1),
                number(means["victim_quality"], 1),
                number(means["skill"], 2),
                number(means["victim_skill"], 2),
            )
        )
    header = ("Task", "Suspect", "Family", "Victims", "Quality", "of the victim", "Skill", "of the victim")
    notes = [
        "Quality in percent points. Skill: how far above the blind answer, 1 is perfect. Victims: of how many it is a "
        "degraded copy. A useless model that escapes proves nothing.",
        *blind_about(scores),
    ]
    return Table("degraded", "Degraded suspects", header, rows, 3, notes)


def blind_about(scores: pd.DataFrame) -> list[str]:
    """What the mark of blind suspects means where there are any, and on which tasks a victim is blind itself."""
    blind = scores[scores["blind"]]
    of_victims = blind["family"] == "victim"
    lines = []
    if not of_victims.all():
        lines.append(f"{BLIND} Blind: no test finds it better than an answer without a look at the image.")
    if of_victims.any():
        names = ", ".join(map(str, blind.loc[of_victims, "task"].unique()))
        lines.append(f"A victim is blind itself ({names}): what is told of its copies is worth nothing.")
    return lines


def named(scores: pd.DataFrame, row: pd.Series, marks: Mapping[str, str], notes: Footnotes) -> Row:
    """Task and method of a row of the summary; a footnote says so where few of its prints work on the victim."""
    share = row["n_prints"] / row["made"] if row["made"] else 1.0
    weak = f"Less than {WORKING:.0%} of the prints work on the victim, {share:.0%} on the mean; the others are dropped."
    name = found.label(scores, row["fingerprint"], row["verifier"])
    return str(row["task"]), notes.cell(name, marks.get(row["fingerprint"], ""), weak if share < WORKING else "")


def intervals_about(summary: pd.DataFrame) -> list[str]:
    """What the intervals of a summary are and of what they speak."""
    known = summary.loc[summary["covers"] != "", ["task", "covers"]].drop_duplicates()
    by_text = known.groupby("covers", sort=False)["task"].unique()
    several = len(by_text) > 1
    lines = [f"{', '.join(names)}: {covers}" if several else str(covers) for covers, names in by_text.items()]
    if not lines:
        return []
    text = (
        "In brackets 95 % intervals from a bootstrap over victims, families and suspects, the same resamples for every "
        "method. An end that would collapse is moved out to what as many equal suspects leave open: 20 of 20 is "
        "[0.86, 1.00]. They speak of: " + "; ".join(lines) + "."
    )
    victims = int(summary["victims"].max())
    if victims > 1:
        alike = number(1 - bound(victims), 2)
        text += f" Of other victims alone, {victims} of {victims} that look alike say no more than [{alike}, 1.00]."
    return [text]


def mark_of(row: pd.Series, notes: Footnotes) -> tuple[str, ...]:
    """The footnote of a row of the summary that has no statistics."""
    return (notes.mark(str(row["reason"])),) if row["reason"] else ()


def _by_set(summary: pd.DataFrame) -> list[dict[str, pd.Series]]:
    """The rows of one task and method by set of suspects, in order of appearance."""
    groups = summary.groupby(["task", "fingerprint", "verifier"], sort=False)
    return [{str(row["suspects"]): row for _, row in group.iterrows()} for _, group in groups]


def _areas(row: pd.Series, notes: Footnotes) -> Row:
    if row["reason"]:
        return Cell("n/a", mark_of(row, notes)), *[DASH] * 5
    cells = []
    for name in ("aruc", "auc", "auc_macro"):
        cells += [spread(row[name], row[f"{name}_sd"]), interval(row[f"{name}_low"], row[f"{name}_high"])]
    return tuple(cells)


def _points(row: pd.Series, notes: Footnotes) -> Row:
    if row["reason"]:
        return Cell("n/a", mark_of(row, notes)), *[DASH] * 6
    columns = ("aruc_exact", "tpr_at_0", "tpr_at_5", "robustness", "uniqueness", "best_rho")
    exact, *others = (spread(row[name], row[f"{name}_sd"]) for name in columns)
    return exact, interval(row["aruc_exact_low"], row["aruc_exact_high"]), *others


def _sizes(row: pd.Series) -> str:
    if row["reason"]:
        return DASH
    return sizes.size(row, "victims", "repeats")
