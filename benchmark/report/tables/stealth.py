"""Label accuracy, PSNR and detection rates of the prints behind each channel, as Table 2 of the saliency paper."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

from benchmark.report import findings as found
from benchmark.report.findings import Findings
from benchmark.report.names import Names, spaced
from benchmark.report.numbers import DASH, number, spread
from benchmark.report.tables.table import Cell, Footnotes, Row, Table

ABOUT = [
    "Accuracy: share of prints that the victim gives the label of their source image. PSNR: against each print's own "
    "source image, – where a method has none. Mean ± standard deviation over "
    "victims and repeats; n: prints × victims × repeats.",
    "DR, detection rate: share of the prints that a detector flags at the threshold named, 0 is best; of clean test "
    "images it is the false-positive rate. AUROC: prints told from clean test images by the detector's distance, 0.5 "
    "is best.",
]


@dataclass(frozen=True)
class Detected:
    """Detections by column of the table: a (detector, threshold) for rates, a detector for its AUROC.

    Attributes:
        main: the rows of the main channel, for what no channel touches.
    """

    names: Names
    rows: pd.DataFrame
    main: pd.DataFrame
    distances: pd.DataFrame
    pairs: list[tuple[str, str]]
    notes: Footnotes = field(default_factory=Footnotes)

    @property
    def detectors(self) -> list[str]:
        """Each once, in order of appearance."""
        return list(dict.fromkeys(detector for detector, _ in self.pairs))

    def header(self) -> tuple[str, ...]:
        """The rates first, then the areas."""
        called = self.names.detector
        rates = (f"DR {called(detector)} {threshold}".strip() + " %" for detector, threshold in self.pairs)
        return (*rates, *(f"AUROC {called(detector)}" for detector in self.detectors))

    def of_prints(self, task: str, fingerprint: str, channel: str) -> Row:
        """The cells of one fingerprint's prints behind one channel."""
        here = _of(self.rows, task=task, fingerprint=fingerprint, channel=channel)
        rates = (self._cell(here, "rate", 100, 1, *pair) for pair in self.pairs)
        areas = (self._cell(here, "auroc", 1, 3, detector) for detector in self.detectors)
        return (*rates, *areas)

    def of_clean(self, task: str) -> Row:
        """The false-positive rates of one task; they are the same for every fingerprint."""
        here = _of(self.main, task=task)
        rates = (self._cell(here, "clean_rate", 100, 1, *pair) for pair in self.pairs)
        return (*rates, *(DASH for _ in self.detectors))

    def clean_images(self, task: str) -> str:
        """How many clean test images were measured, where the distances say so."""
        numbers = _of(self.distances, task=task, fingerprint="")["number"]
        return f"{numbers.nunique()}" if len(numbers) else DASH

    def values(self) -> str:
        """The thresholds that bear the names in the header, by task, means over victims and repeats."""
        parts = []
        for task, here in self.main[self.main["value"].notna()].groupby("task", sort=False):
            named = here["detector"].map(self.names.detector) + " " + here["threshold"]
            means = here.groupby(named, sort=False)["value"].mean()
            parts.append(f"{task}: " + ", ".join(f"{name} {mean:.3g}" for name, mean in means.items()))
        return f"Thresholds (means over victims and repeats). {'; '.join(parts)}." if parts else ""

    def _cell(
        self, here: pd.DataFrame, column: str, factor: int, digits: int, detector: str, threshold: str | None = None
    ) -> Cell | str:
        """Mean ± sd over victims and repeats, or why there is none."""
        of_detector = here[here["detector"] == detector]
        chosen = of_detector if threshold is None else of_detector[of_detector["threshold"] == threshold]
        values = factor * chosen.groupby(["victim", "repeat"])[column].mean().dropna()
        if len(values):
            return spread(values.mean(), values.std(ddof=1), digits)
        reason = next((reason for reason in of_detector["reason"] if reason), "")
        return self.notes.cell("n/a" if reason else DASH, reason)


def table(findings: Findings) -> Table:
    """A row per fingerprint and channel, and under each task the false-positive rates on clean images."""
    names = Names.of(findings.scores, findings.manifest)
    prints, detections, main = findings.prints, findings.detections, found.of_main_channel(findings)
    detected = Detected(names, detections, main.detections, findings.distances, _pairs(detections))
    rows: list[Row] = []
    for task in _names(prints["task"], detections["task"]):
        here = _of(prints, task=task)
        for fingerprint in _names(here["fingerprint"], _of(detections, task=task)["fingerprint"]):
            name = detected.notes.cell(names.fingerprint(fingerprint), findings.marks.get(fingerprint, ""))
            for channel in found.channels(findings):
                seen = _of(findings.visibility, task=task, fingerprint=fingerprint, channel=channel)
                made = _size(_of(here, fingerprint=fingerprint))
                cells = (*_visible(seen), *detected.of_prints(task, fingerprint, channel))
                rows.append((task, name, spaced(channel), made, *cells))
        if len(_of(detections, task=task)):
            rows.append((task, found.CLEAN, DASH, detected.clean_images(task), DASH, DASH, *detected.of_clean(task)))
    header = ("Task", "Fingerprint", "Channel", "n", "Accuracy %", "PSNR dB", *detected.header())
    about = [text for text in (*ABOUT[: 1 + bool(detected.pairs)], detected.values()) if text]
    title = "Stealth: accuracy, PSNR, detection rate"
    return Table("stealth", title, header, rows, 3, about, detected.notes.texts)


def _size(prints: pd.DataFrame) -> str:
    return f"{number(prints['n'].mean(), 0)} × {len(prints)}" if len(prints) else DASH


def _visible(seen: pd.DataFrame) -> Row:
    """Label accuracy in % and PSNR in dB of one fingerprint behind one channel."""
    accuracy, psnr = 100 * seen["label_accuracy"], seen["psnr"]
    return spread(accuracy.mean(), accuracy.std(ddof=1), 1), spread(psnr.mean(), psnr.std(ddof=1), 2)


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
