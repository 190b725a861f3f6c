"""The matrix of verdicts: every method on every suspect of every task, each cell a score or the mark of a reason."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
import pandas as pd

from benchmark.report import findings as found
from benchmark.report.cubes import mean_known
from benchmark.report.numbers import DASH, number
from benchmark.report.tables.areas import BLIND, blind_about
from benchmark.report.tables.reasons import merged
from benchmark.report.tables.table import Cell, Footnotes, Row, Table

FAILED = "Not measured: a job failed, see the failures."
ABOUT = (
    "Means over victims and repeats. n/a: the method does not apply to the task or to the suspect, for the reason at "
    "the mark."
)
KEY = ["task", "suspect", "fingerprint", "verifier"]
Key = tuple[Hashable, ...]


def table(scores: pd.DataFrame, marks: Mapping[str, str] = found.UNMARKED) -> Table:
    """A row per task and suspect, a column per method; no cell is blank."""
    notes = Footnotes()
    methods = found.methods(scores)
    suspects = scores[scores["family"] != "victim"]
    reasons = merged(map(str, suspects.loc[suspects["score"].isna(), "reason"].unique()))
    cells = _cells(suspects, reasons, notes)
    rows: list[Row] = []
    for (task, suspect), group in suspects.groupby(["task", "suspect"], sort=False):
        lost = ("†" if group["degraded"].any() else "") + (BLIND if group["blind"].any() else "")
        found_here = [cells.get((task, suspect, *method)) or Cell(DASH, (notes.mark(FAILED),)) for method in methods]
        rows.append((str(task), f"{suspect}{lost}", *found_here))
    header = ("Task", "Suspect", *(found.label(scores, *method) for method in methods))
    about = [ABOUT]
    if suspects["degraded"].any():
        about.append("† The suspect is degraded, as a copy of one victim at least.")
    about += blind_about(scores)
    about += [f"{name}: {marks[name]}" for name in dict.fromkeys(name for name, _ in methods) if name in marks]
    return Table("matrix", "Matching score of every suspect", header, rows, 2, about, notes.texts)


def _cells(suspects: pd.DataFrame, reasons: Mapping[str, str], notes: Footnotes) -> dict[Key, Cell | str]:
    """The mean score of each method on each suspect, with the marks of the victims and repeats that have none."""
    of_victims = suspects.groupby([*KEY, "victim"], sort=False)["score"].mean().unstack("victim", sort=False)
    means = mean_known(of_victims.to_numpy())
    silent = suspects[suspects["score"].isna()]
    given: dict[Key, dict[str, None]] = {}
    for *key, reason in silent[[*KEY, "reason"]].itertuples(index=False):
        given.setdefault(tuple(key), {})[reasons[str(reason)]] = None
    return {
        key: notes.cell("n/a" if np.isnan(mean) else number(mean, 2), *given.get(key, ()))
        for key, mean in zip(of_victims.index, means, strict=True)
    }
