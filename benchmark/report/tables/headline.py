"""The table to open a README with: a row per method, what it asks for, whom it finds at an owner's threshold."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from benchmark import metrics
from benchmark.report import findings as found
from benchmark.report.by_family import DERIVED
from benchmark.report.numbers import DASH, interval, number, share
from benchmark.report.summary import by_method
from benchmark.report.tables.areas import intervals_about, named
from benchmark.report.tables.ranks import ranked
from benchmark.report.tables.reasons import unjudged
from benchmark.report.tables.table import Cell, Footnotes, Row, Table

ROWS = 10
KNOWN = (
    "Knows distilled copies: AUC of the copies that learnt from the victim's answers against all negatives, without "
    "the copies that are degraded, victim by victim; the mean of the tasks. Yes where it is above 0.5 beyond what "
    "resampling explains (p < 0.05), no where it is at most 0.5, partly in between or where tasks disagree; n/a where "
    "there is no such copy that the method can judge."
)
YES, PARTLY, NO = "yes", "partly", "no"
SIGNIFICANT = 0.05


def headline(
    scores: pd.DataFrame,
    summary: pd.DataFrame,
    families: pd.DataFrame,
    rate: float,
    marks: Mapping[str, str] = found.UNMARKED,
    shown: Collection[str] = (),
) -> Table:
    """At most ten methods by mean AUC over their tasks; methods that can judge nobody are left out.

    A fingerprint has a row for each way to ask a suspect (its access), that of its best verifier. Ranks are given to
    rows that speak of the same suspects and tasks alone.

    Args:
        summary: of all suspects and tasks.
        families: as `by_family.areas` returns them.
        rate: of innocents that the owner is ready to accuse.
        shown: the fingerprints to choose from; all if empty.
    """
    notes, tasks, cells = Footnotes(), found.tasks(scores), by_method(summary, "all")
    able = summary[(summary["suspects"] == "all") & (summary["reason"] == "")]
    means = able.groupby(["fingerprint", "verifier"], sort=False)["auc"].mean()
    chosen = _chosen(able, means, shown)
    columns = [_names(scores, able, pair, marks, notes) for pair in chosen]
    body = [list(column) for column in zip(*columns, strict=True)]
    for task in tasks:
        rows = [cells.get((task, *pair)) for pair in chosen]
        body += _of_task(scores, rows, notes)
    body.append(_distilled(families, chosen))
    pairs = (f"{task}: {name}" for task in tasks for name in ("AUC", "TPR / FPR"))
    header = ("Method", "Access", "Queries", *pairs, "Knows distilled copies?")
    about = [*intervals_about(able), _threshold(able, rate), KNOWN, _rule(means, chosen)]
    rows_of_table: list[Row] = [tuple(row) for row in zip(*body, strict=True)]
    return Table("headline", "Who is found, at what price", header, rows_of_table, 2, about, notes.texts)


def _chosen(able: pd.DataFrame, means: pd.Series, shown: Collection[str]) -> list[tuple[str, str]]:
    """(fingerprint, verifier) of the table's rows, the largest mean AUC first."""
    asked = able.drop_duplicates(["fingerprint", "verifier"]).set_index(["fingerprint", "verifier"])["access"]
    rows: dict[tuple[str, str], tuple[str, str]] = {}
    for fingerprint, verifier in means.sort_values(ascending=False, kind="stable").index:
        if not shown or fingerprint in shown:
            way = str(fingerprint), str(asked[fingerprint, verifier])
            rows.setdefault(way, (str(fingerprint), str(verifier)))
    return list(rows.values())[:ROWS]


