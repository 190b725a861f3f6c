"""Table 2: accuracy, PSNR and detection rates by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from benchmark.report import Findings
from benchmark.report.findings import CLEAN, checked, empty
from benchmark.report.tables.stealth import table
from benchmark.report.tables.table import Cell, Row, Table

Make = Callable[..., Findings]
START = ("Task", "Fingerprint", "Channel", "n", "Accuracy %", "PSNR dB")
NEEDS_CLASSES = "squeezing compares class probabilities: the task has none"


def made(findings: Findings) -> Table:
    return table(checked(findings))


def plain(row: Row) -> list[str]:
    return [cell.text if isinstance(cell, Cell) else cell for cell in row]


def rows(table: Table, *start: str) -> list[list[str]]:
    """The cells behind `start` of the rows that begin so."""
    return [cells[len(start) :] for cells in map(plain, table.rows) if cells[: len(start)] == list(start)]


def test_without_detectors_there_are_accuracy_and_psnr(make_findings: Make) -> None:
    shown = made(make_findings())
    assert shown.header == START
    assert rows(shown, "digits_class", "saliency") == [
        ["as made", "100 × 2", "100.0 ± 0.0", "24.50 ± 0.71"],
        ["eight bit", "100 × 2", "97.0 ± 0.0", "24.00 ± 0.71"],
    ]
    assert [row[-1] for row in rows(shown, "digits_class", "akh")] == ["–", "–"]
    assert rows(shown, "digits_class", CLEAN) == []
    assert not any("DR" in note or "Threshold" in note for note in shown.notes)


def test_each_detector_and_threshold_has_a_column(make_whole: Make) -> None:
    shown = made(make_whole())
    rates = ("DR squeezing fixed %", "DR squeezing fpr05 %", "DR svdd q95 %")
    assert shown.header == (*START, *rates, "AUROC squeezing", "AUROC svdd")
    raw, rounded = rows(shown, "digits_class", "saliency")
    assert raw[4:] == ["50.5 ± 0.7", "75.5 ± 0.7", "75.5 ± 0.7", "0.625 ± 0.000", "0.625 ± 0.000"]
    assert rounded[4:] == ["25.5 ± 0.7", "50.5 ± 0.7", "50.5 ± 0.7", "0.500 ± 0.000", "0.500 ± 0.000"]


def test_clean_images_show_the_false_positive_rate_once_a_task(make_whole: Make) -> None:
    findings = make_whole()
    told = findings.detections
    told.loc[(told["repeat"] == 1) & (told["detector"] == "svdd"), "clean_rate"] = 0.07
    shown = made(findings)
    [row] = rows(shown, "digits_class", CLEAN)
    assert row == ["–", "9", "–", "–", "5.0 ± 0.0", "5.0 ± 0.0", "6.0 ± 1.4", "–", "–"]


def test_what_no_channel_touches_is_taken_from_the_main_one(make_whole: Make) -> None:
    findings = make_whole()
    calm = made(findings)
    told = findings.detections
    told.loc[told["channel"] == "eight_bit", ["value", "clean_rate"]] = [1e6, 1.0]
    wild = made(findings)
    assert (wild.rows, wild.notes) == (calm.rows, calm.notes)


def test_a_detector_that_does_not_apply_says_why(make_whole: Make) -> None:
    shown = made(make_whole())
    raw, rounded = rows(shown, "digits_angle", "saliency")
    assert raw[4:] == ["n/a", "n/a", "75.5 ± 0.7", "n/a", "0.625 ± 0.000"]
    assert rounded[4:6] == ["n/a", "n/a"]
    assert rows(shown, "digits_angle", CLEAN)[0][4:7] == ["n/a", "n/a", "5.0 ± 0.0"]
    [mark] = [mark for mark, text in shown.footnotes.items() if text == NEEDS_CLASSES]
    marked = [row for row in shown.rows if Cell("n/a", (mark,)) in row]
    assert {plain(row)[0] for row in marked} == {"digits_angle"}
    [note] = [note for note in shown.notes if note.startswith("Thresholds")]
    assert note.endswith(
        "digits_class: squeezing fixed 1, squeezing fpr05 0.3, svdd q95 0.55; digits_angle: svdd q95 0.55."
    )


def test_a_reason_without_a_threshold_makes_no_column(make_whole: Make) -> None:
    findings = make_whole()
    told = findings.detections
    refused = told["reason"] != ""
    told.loc[refused, ["threshold", "value"]] = ["", np.nan]
    findings.detections.drop_duplicates(
        ["task", "fingerprint", "repeat", "channel", "detector", "threshold"], inplace=True
    )
    shown = made(findings)
    assert len(shown.header) == len(START) + 5
    assert rows(shown, "digits_angle", "saliency")[0][4:6] == ["n/a", "n/a"]


def test_a_detector_that_was_never_asked_leaves_a_dash(make_whole: Make) -> None:
    findings = make_whole(tasks=["digits_class"])
    asked = (findings.detections["fingerprint"] != "akh") | (findings.detections["detector"] != "svdd")
    shown = made(replace(findings, detections=findings.detections[asked], distances=empty("distances")))
    assert rows(shown, "digits_class", "akh")[0][4:] == ["50.5 ± 0.7", "75.5 ± 0.7", "–", "0.625 ± 0.000", "–"]
    assert rows(shown, "digits_class", CLEAN)[0][1] == "–"  # nobody says how many


def test_one_repeat_has_no_sd_and_prints_without_a_row_are_still_shown(make_whole: Make) -> None:
    findings = make_whole(tasks=["digits_class"], repeats=1)
    lost = findings.prints[findings.prints["fingerprint"] != "akh"]
    seen = findings.visibility[findings.visibility["fingerprint"] != "akh"]
    shown = made(replace(findings, prints=lost, visibility=seen))
    assert not any("±" in cell for row in shown.rows for cell in plain(row))
    assert rows(shown, "digits_class", "akh")[0][:5] == ["as made", "–", "–", "–", "50.0"]
    assert Cell("akh", ("a",)) in {row[1] for row in shown.rows}


def test_no_rows_at_all_make_an_empty_table(make_findings: Make) -> None:
    findings = make_findings()
    shown = made(replace(findings, prints=findings.prints.head(0)))
    assert shown.rows == []
    assert isinstance(findings.detections, pd.DataFrame)
