"""Tables for papers: what is set, what is left out, and that pdflatex takes all of it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.paths import ROOT
from benchmark.report import Findings, drawing, summary
from benchmark.report.findings import checked
from benchmark.report.statistics import Statistics
from benchmark.report.tables import published
from benchmark.report.tables.latex import render
from benchmark.report.tables.table import Cell, Row, Table

Make = Callable[..., Findings]
DOCUMENT = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n\\input{%s}\n\\end{document}\n"
AWKWARD = "§ «a_b» ± × − ≤ ρ é ² ₂ & % $ # { } ~ ^ \\ < > | [x] 中"
needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")


def demo(rows: list[Row], **others: object) -> Table:
    return Table("demo", "T", ("Task", "Method", "AUC", "FPR"), rows, 2, **others)  # type: ignore[arg-type]


def body(text: str) -> str:
    return text[text.index("\\midrule") : text.rindex("\\bottomrule")]


def test_rows_of_a_task_stand_under_its_name_and_cells_keep_rank_and_marks() -> None:
    rows: list[Row] = [
        ("one_task", "first", Cell("0.9", ("a",), 1), "0.1"),
        ("one_task", "other", Cell("0.8", (), 2), "–"),
    ]
    text = render(demo(rows, footnotes={"a": "why not"}))
    assert text.count("one\\_task") == 1 and "\\multicolumn{3}{@{}l}{\\textit{one\\_task}} \\\\" in text
    assert "first & \\textbf{0.9}\\textsuperscript{a} & 0.1 \\\\" in text
    assert "other & \\underline{0.8} & -- \\\\" in text
    assert "\\textsuperscript{a}~why not." in text
    assert text.startswith("% T\n% needs \\usepackage{booktabs}\n")


def test_rows_without_a_number_stand_in_the_notes_and_marks_are_lettered_anew() -> None:
    rows: list[Row] = [
        ("t", "never", Cell("n/a", ("a",)), "–"),
        ("t", "nor this", Cell("n/a", ("a",)), "–"),
        ("t", "works", Cell("1", ("b",)), "0"),
    ]
    text = render(demo(rows, notes=["A note."], footnotes={"a": "needs labels", "b": "but weakly"}))
    assert "never" not in body(text) and "works & 1\\textsuperscript{a} & 0" in body(text)
    assert "Not applicable: never, t; nor this, t (needs labels)." in text
    assert "\\textsuperscript{a}~but weakly." in text and "\\textsuperscript{b}" not in text
    assert text.count("\\par\\smallskip") == 1  # all notes in one paragraph


def test_columns_of_one_name_stand_below_it() -> None:
    header = ("Method", "digits: AUC", "digits: FPR", "Score: alone")
    text = render(Table("demo", "T", header, [("m", "1", "2", "3")], 1))
    assert "\\multicolumn{2}{c}{digits}" in text and "\\cmidrule(lr){2-3}" in text
    assert "Score: alone" in text.replace(" \\\\{}", " ")


def test_a_row_that_begins_with_a_bracket_or_a_star_is_no_argument() -> None:
    text = render(Table("demo", "T", ("A", "B"), [("[x", "1"), ("*y", "2")], 1))
    assert "{}[x & 1" in text and "{}*y & 2" in text


def test_a_table_too_wide_is_set_in_parts_with_all_columns_once() -> None:
    header = ("Name", *(f"column {i}" for i in range(40)))
    rows: list[Row] = [(f"row {i}", *(f"{i}.{j:03d}" for j in range(40))) for i in range(3)]
    text = render(Table("demo", "T", header, rows, 1))
    parts = text.count("\\begin{tabular}{@{}l")
    assert parts > 1 and text.count("row 2") == parts
    assert all(text.count(f" 1.{j:03d}") == 1 for j in range(40))


def test_a_table_too_long_is_set_in_parts_with_all_rows_once() -> None:
    text = render(Table("demo", "T", ("Name", "n"), [(f"row {i};", "1") for i in range(120)], 1))
    assert text.count("\\toprule") > 1
    assert all(text.count(f"row {i};") == 1 for i in range(120))


@pytest.fixture(scope="module")
def tables(make_whole: Make) -> list[Table]:
    """All tables of a report with awkward names, sides, reasons and a paper's claims."""
    findings = make_whole(victims=2, repeats=1, names={"methods": {"saliency white": f"White {AWKWARD}"}})
    scores = findings.scores
    scores["reason"] = scores["reason"].replace({"needs class labels: the task has none": AWKWARD})
    scores["suspect"] = scores["suspect"].replace({"distill replicate=0": f"distill {AWKWARD}"})
    findings = replace(findings, marks={"akh": AWKWARD})
    findings.manifest["failures"] = [{"job": f"job {AWKWARD}", "error": f"Error: {AWKWARD}" * 20}]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(summary, "RESAMPLES", 20)
        ready = checked(findings)
        claims = published.read(ROOT / "results" / "published")
        return list(drawing._tables(ready, Statistics.of(ready), claims))


def test_no_character_is_left_that_is_not_plain(tables: list[Table]) -> None:
    assert len(tables) > 12 and all(render(table).isascii() for table in tables)


def set_by_pdflatex(table: Table, folder: Path) -> str:
    """The log of a run that must end well."""
    (folder / f"{table.name}.tex").write_text(render(table), encoding="ascii")
    (folder / "main.tex").write_text(DOCUMENT % table.name)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, f"{table.name}: {done.stdout[-2000:]}"
    return done.stdout


@needs_latex
def test_every_table_is_set_with_booktabs_alone_and_fits_the_page(tables: list[Table], tmp_path: Path) -> None:
    for table in tables:
        log = set_by_pdflatex(table, tmp_path)
        assert not re.findall(r"Overfull \\[hv]box[^\n]*", log), table.name


@needs_latex
def test_the_widest_table_fits_too(tmp_path: Path) -> None:
    header = ("Task", "Method", *(f"a column {i}" for i in range(30)))
    cells = [Cell(f"0.{j:03d} ± 0.123", ("a",), j % 3) for j in range(30)]
    rows: list[Row] = [(f"task {i // 9}", f"a_long_name_of_a_method_{i}" * 2, *cells) for i in range(30)]
    log = set_by_pdflatex(Table("wide", "T", header, rows, 2, [], {"a": "a reason"}), tmp_path)
    assert not re.findall(r"Overfull \\[hv]box[^\n]*", log)