def _names(
    scores: pd.DataFrame, able: pd.DataFrame, pair: tuple[str, str], marks: Mapping[str, str], notes: Footnotes
) -> Row:
    """Method, access and mean queries; access may differ from task to task."""
    rows = able[(able["fingerprint"] == pair[0]) & (able["verifier"] == pair[1])]
    weakest = rows.iloc[int(np.argmin(rows["n_prints"] / rows["made"]))]
    asked = scores[(scores["fingerprint"] == pair[0]) & (scores["verifier"] == pair[1]) & scores["score"].notna()]
    access = " / ".join(dict.fromkeys(map(str, rows["access"])))
    return named(scores, weakest, marks, notes)[1], access, number(asked["queries"].mean(), 0)


def _of_task(scores: pd.DataFrame, rows: list[pd.Series | None], notes: Footnotes) -> list[list[Cell | str]]:
    """The two columns of one task."""
    areas: list[Cell | str] = []
    verdicts: list[Cell | str] = []
    for row in rows:
        if row is None or row["reason"]:
            areas.append(DASH)
            verdicts.append(DASH)
            continue
        text = f"{number(row['auc'])} {interval(row['auc_low'], row['auc_high'], 2)}"
        areas.append(notes.cell(text, *unjudged(scores, row)))
        both = f"{number(row['owner_tpr'], 2)} / {number(row['owner_fpr'], 2)}"
        verdicts.append(notes.cell(both, row["owner_reason"]))
    sizes = [0 if row is None else row["positives"] + row["negatives"] for row in rows]
    aucs = [float("nan") if row is None else float(row["auc"]) for row in rows]
    return [ranked(areas, _of_alike(aucs, sizes)), verdicts]


def _of_alike(values: list[float], sizes: list[int]) -> list[float]:
    """The values that rest on as many as most do; NaN for the others, which cannot be ranked with them."""
    known = [size for value, size in zip(values, sizes, strict=True) if value == value]
    usual = max(known, key=lambda size: (known.count(size), size), default=0)
    return [value if size == usual else float("nan") for value, size in zip(values, sizes, strict=True)]


def _distilled(families: pd.DataFrame, chosen: list[tuple[str, str]]) -> list[Cell | str]:
    """AUC on the copies that learnt from answers and work, and the word for it."""
    derived = families[(families["family"] == "") & (families["relation"] == DERIVED)]
    cells: list[Cell | str] = []
    values, judged = [], []
    for fingerprint, verifier in chosen:
        rows = derived[(derived["fingerprint"] == fingerprint) & (derived["verifier"] == verifier)]
        words = {_word(row) for _, row in rows.iterrows()}
        values.append(float(rows["auc"].mean()))
        judged.append(len(rows))
        word = words.pop() if len(words) == 1 else PARTLY
        cells.append("n/a" if rows.empty else f"{number(values[-1], 2)} {word}")
    return ranked(cells, _of_alike(values, judged), 2)


def _word(row: pd.Series) -> str:
    if row["auc"] <= 0.5:
        return NO
    return YES if row["p"] < SIGNIFICANT else PARTLY


def _threshold(able: pd.DataFrame, rate: float) -> str:
    """What the owner's threshold is, and what no false accusation among so many innocents means."""
    fewest = int(able["negatives"].min()) if len(able) else 0
    text = (
        "TPR / FPR: shares of positives and of negatives that are accused at the threshold which the owner sets from "
        f"references of his own, so that at most {share(rate)} of innocents are accused."
    )
    if fewest:
        text += f" None accused of {fewest} innocents leaves up to {share(round(metrics.bound(fewest), 3))} (95 %)."
    return text


def _rule(means: pd.Series, chosen: list[tuple[str, str]]) -> str:
    """Which of all ways to verify stand in the table, and which of their values have a rank."""
    text = (
        "Rows: of each method and way to ask a suspect the verifier of the largest AUC, the mean of the tasks that it "
        f"can judge, chosen on these very suspects; at most {ROWS} of the methods that the experiment puts here. Best "
        "and second are marked among those that judge as many suspects, or tasks, as most rows do."
    )
    several = len(means) > len(chosen)
    return f"{text} The table of areas has all {len(means)} ways to verify." if several else text
