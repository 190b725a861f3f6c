"""Every method beside the best and beside the cheapest: differences with intervals and corrected p."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from benchmark.report import findings as found
from benchmark.report.differences import STATISTICS
from benchmark.report.numbers import DASH, interval, number
from benchmark.report.tables.sizes import about, size
from benchmark.report.tables.table import Cell, Footnotes, Row, Table

NAMES = {"auc": "AUC", "owner_tpr": "TPR"}
ABOUT = [
    "The method's value less the rival's, on the suspects that both can judge, with the same resamples for both; TPR "
    "at the owner's threshold. p: two-sided, with Holm's correction over all comparisons of a task and a statistic.",
    "Best: of the largest mean AUC on these very suspects, which flatters it. Cheapest: of the fewest queries per "
    "suspect among the methods that see labels alone; where there is none, among those that need no white box.",
]


def table(scores: pd.DataFrame, differences: pd.DataFrame, marks: Mapping[str, str] = found.UNMARKED) -> Table:
    """A row per task, rival and method; methods without statistics are left out."""
    notes = Footnotes()
    rows: list[Row] = []
    keys = ["task", "rival", "against_fingerprint", "against_verifier", "fingerprint", "verifier"]
    for key, group in differences.groupby(keys, sort=False):
        task, rival, against, of_rival, fingerprint, verifier = map(str, key)
        by_statistic = {str(row["statistic"]): row for _, row in group.iterrows()}
        names = (found.label(scores, against, of_rival), found.label(scores, fingerprint, verifier))
        rows.append(
            (
                task,
                notes.cell(names[1], marks.get(fingerprint, "")),
                notes.cell(f"{rival}: {names[0]}", marks.get(against, "")),
                *(cell for name in STATISTICS for cell in _compared(by_statistic[name], notes)),
                size(by_statistic["auc"], "victims"),
            )
        )
    columns = (f"{name}{what}" for name in NAMES.values() for what in (" difference", " 95 %", " p"))
    header = ("Task", "Method", "less the", *columns, "n")
    return Table("differences", "Differences between methods", header, rows, 3, [*ABOUT, about("victims")], notes.texts)


def _compared(row: pd.Series, notes: Footnotes) -> tuple[Cell | str, str, str]:
    if row["reason"]:
        return notes.cell("n/a", str(row["reason"])), DASH, DASH
    signed = f"+{number(row['difference'])}" if row["difference"] > 0 else number(row["difference"])
    return signed, interval(row["low"], row["high"]), number(row["p_holm"])
