"""By family of suspects: robustness and uniqueness at the best threshold of each set of prints, and AUC alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from benchmark.report import findings as found
from benchmark.report.numbers import DASH, number
from benchmark.report.shares import AT, METHOD, by_key
from benchmark.report.summary import by_method
from benchmark.report.tables.reasons import merged
from benchmark.report.tables.table import Cell, Footnotes, Row, Table

ALONE = (
    "AUC of a family of positives against all negatives, of a family of negatives against all positives; means over "
    "victims of the means over repeats. Macro: mean over pairs of a family of positives and a family of negatives. "
    "Pooled: all suspects together, which is a matter of how many of each family the zoo holds."
)


def table(scores: pd.DataFrame, summary: pd.DataFrame, marks: Mapping[str, str] = found.UNMARKED) -> Table:
    """Methods x families; a dagger where some of the family's suspects are degraded."""
    cells, reasons = by_key(scores), _unjudged(scores)
    names = found.families(scores)
    notes = Footnotes()
    rows: list[Row] = []
    for _, row in summary[summary["suspects"] == "all"].iterrows():
        key = (str(row["task"]), str(row["fingerprint"]), str(row["verifier"]))
        start = (str(row["task"]), notes.cell(found.label(scores, key[1], key[2]), marks.get(key[1], "")))
        if row["reason"]:
            absent = Cell("n/a", (notes.mark(str(row["reason"])),))
            rows.append((*start, *(absent for _ in names)))
        else:
            keys = [(*key, name) for name in names]
            rows.append((*start, *(_cell(cells.get(each), reasons.get(each, []), notes) for each in keys)))
    kinds = scores.drop_duplicates("family").set_index("family")["positive"]
    header = ("Task", "Method", *(f"{'R' if kinds[name] else 'U'} {name.replace('_', ' ')}" for name in names))
    dagger = "† Some of the family's suspects are degraded."
    return Table("families", "Robustness by family of suspects", header, rows, 2, [AT, dagger], notes.texts)


def areas(
    scores: pd.DataFrame, summary: pd.DataFrame, by_family: pd.DataFrame, marks: Mapping[str, str] = found.UNMARKED
) -> Table:
    """AUC of every method and family beside the pooled one and the mean over families; n/a rows are left out."""
    notes, names = Footnotes(), found.families(scores)
    values = {
        (str(row["task"]), str(row["fingerprint"]), str(row["verifier"]), str(row["family"])): float(row["auc"])
        for _, row in by_family.iterrows()
    }
    rows: list[Row] = []
    for key, row in by_method(summary, "all").items():
        if not row["reason"]:
            method = notes.cell(found.label(scores, *key[1:]), marks.get(key[1], ""))
            own = (number(values.get((*key, name), float("nan")), 2) for name in names)
            rows.append((key[0], method, number(row["auc"], 2), number(row["auc_macro"], 2), *own))
    header = ("Task", "Method", "pooled", "macro", *(name.replace("_", " ") for name in names))
    return Table("family_areas", "AUC by family of suspects", header, rows, 2, [ALONE], notes.texts)


def _unjudged(scores: pd.DataFrame) -> dict[tuple[str, ...], list[str]]:
    """Why some or all of a family's suspects have no score, by (task, fingerprint, verifier, family)."""
    groups = scores[scores["score"].isna()].groupby([*METHOD, "family"], sort=False)
    return {
        tuple(map(str, key)): list(dict.fromkeys(merged(map(str, group["reason"].unique())).values()))
        for key, group in groups
    }


def _cell(cell: pd.Series | None, reasons: Sequence[str], notes: Footnotes) -> Cell | str:
    if cell is None:
        return notes.cell("n/a", *reasons) if reasons else DASH
    return notes.cell(number(float(cell["share"]), 2) + ("†" if cell["degraded"] else ""), *reasons)
