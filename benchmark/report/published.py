"""The papers' numbers (results/published/*.csv) beside ours, where method, kind of task and metric correspond."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from benchmark.errors import InputError
from benchmark.report import findings as found
from benchmark.report.tables import DASH, Row, Table, number, spread

COLUMNS = ("paper", "place", "task", "method", "verifier", "metric", "value", "sd", "unit", "note")
OF_SUSPECTS = {"aruc": "ARUC", "auc": "AUC", "best": "largest min(R, U)"}
OF_PRINTS = {"psnr": ("PSNR", 1, 2), "label_accuracy": ("Label accuracy", 100, 1)}  # name, factor to the unit, digits
CAUTION = (
    "Published values come from other data and larger networks, ours from the task named: the difference measures both "
    "the reproduction and the change of data, and a published value is no target. Measured on all suspects."
)


def read(folder: Path | None) -> pd.DataFrame:
    """All published values of a folder, files in order of name; an empty frame for None or an empty folder.

    Raises:
        InputError: a file lacks a column.
    """
    frames = []
    for path in sorted(folder.glob("*.csv")) if folder is not None else []:
        frame = pd.read_csv(path, dtype={"verifier": str, "note": str})
        missing = [column for column in COLUMNS if column not in frame.columns]
        if missing:
            raise InputError(f"{path}: column {', '.join(missing)} is missing")
        frames.append(frame)
    if not frames:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(frames, ignore_index=True).fillna({"verifier": "", "note": ""})


def table(scores: pd.DataFrame, summary: pd.DataFrame, prints: pd.DataFrame, published: pd.DataFrame) -> Table:
    """Published, measured, difference, n and source; published values without a counterpart are counted in a note.

    A published value that names no verifier stands beside each of ours.
    """
    rows: list[Row] = []
    absent = 0
    for _, claim in published[published["value"].notna()].iterrows():
        pairs = list(_counterparts(scores, summary, prints, claim))
        rows += pairs
        absent += not pairs
    header = ("Method", "Metric", "Measured on", "Published on", "Source", "Published", "Measured", "Difference", "n")
    notes = [CAUTION]
    if absent:
        notes.append(f"{absent} published values have no counterpart in this experiment.")
    return Table("published", "Measured beside published", header, rows, 5, notes)


def _counterparts(scores: pd.DataFrame, summary: pd.DataFrame, prints: pd.DataFrame, claim: pd.Series) -> Iterator[Row]:
    if claim["metric"] in OF_SUSPECTS:
        yield from _of_suspects(scores, summary, claim)
    elif claim["metric"] in OF_PRINTS:
        yield from _of_prints(scores, prints, claim)


def _of_suspects(scores: pd.DataFrame, summary: pd.DataFrame, claim: pd.Series) -> Iterator[Row]:
    metric = str(claim["metric"])
    ours = summary[(summary["suspects"] == "all") & (summary["reason"] == "")]
    ours = ours[(ours["fingerprint"] == claim["method"]) & (ours["kind"] == claim["task"])]
    if claim["verifier"]:
        ours = ours[ours["verifier"] == claim["verifier"]]
    for _, row in ours.iterrows():
        n = f"{row['positives']}+{row['negatives']} × {row['repeats']}"
        name = found.label(scores, row["fingerprint"], row["verifier"])
        yield _row(claim, name, OF_SUSPECTS[metric], str(row["task"]), (row[metric], row[f"{metric}_sd"]), n, 3)


def _of_prints(scores: pd.DataFrame, prints: pd.DataFrame, claim: pd.Series) -> Iterator[Row]:
    metric, factor, digits = OF_PRINTS[str(claim["metric"])]
    kinds = scores.drop_duplicates("task").set_index("task")["kind"]
    ours = prints[(prints["fingerprint"] == claim["method"]) & (prints["task"].map(kinds) == claim["task"])]
    for task, group in ours.groupby("task", sort=False):
        values = factor * group[claim["metric"]]
        n = f"{number(group['n'].mean(), 0)} prints × {values.notna().sum()}"
        mean = (values.mean(), values.std(ddof=1))
        yield _row(claim, str(claim["method"]), f"{metric} {claim['unit']}", str(task), mean, n, digits)


def _row(
    claim: pd.Series, method: str, metric: str, task: str, measured: tuple[float, float], n: str, digits: int
) -> Row:
    data, _, rest = str(claim["note"]).partition(";")
    return (
        method,
        metric,
        task,
        data or DASH,
        f"{claim['paper']}, {claim['place']}" + (f" ({rest.strip()})" if rest else ""),
        spread(claim["value"], claim["sd"], digits),
        spread(measured[0], measured[1], digits),
        _signed(measured[0] - claim["value"], digits),
        n,
    )


def _signed(difference: float, digits: int) -> str:
    return f"+{number(difference, digits)}" if difference > 0 else number(difference, digits)
