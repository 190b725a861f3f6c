"""The papers' numbers (results/published/*.csv) beside ours, where method, kind of task and metric correspond."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from benchmark.errors import InputError
from benchmark.report import findings as found
from benchmark.report.findings import Findings
from benchmark.report.names import Names
from benchmark.report.numbers import DASH, number, spread
from benchmark.report.tables.sizes import size
from benchmark.report.tables.table import Cell, Footnotes, Row, Table

COLUMNS = ("paper", "place", "task", "method", "verifier", "metric", "value", "sd", "unit", "note")
OF_SUSPECTS = {"aruc": "ARUC", "auc": "AUC", "best": "largest min(R, U)"}
OF_PRINTS = {"psnr": ("PSNR", 1, 2), "label_accuracy": ("Label accuracy", 100, 1)}  # name, factor to the unit, digits
BASELINES = ("ipguard", "conferae", "tafa", "ltrc")  # of the saliency paper
GAIN, DETECTION = "aruc_gain_over_best_baseline", "detection_rate"
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


@dataclass(frozen=True)
class Ours:
    """What was measured on the main channel, for the comparison."""

    scores: pd.DataFrame
    summary: pd.DataFrame
    prints: pd.DataFrame
    visibility: pd.DataFrame
    detections: pd.DataFrame
    marks: Mapping[str, str]
    names: Names
    notes: Footnotes = field(default_factory=Footnotes)

    def judged(self, claim: pd.Series) -> pd.DataFrame:
        """The rows of the summary that have statistics, over all suspects, on tasks of the claim's kind."""
        rows = self.summary
        return rows[(rows["suspects"] == "all") & (rows["reason"] == "") & (rows["kind"] == claim["task"])]

    def by_task(self, frame: pd.DataFrame, claim: pd.Series) -> pd.DataFrame:
        """The rows of the claim's method, on tasks of its kind."""
        kinds = self.scores.drop_duplicates("task").set_index("task")["kind"]
        return frame[(frame["fingerprint"] == claim["method"]) & (frame["task"].map(kinds) == claim["task"])]

    def named(self, text: str, fingerprint: str) -> Cell | str:
        """A text that names a fingerprint, with its mark."""
        return self.notes.cell(text, self.marks.get(fingerprint, ""))

    def fingerprint(self, key: str) -> Cell | str:
        """A fingerprint by name, with its mark."""
        return self.named(self.names.fingerprint(key), key)


def table(findings: Findings, summary: pd.DataFrame, published: pd.DataFrame) -> Table:
    """Published, measured, difference, n and source; published values without a counterpart are counted in a note.

    A published value that names no verifier stands beside each of ours. Where the paper has a metric but no value, ours
    stands beside a dash.
    """
    main, names = found.of_main_channel(findings), Names.of(findings.scores, findings.manifest)
    ours = Ours(main.scores, summary, main.prints, main.visibility, main.detections, findings.marks, names)
    rows: list[Row] = []
    absent = 0
    for _, claim in published.iterrows():
        pairs = list(_counterparts(ours, claim))
        rows += pairs
        absent += not pairs and pd.notna(claim["value"])
    header = ("Method", "Metric", "Measured on", "Published on", "Source", "Published", "Measured", "Difference", "n")
    notes = [CAUTION]
    if absent:
        notes.append(f"{absent} published values have no counterpart in this experiment.")
    return Table("published", "Measured beside published", header, rows, 5, notes, ours.notes.texts)


def _counterparts(ours: Ours, claim: pd.Series) -> Iterator[Row]:
    if claim["metric"] in OF_SUSPECTS:
        yield from _of_suspects(ours, claim)
    elif claim["metric"] in OF_PRINTS:
        yield from _of_prints(ours, claim)
    elif claim["metric"] == DETECTION:
        yield from _of_detectors(ours, claim)
    elif claim["metric"] == GAIN:
        yield from _gains(ours, claim)


