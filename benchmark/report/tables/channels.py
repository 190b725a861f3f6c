"""What 8-bit rounding does to a verdict: a real API receives whole pixel values."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from benchmark import metrics
from benchmark.report import findings as found
from benchmark.report.summary import judged
from benchmark.report.tables.table import DASH, Cell, Footnotes, Row, Table, spread

ABOUT = "Every suspect was measured twice: on the prints as they were made, and on prints rounded to 8-bit pixels."


def table(scores: pd.DataFrame, marks: Mapping[str, str] = found.UNMARKED) -> Table:
    """ARUC and AUC on the prints as made and on rounded ones, over all suspects, mean ± sd over repeats."""
    notes = Footnotes()
    suspects = scores[scores["family"] != "victim"]
    rows: list[Row] = []
    for (task, fingerprint, verifier), group in suspects.groupby(["task", "fingerprint", "verifier"], sort=False):
        name = found.label(scores, str(fingerprint), str(verifier))
        start = (str(task), notes.cell(name, marks.get(str(fingerprint), "")))
        if not judged(group):
            reason = next((text for text in group["reason"] if text), "no scored positive or no scored negative")
            rows.append((*start, Cell("n/a", (notes.mark(str(reason)),)), DASH, DASH, DASH))
            continue
        areas = pd.DataFrame([_areas(repeat) for _, repeat in group.groupby("repeat") if judged(repeat)])
        rows.append((*start, *(spread(areas[name].mean(), areas[name].std(ddof=1)) for name in areas)))
    header = ("Task", "Method", "ARUC", "ARUC, 8 bit", "AUC", "AUC, 8 bit")
    return Table("rounding", "Verdicts on 8-bit prints", header, rows, 2, [ABOUT], notes.texts)


def _areas(group: pd.DataFrame) -> dict[str, float]:
    stolen = group["stolen"].to_numpy()
    return {
        f"{name} {column}": float(statistic(group[column].to_numpy(), stolen))
        for name, statistic in (("aruc", metrics.aruc), ("auc", metrics.roc_auc))
        for column in ("score", "score_8bit")
    }
