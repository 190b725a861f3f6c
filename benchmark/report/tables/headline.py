"""The tables of verdicts: ARUC and AUC with and without degraded suspects, operating points, who was degraded."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from benchmark.report import findings as found
from benchmark.report.numbers import DASH, interval, number, spread
from benchmark.report.tables.table import Cell, Footnotes, Row, Table

SELF_SCORE_FLOOR = 0.95  # below it the method failed on its own victim, and what it says of suspects means little

KEPT = "Kept: without the suspects that lost more than 5 points against the victim."
RULE = (
    "ARUC: mean of min(R, U) over the 101 thresholds 0, 0.01, ..., 1, at most 100/101 = 0.990. Mean ± standard "
    "deviation over repeats of fingerprint generation; in brackets the 95 % bootstrap interval over suspects."
)
CHOSEN = "The best ρ is chosen on the suspects that are judged: an upper bound, not a threshold to deploy."


def headline(scores: pd.DataFrame, summary: pd.DataFrame, marks: Mapping[str, str] = found.UNMARKED) -> Table:
    """ARUC and AUC per task and method, for all suspects and for the kept ones."""
    notes = Footnotes()
    rows: list[Row] = []
    for both in _pairs(summary):
        names = _names(scores, both["all"], marks, notes)
        size = notes.cell(_sizes(both), *_unjudged(scores, both["all"]))
        rows.append((*names, size, *_areas(both["all"], notes), *_areas(both["kept"], notes)))
    columns = ("ARUC", "ARUC 95 %", "AUC", "AUC 95 %")
    header = ("Task", "Method", "Access", "n", *columns, *(f"kept {name}" for name in columns))
    about = "n: positives + negatives × repeats; in parentheses positives + negatives kept."
    title = "How well positives and negatives are told apart"
    return Table("headline", title, header, rows, 3, [RULE, KEPT, about], notes.texts)


def operating_points(scores: pd.DataFrame, summary: pd.DataFrame, marks: Mapping[str, str] = found.UNMARKED) -> Table:
    """Exact ARUC, TPR at 0 and 5 % FPR, R and U at the best threshold, for both sets of suspects."""
    notes = Footnotes()
    rows: list[Row] = []
    for both in _pairs(summary):
        for variant in ("all", "kept"):
            row = both[variant]
            rows.append((*_names(scores, row, marks, notes)[:2], variant, *_points(row, notes)))
    shares = ("TPR at 0 % FPR", "TPR at 5 % FPR", "R at best ρ", "U at best ρ", "best ρ")
    header = ("Task", "Method", "Suspects", "ARUC exact", "95 %", *shares)
    about = (
        "ARUC exact: the integral of min(R, U) over [0, 1], at most 1. TPR at x % FPR: the largest share of positives "
        "above a threshold that at most x % of the negatives exceed. Best ρ: where min(R, U) is largest."
    )
    return Table("operating_points", "Operating points", header, rows, 3, [about, CHOSEN, KEPT], notes.texts)


def degraded(scores: pd.DataFrame) -> Table:
    """The suspects that lost more than 5 points, by name, with their quality beside the victim's."""
    lost = scores[scores["degraded"] & (scores["family"] != "victim")].drop_duplicates(["task", "suspect"])
    rows: list[Row] = [
        (
            str(row["task"]),
            str(row["suspect"]),
            str(row["family"]),
            number(row["quality"], 1),
            number(row["victim_quality"], 1),
            number(row["quality"] - row["victim_quality"], 1),
        )
        for _, row in lost.iterrows()
    ]
    header = ("Task", "Suspect", "Family", "Quality", "Victim", "Difference")
    notes = ["Quality in percent points. A useless model that escapes proves nothing."]
    return Table("degraded", "Suspects that lost more than 5 points", header, rows, 3, notes)


def mark_of(row: pd.Series, notes: Footnotes) -> tuple[str, ...]:
    """The footnote of a row of the summary that has no statistics."""
    return (notes.mark(str(row["reason"])),) if row["reason"] else ()


def _pairs(summary: pd.DataFrame) -> list[dict[str, pd.Series]]:
    """The rows of one task and method by set of suspects, in order of appearance."""
    groups = summary.groupby(["task", "fingerprint", "verifier"], sort=False)
    return [{str(row["suspects"]): row for _, row in group.iterrows()} for _, group in groups]


def _names(scores: pd.DataFrame, row: pd.Series, marks: Mapping[str, str], notes: Footnotes) -> Row:
    name = found.label(scores, row["fingerprint"], row["verifier"])
    weak = row["self_score"] < SELF_SCORE_FLOOR
    failed = f"The victim itself scores below {SELF_SCORE_FLOOR}: the method failed on this victim." if weak else ""
    return str(row["task"]), notes.cell(name, marks.get(row["fingerprint"], ""), failed), str(row["access"])


def _areas(row: pd.Series, notes: Footnotes) -> Row:
    if row["reason"]:
        return Cell("n/a", mark_of(row, notes)), DASH, DASH, DASH
    return (
        spread(row["aruc"], row["aruc_sd"]),
        interval(row["aruc_low"], row["aruc_high"]),
        spread(row["auc"], row["auc_sd"]),
        interval(row["auc_low"], row["auc_high"]),
    )


def _points(row: pd.Series, notes: Footnotes) -> Row:
    if row["reason"]:
        return Cell("n/a", mark_of(row, notes)), *[DASH] * 6
    columns = ("aruc_exact", "tpr_at_0", "tpr_at_5", "robustness", "uniqueness", "best_rho")
    exact, *others = (spread(row[name], row[f"{name}_sd"]) for name in columns)
    return exact, interval(row["aruc_exact_low"], row["aruc_exact_high"]), *others


def _unjudged(scores: pd.DataFrame, row: pd.Series) -> list[str]:
    """What is said of suspects that a method could not judge, while it judged others."""
    if row["reason"]:
        return []
    of_method = (scores["fingerprint"] == row["fingerprint"]) & (scores["verifier"] == row["verifier"])
    here = scores[(scores["task"] == row["task"]) & of_method & (scores["family"] != "victim") & scores["score"].isna()]
    sizes = here.groupby("reason", sort=False)["suspect"].nunique()
    return [f"{size} suspect{'s' * (size > 1)} not judged: {reason}" for reason, size in sizes.items()]


def _sizes(both: dict[str, pd.Series]) -> str:
    whole, kept = both["all"], both["kept"]
    if whole["reason"]:
        return DASH
    counts = f"{whole['positives']}+{whole['negatives']} × {whole['repeats']}"
    same = (kept["positives"], kept["negatives"]) == (whole["positives"], whole["negatives"])
    return counts if same else f"{counts} ({kept['positives']}+{kept['negatives']})"
