"""What an owner's own threshold does: whom it accuses, beside the threshold that takes the truth to choose."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from benchmark import metrics
from benchmark.report import findings as found
from benchmark.report.numbers import DASH, interval, number, share, spread
from benchmark.report.tables.areas import CHOSEN, intervals_about, named
from benchmark.report.tables.table import Footnotes, Row, Table

HEADER = (
    *("Task", "Method", "ρ", "TPR", "TPR 95 %", "FPR", "FPR 95 %", "References", "Smallest p"),
    *("best ρ", "R at best ρ", "U at best ρ"),
)


def table(scores: pd.DataFrame, summary: pd.DataFrame, rate: float, marks: Mapping[str, str] = found.UNMARKED) -> Table:
    """A row per task and method that has statistics, over all suspects."""
    notes = Footnotes()
    able = summary[(summary["suspects"] == "all") & (summary["reason"] == "")]
    rows: list[Row] = []
    for _, row in able.iterrows():
        known = row["references"] > 0
        rows.append(
            (
                *named(scores, row, marks, notes),
                notes.cell(number(row["owner_rho"], 2), row["owner_reason"]),
                *(cell for name in ("owner_tpr", "owner_fpr") for cell in _share(row, name)),
                f"{row['references']:.0f}" if known else DASH,
                number(row["smallest_p"]),
                spread(row["best_rho"], row["best_rho_sd"], 2),
                *(number(row[name], 2) for name in ("robustness", "uniqueness")),
            )
        )
    about = [
        "The owner has independent models of his own, the references, and accepts that a share of at most "
        f"{share(rate)} of innocents is accused: ρ is the k-th smallest score of m references, k = ⌈{1 - rate:g} (m + "
        f"1)⌉, which takes {metrics.references_needed(rate)} of them; accused is who scores above. The conformal p of "
        "a suspect is (1 + references that score at least as high) / (m + 1), so never below 1 / (m + 1). References "
        "serve all victims and are not resampled.",
        CHOSEN,
        *intervals_about(able),
    ]
    return Table("owner", "At the owner's own threshold", HEADER, rows, 2, about, notes.texts)


def _share(row: pd.Series, name: str) -> tuple[str, str]:
    return number(row[name], 2), interval(row[f"{name}_low"], row[f"{name}_high"], 2)