def _of_suspects(ours: Ours, claim: pd.Series) -> Iterator[Row]:
    metric = str(claim["metric"])
    rows = ours.judged(claim)
    rows = rows[rows["fingerprint"] == claim["method"]]
    if claim["verifier"]:
        rows = rows[rows["verifier"] == claim["verifier"]]
    for _, row in rows.iterrows():
        name = found.label(ours.scores, row["fingerprint"], row["verifier"])
        measured = (row[metric], row[f"{metric}_sd"])
        n = size(row, "victims", "repeats")
        yield _row(claim, ours.named(name, row["fingerprint"]), OF_SUSPECTS[metric], row, measured, n, 3)


def _of_prints(ours: Ours, claim: pd.Series) -> Iterator[Row]:
    column = str(claim["metric"])
    metric, factor, digits = OF_PRINTS[column]
    method = str(claim["method"])
    visible = ours.by_task(ours.visibility, claim)
    for task, group in ours.by_task(ours.prints, claim).groupby("task", sort=False):
        values = factor * visible.loc[visible["task"] == task, column]
        measured = (values.mean(), values.std(ddof=1))
        name = f"{metric} {claim['unit']}"
        yield _row(claim, ours.fingerprint(method), name, group.iloc[0], measured, _prints(group, values), digits)


def _of_detectors(ours: Ours, claim: pd.Series) -> Iterator[Row]:
    """`verifier` names the detector. Its fixed threshold is the papers' own; without one each threshold has a row."""
    rows = ours.by_task(ours.detections, claim)
    rows = rows[(rows["detector"] == claim["verifier"]) & rows["rate"].notna()]
    method = str(claim["method"])
    for _, group in rows.groupby("task", sort=False):
        fixed = group[group["threshold"] == "fixed"]
        for threshold, part in (group if fixed.empty else fixed).groupby("threshold", sort=False):
            values = 100 * part["rate"]
            measured = (values.mean(), values.std(ddof=1))
            metric = f"Detection rate {claim['unit']} ({claim['verifier']}, {threshold})"
            yield _row(claim, ours.fingerprint(method), metric, part.iloc[0], measured, _prints(part, values), 1)


def _gains(ours: Ours, claim: pd.Series) -> Iterator[Row]:
    """100 (ARUC / ARUC of the best baseline - 1) of means over repeats, where at least one baseline was judged."""
    judged = ours.judged(claim)
    for _, here in judged.groupby("task", sort=False):
        baselines = here[here["fingerprint"].isin(BASELINES)]
        own = here[(here["fingerprint"] == claim["method"]) & (here["verifier"] == claim["verifier"])]
        if baselines.empty or own.empty:
            continue
        row, best = own.iloc[0], baselines.sort_values("aruc", ascending=False, kind="stable").iloc[0]
        gain = 100 * (row["aruc"] / best["aruc"] - 1) if best["aruc"] > 0 else float("nan")
        name = found.label(ours.scores, row["fingerprint"], row["verifier"])
        baseline = found.label(ours.scores, best["fingerprint"], best["verifier"])
        over = f"ARUC gain {claim['unit']} over {baseline}, the best of {len(baselines)} baselines"
        names = ours.named(name, row["fingerprint"]), ours.named(over, best["fingerprint"])
        yield _row(claim, *names, row, (gain, float("nan")), size(row, "victims", "repeats"), 0)


def _prints(group: pd.DataFrame, values: pd.Series) -> str:
    return f"{number(group['n'].mean(), 0)} prints × {values.notna().sum()}" if values.notna().any() else DASH


def _row(
    claim: pd.Series,
    method: Cell | str,
    metric: Cell | str,
    at: pd.Series,
    measured: tuple[float, float],
    n: str,
    digits: int,
) -> Row:
    """`at`: any row of ours, for the name of its task."""
    data, _, rest = str(claim["note"]).partition(";")
    return (
        method,
        metric,
        str(at["task"]),
        data or DASH,
        f"{claim['paper']}, {claim['place']}" + (f" ({rest.strip()})" if rest else ""),
        spread(claim["value"], claim["sd"], digits),
        spread(measured[0], measured[1], digits),
        _signed(measured[0] - claim["value"], digits),
        n,
    )


def _signed(difference: float, digits: int) -> str:
    return f"+{number(difference, digits)}" if difference > 0 else number(difference, digits)
