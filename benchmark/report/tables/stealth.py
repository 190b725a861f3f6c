"""Table 2 of the saliency paper: label accuracy, PSNR and detection rates, on prints as made and on 8-bit ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from benchmark.report import findings as found
from benchmark.report.tables.table import DASH, Cell, Footnotes, Row, Table, number, spread

CLEAN = "clean test images"
PIXELS = {"as made": "", "8 bit": "_8bit"}  # the second: rounded to whole pixel values, as an API receives them
ABOUT = [
    "Accuracy: share of prints that the victim gives the label of their source image. PSNR: against each print's own "
    "source image, – where a method has none. Mean ± standard deviation over repeats; n: prints × repeats.",
    "DR, detection rate: share of the prints that a detector flags at the threshold named, 0 is best; of clean test "
    "images it is the false-positive rate. AUROC: prints told from clean test images by the detector's distance, 0.5 "
    "is best.",
]


@dataclass(frozen=True)
class Detected:
    """Detections by column of the table: a (detector, threshold) for rates, a detector for its AUROC."""

    rows: pd.DataFrame
    distances: pd.DataFrame
    pairs: list[tuple[str, str]]
    notes: Footnotes = field(default_factory=Footnotes)

    @property
    def detectors(self) -> list[str]:
        """Each once, in order of appearance."""
        return list(dict.fromkeys(detector for detector, _ in self.pairs))

    def header(self) -> tuple[str, ...]:
        """The rates first, then the areas."""
        rates = (f"DR {detector} {threshold}".strip() + " %" for detector, threshold in self.pairs)
        return (*rates, *(f"AUROC {detector}" for detector in self.detectors))

    def of_prints(self, task: str, fingerprint: str, ending: str) -> Row:
        """The cells of one fingerprint; areas stand in the row of the prints as they were made."""
        here = _of(self.rows, task=task, fingerprint=fingerprint)
        rates = (self._cell(here, f"rate{ending}", 100, 1, *pair) for pair in self.pairs)
        areas = (self._cell(here, "auroc", 1, 3, detector) if not ending else DASH for detector in self.detectors)
        return (*rates, *areas)

    def of_clean(self, task: str) -> Row:
        """The false-positive rates of one task; they are the same for every fingerprint."""
        here = _of(self.rows, task=task)
        rates = (self._cell(here, "clean_rate", 100, 1, *pair) for pair in self.pairs)
        return (*rates, *(DASH for _ in self.detectors))

    def clean_images(self, task: str) -> str:
        """How many clean test images were measured, where the distances say so."""
        numbers = _of(self.distances, task=task, fingerprint="")["number"]
        return f"{numbers.nunique()}" if len(numbers) else DASH

    def values(self) -> str:
        """The thresholds that bear the names in the header, by task, means over repeats."""
        parts = []
        for task, here in self.rows[self.rows["value"].notna()].groupby("task", sort=False):
            named = here["detector"] + " " + here["threshold"]
            means = here.groupby(named, sort=False)["value"].mean()
            parts.append(f"{task}: " + ", ".join(f"{name} {mean:.3g}" for name, mean in means.items()))
        return f"Thresholds (means over repeats). {'; '.join(parts)}." if parts else ""

    def _cell(
        self, here: pd.DataFrame, column: str, factor: int, digits: int, detector: str, threshold: str | None = None
    ) -> Cell | str:
        """Mean ± sd over repeats, or why there is none."""
        of_detector = here[here["detector"] == detector]
        chosen = of_detector if threshold is None else of_detector[of_detector["threshold"] == threshold]
        values = factor * chosen.groupby("repeat")[column].mean().dropna()
        if len(values):
            return spread(values.mean(), values.std(ddof=1), digits)
        reason = next((reason for reason in of_detector["reason"] if reason), "")
        return self.notes.cell("n/a" if reason else DASH, reason)


def table(
    prints: pd.DataFrame,
    detections: pd.DataFrame,
    distances: pd.DataFrame,
    marks: Mapping[str, str] = found.UNMARKED,
) -> Table:
    """Two rows a fingerprint, as made and 8 bit, and under each task the false-positive rates on clean images."""
    detected = Detected(detections, distances, _pairs(detections))
    rows: list[Row] = []
    for task in _names(prints["task"], detections["task"]):
        here = _of(prints, task=task)
        for fingerprint in _names(here["fingerprint"], _of(detections, task=task)["fingerprint"]):
            name = detected.notes.cell(fingerprint, marks.get(fingerprint, ""))
            own = _of(here, fingerprint=fingerprint)
            for pixels, ending in PIXELS.items():
                cells = detected.of_prints(task, fingerprint, ending)
                rows.append((task, name, pixels, *_visible(own, ending), *cells))
        if len(_of(detections, task=task)):
            rows.append((task, CLEAN, "as made", detected.clean_images(task), DASH, DASH, *detected.of_clean(task)))
    header = ("Task", "Fingerprint", "Pixels", "n", "Accuracy %", "PSNR dB", *detected.header())
    about = [text for text in (*ABOUT[: 1 + bool(detected.pairs)], detected.values()) if text]
    title = "Stealth: accuracy, PSNR, detection rate"
    return Table("table2", title, header, rows, 3, about, detected.notes.texts)


def _visible(own: pd.DataFrame, ending: str) -> Row:
    """n, label accuracy in % and PSNR in dB of one fingerprint."""
    accuracy, psnr = 100 * own[f"label_accuracy{ending}"], own[f"psnr{ending}"]
    n = f"{number(own['n'].mean(), 0)} × {len(own)}" if len(own) else DASH
    return n, spread(accuracy.mean(), accuracy.std(ddof=1), 1), spread(psnr.mean(), psnr.std(ddof=1), 2)


def _pairs(detections: pd.DataFrame) -> list[tuple[str, str]]:
    """(detector, threshold) in order, detectors together; a row of a reason need not name a threshold."""
    pairs: list[tuple[str, str]] = []
    for detector, here in detections.groupby("detector", sort=False):
        names = [name for name in _names(here["threshold"].fillna("")) if name]
        pairs += [(str(detector), name) for name in names or [""]]
    return pairs


def _names(*columns: Iterable[object]) -> list[str]:
    """Every value once, in order of appearance."""
    return list(dict.fromkeys(str(value) for column in columns for value in column))


def _of(frame: pd.DataFrame, **values: str) -> pd.DataFrame:
    """The rows that have these values."""
    for column, value in values.items():
        frame = frame[frame[column] == value]
    return frame
