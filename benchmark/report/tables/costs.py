"""The tables of prices: how the prints were made, what a verdict costs, and what the models cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from benchmark.report import findings as found
from benchmark.report.names import Names
from benchmark.report.numbers import DASH, duration, number, spread
from benchmark.report.tables.table import Cell, Footnotes, Row, Table

WORKS = (
    "n: prints × victims × repeats. Works: share of the prints that the victim itself answers as they want, over all "
    "verifiers; the others are dropped. Self score: the victim's own score. ± is over victims and repeats."
)


def generation(
    scores: pd.DataFrame, prints: pd.DataFrame, marks: Mapping[str, str] = found.UNMARKED, names: Names | None = None
) -> Table:
    """What works, acceptance, self scores and the method's own numbers, mean ± sd over victims and repeats."""
    notes, names = Footnotes(), names or Names.of(scores, {})
    rows: list[Row] = []
    for (task, fingerprint), group in prints.groupby(["task", "fingerprint"], sort=False):
        rows.append(
            (
                str(task),
                notes.cell(names.fingerprint(str(fingerprint)), marks.get(str(fingerprint), "")),
                _self_scores(scores, str(task), str(fingerprint)),
                _notes(group["notes"]),
                f"{number(group['n'].mean(), 0)} × {len(group)}",
                *(spread(100 * group[c].mean(), 100 * group[c].std(ddof=1), 1) for c in ("works", "accepted")),
            )
        )
    header = ("Task", "Fingerprint", "Self score", "Notes", "n", "Works %", "Accepted %")
    return Table("generation", "How the prints were made", header, rows, 4, [WORKS], notes.texts)


def cost(scores: pd.DataFrame, prints: pd.DataFrame, marks: Mapping[str, str] = found.UNMARKED) -> Table:
    """Seconds to generate, queries and seconds per suspect; methods that do not apply carry their reason."""
    notes = Footnotes()
    rows: list[Row] = []
    made = prints.groupby(["task", "fingerprint"])["seconds"]
    for (task, fingerprint, verifier), group in scores.groupby(["task", "fingerprint", "verifier"], sort=False):
        name = notes.cell(found.label(scores, str(fingerprint), str(verifier)), marks.get(str(fingerprint), ""))
        start = (str(task), name, str(group["access"].iloc[0]))
        known = group[group["score"].notna()]
        if known.empty:
            rows.append((*start, Cell("n/a", (notes.mark(str(group["reason"].iloc[0])),)), DASH, DASH))
            continue
        values = made.get_group((task, fingerprint)) if (task, fingerprint) in made.groups else pd.Series(dtype=float)
        rows.append(
            (*start, duration(values.mean()), number(known["queries"].mean(), 0), duration(known["seconds"].mean()))
        )
    header = ("Task", "Method", "Access", "Seconds to generate", "Queries per suspect", "Seconds per suspect")
    about = (
        "Means over victims, repeats and suspects; processor seconds on a CPU, elapsed seconds on an accelerator. "
        "Verifiers of one fingerprint share its prints and their generation."
    )
    return Table("cost", "What a verdict costs", header, rows, 3, [about], notes.texts)


ZOO = "Quality in percent points; parameters, and queries to the victim's API before the verdict, as means."


def zoo(models: pd.DataFrame) -> Table:
    """Models by task, role and family: how many, their quality, parameters and training time."""
    rows: list[Row] = []
    labelled = models.assign(family=models["family"].fillna("").astype(str))
    for (task, role, family), group in labelled.groupby(["task", "role", "family"], sort=False):
        quality = pd.to_numeric(group["quality"])
        rows.append(
            (
                str(task),
                str(role),
                str(family).replace("_", " ") if family != role else "",
                f"{len(group)}",
                *(number(value, 1) for value in (quality.mean(), quality.min(), quality.max())),
                str(group["measure"].iloc[0]),
                number(pd.to_numeric(group["parameters"]).mean(), 0),
                number(pd.to_numeric(group["queries"]).mean(), 0),
                duration(float(pd.to_numeric(group["seconds"]).sum())),
            )
        )
    header = (
        "Task",
        "Role",
        "Family",
        "Models",
        "Quality",
        "lowest",
        "highest",
        "Measure",
        "Parameters",
        "Queries",
        "Seconds in all",
    )
    return Table("models", "The models", header, rows, 3, [ZOO])


def _self_scores(scores: pd.DataFrame, task: str, fingerprint: str) -> str:
    """The victim's mean score per verifier, "white 1.00, black 0.82"."""
    own = scores[(scores["task"] == task) & (scores["fingerprint"] == fingerprint) & (scores["family"] == "victim")]
    means = own.groupby("verifier", sort=False)["score"].mean().dropna()
    return ", ".join(f"{verifier} {number(value, 2)}" for verifier, value in means.items()) or DASH


def _notes(column: pd.Series) -> str:
    """Means of a method's own numbers over victims and repeats, "gap 4.9, k 5"; other values as they first stand."""
    given = [note for note in column if isinstance(note, Mapping)]
    keys = dict.fromkeys(key for note in given for key in note)
    return ", ".join(f"{key} {_mean([note[key] for note in given if key in note])}" for key in keys) or DASH


def _mean(values: list[Any]) -> str:
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        return f"{sum(values) / len(values):.3g}".replace("-", "−")
    return str(values[0])
