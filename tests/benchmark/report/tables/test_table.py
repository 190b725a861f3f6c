"""The renderings of a table, and the tables' contents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from benchmark.report import Findings
from benchmark.report import summary as summaries
from benchmark.report.findings import checked, of_main_channel
from benchmark.report.numbers import duration, interval, number, spread
from benchmark.report.statistics import Statistics
from benchmark.report.summary import summarise
from benchmark.report.tables import (
    areas,
    channels,
    costs,
    differences,
    families,
    headline,
    matrix,
    owner,
    reasons,
    stealth,
)
from benchmark.report.tables.latex import render
from benchmark.report.tables.ranks import ranked
from benchmark.report.tables.table import Cell, Footnotes, Row, Table, as_cell

Make = Callable[..., Findings]
NAN = float("nan")


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "RESAMPLES", 20)


def texts(table: Table, *start: str) -> list[str]:
    """The cells of the only row that begins with `start`."""
    rows = [[cell if isinstance(cell, str) else cell.text for cell in row] for row in table.rows]
    found = [row for row in rows if row[: len(start)] == list(start)]
    assert len(found) == 1, f"{start} in {rows}"
    return found[0]


def tabled(findings: Findings) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    ready = of_main_channel(checked(findings))
    return ready.scores, summarise(ready.scores), ready.prints


def test_numbers_are_rounded_and_unknown_ones_dashed() -> None:
    assert number(0.98765) == "0.988"
    assert number(-1.25, 1) == "−1.2"
    assert spread(0.5, 0.001) == "0.500 ± 0.001"
    assert spread(0.5, NAN) == "0.500"
    assert interval(0.25, 0.75) == "[0.250, 0.750]"
    assert {number(NAN), spread(NAN, NAN), spread(NAN, 0.0), interval(NAN, 1.0), duration(NAN)} == {"–"}
    assert [duration(value) for value in (0.01234, 12.34, 123.4)] == ["0.0123", "12.3", "123"]


def test_markdown_and_html_escape_cells_and_keep_marks() -> None:
    rows: list[Row] = [(Cell("a|b_c<d>", ("a",)), "50 %"), ("[first", Cell("2", (), 1))]
    table = Table("demo", "Title & more", ("Name_1", "Share %"), rows, 1, ["note_1"], {"a": "why < not"})
    markdown, page, notes = table.markdown(), table.html(), table.html_notes()
    assert "| a\\|b\\_c&lt;d&gt;<sup>a</sup> | 50 % |" in markdown
    assert "| --- | ---: |" in markdown
    assert "a|b_c&lt;d&gt;<sup>a</sup>" in page and "<strong>2</strong>" in page
    assert "<caption>Title &amp; more</caption>" in page
    assert notes == "note_1<br><sup>a</sup> why &lt; not"


def test_the_column_that_names_a_row_is_the_second_behind_the_task() -> None:
    behind = Table("demo", "T", ("Task", "Method", "n"), [("t", "m", "1")], 2).html()
    assert behind.count('class="name"') == 2 and behind.count('class="name key"') == 2
    assert '<th scope="row" class="name key">m</th><td class="number">1</td>' in behind
    first = Table("demo", "T", ("Method", "Access", "n"), [("m", "label", "1")], 2).html()
    assert '<th scope="row" class="name key">m</th><td>label</td>' in first


def test_html_cells_fill_the_header_and_tags_close() -> None:
    table = Table("demo", "T", ("A", "B", "C"), [("1", "2", "3"), ("4", "5", "6")], 1, ["n"])
    opened: list[str] = []
    seen: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append(tag)
            if tag != "br":
                opened.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert opened.pop() == tag

    Reader().feed(table.html())
    assert opened == []
    assert seen.count("th") + seen.count("td") == 9


def test_the_best_of_a_column_is_bold_and_the_second_underlined_in_all_three() -> None:
    cells = ranked(["0.9*", Cell("0.95", ("a",)), "0.9", "n/a", "0.1"], [0.9, 0.95, 0.9, NAN, 0.1])
    assert [as_cell(cell).rank for cell in cells] == [2, 1, 2, 0, 0]
    table = Table("demo", "T", ("A", "B"), [("x", cell) for cell in cells], 1, [], {"a": "why"})
    assert "| <strong>0.95</strong><sup>a</sup> |" in table.markdown() and "| <u>0.9\\*</u> |" in table.markdown()
    assert "\\textbf{0.95}\\textsuperscript{a}" in render(table) and "\\underline{0.9*}" in render(table)
    assert "<strong>0.95</strong><sup>a</sup>" in table.html() and "<u>0.9*</u>" in table.html()


def test_equal_bests_leave_no_second_and_a_lone_value_is_no_best() -> None:
    assert [as_cell(cell).rank for cell in ranked(["a", "b", "c"], [0.9, 0.9001, 0.5])] == [1, 1, 0]
    assert ranked(["a", "b"], [0.9, NAN]) == ["a", "b"]


def test_reasons_that_differ_in_numbers_are_one_note() -> None:
    sizes = {"layer 6 has 30 neurons instead of 32": 1, "no labels": 2, "layer 6 has 18 neurons instead of 32": 3}
    assert reasons.grouped(sizes) == {"layer 6 has 18 to 30 neurons instead of 32": 4, "no labels": 2}
    assert reasons.merged(["layer 9 is none"]) == {"layer 9 is none": "layer 9 is none"}


def test_footnotes_reuse_marks_and_go_past_z() -> None:
    notes = Footnotes()
    marks = [notes.mark(f"reason {i}") for i in range(28)]
    assert marks[:2] + marks[25:] == ["a", "b", "z", "aa", "ab"]
    assert notes.mark("reason 1") == "b"
    assert len(notes.texts) == 28


def test_families_show_shares_judged_rightly(make_findings: Make) -> None:
    def matched(fingerprint: str, repeat: int, suspect: str, positive: bool) -> int:
        if suspect == "finetune layers=last":
            return 90 if repeat == 0 else 0
        return 0 if suspect.startswith("distill") or not positive else 90

    scores, summary, _ = tabled(make_findings(matched=matched))
    table = families.table(scores, summary)
    names = ("R finetune", "R retrain", "R weight pruning", "R filter pruning", "R distill", "U independent")
    assert table.header[2:] == names
    row = texts(table, "digits_class", "saliency white")
    assert row[2:] == ["0.75", "1.00", "1.00", "1.00†", "0.00", "1.00"]
    assert texts(table, "digits_angle", "akh")[2:] == ["n/a"] * 6


def test_generation_shows_the_self_score_of_each_verifier_and_the_methods_own_numbers(make_findings: Make) -> None:
    scores, _, prints = tabled(make_findings())
    row = texts(costs.generation(scores, prints), "digits_class", "saliency")
    assert row[2:] == ["white 0.98, black 0.98", "gap 4.5, rule least likely", "100 × 2", "98.0 ± 0.0", "50.0 ± 0.0"]


def test_every_table_that_names_a_marked_fingerprint_carries_the_footnote(make_findings: Make) -> None:
    marks = {"akh": "Reconstructed."}
    findings = checked(replace(make_findings(tasks=["digits_class"]), marks=marks))
    scores, summary, prints = tabled(findings)
    statistics = Statistics.of(findings)
    made = [
        headline.headline(scores, summary, statistics.families, 0.05, marks),
        areas.areas(scores, summary, marks),
        areas.operating_points(scores, summary, marks),
        owner.table(scores, statistics.summary, 0.05, marks),
        differences.table(scores, statistics.differences, marks),
        families.table(scores, summary, marks),
        families.areas(scores, summary, statistics.families, marks),
        stealth.table(findings),
        channels.table(findings),
        costs.cost(scores, prints, marks),
        costs.generation(scores, prints, marks),
    ]
    for table in made:
        [sign] = [mark for mark, text in table.footnotes.items() if text == "Reconstructed."]
        cells = [cell for row in table.rows for cell in row if isinstance(cell, Cell) and sign in cell.marks]
        assert {cell.text for cell in cells} <= {"akh", "best: akh", "cheapest: akh"} and cells, table.name


def test_channels_stand_side_by_side_each_with_its_own_areas(make_findings: Make) -> None:
    def matched(fingerprint: str, repeat: int, suspect: str, positive: bool) -> int:
        return 80 + 10 * repeat if positive else 10

    findings = make_findings(matched=matched)
    rounded = findings.scores["channel"] == "eight_bit"
    findings.scores.loc[rounded & findings.scores["positive"], ["score", "matched"]] = [0.0, 0]
    table = channels.table(checked(findings))
    assert table.header == ("Task", "Method", "ARUC, as made", "AUC, as made", "ARUC, eight bit", "AUC, eight bit")
    cells = texts(table, "digits_class", "saliency white")[2:]
    assert cells == [f"{75 / 101:.3f}", "1.000", "0.000", "0.000"]
    assert texts(table, "digits_angle", "akh")[2:] == ["n/a", "–", "n/a", "–"]
    assert any("«as made»" in note for note in table.notes)


def test_channels_vary_over_victims_not_over_their_repeats(make_findings: Make) -> None:
    def matched(fingerprint: str, number: int, suspect: str, positive: bool) -> int:
        return (80, 90, 60, 70)[number] if positive else 10

    findings = make_findings(tasks=["digits_class"], victims=2, matched=matched)
    cell = texts(channels.table(checked(findings)), "digits_class", "saliency white")[2]
    assert cell == f"{65 / 101:.3f} ± {np.std([75, 55], ddof=1) / 101:.3f}"


def test_a_channel_that_does_not_concern_a_verifier_says_why_and_the_main_one_stands_first(make_findings: Make) -> None:
    findings = make_findings(tasks=["digits_class"])
    rows = findings.scores
    blind = (rows["channel"] == "eight_bit") & (rows["verifier"] == "white")
    rows.loc[blind, ["score", "matched", "reason"]] = [NAN, NAN, "a white box is not asked"]
    lone = rows[(rows["channel"] == "as_made") | (rows["fingerprint"] != "akh")]
    table = channels.table(checked(replace(findings, scores=lone, channel="eight_bit")))
    assert table.header[2:4] == ("ARUC, eight bit", "AUC, eight bit")
    [row] = [row for row in table.rows if row[1] == "saliency white"]
    assert isinstance(row[2], Cell) and table.footnotes[row[2].marks[0]] == "a white box is not asked"
    assert row[3] == "–" and as_cell(row[4]).text not in ("n/a", "–")
    assert texts(table, "digits_class", "akh")[2:4] == ["–", "–"]  # nobody was asked, nobody says why


def test_cost_and_models(make_findings: Make) -> None:
    findings = make_findings()
    scores, _, prints = tabled(findings)
    table = costs.cost(scores, prints)
    assert texts(table, "digits_class", "saliency black")[3:] == ["12.5", "200", "0.25"]
    assert texts(table, "digits_angle", "akh")[3:] == ["n/a", "–", "–"]
    zoo = costs.zoo(findings.models)
    expected = ["digits_class", "suspect", "finetune", "2", "98.0", "98.0", "98.0", "accuracy %", "1000", "0", "4"]
    assert texts(zoo, "digits_class", "suspect", "finetune") == expected
    assert texts(zoo, "digits_class", "victim")[2:4] == ["", "1"]


def test_the_matrix_has_every_method_on_every_suspect_and_no_blank(make_findings: Make) -> None:
    findings = make_findings()
    rows = findings.scores
    silent = (
        (rows["suspect"] == "distill replicate=0") & (rows["verifier"] == "black") & (rows["task"] == "digits_class")
    )
    rows.loc[silent & (rows["repeat"] == 1), ["score", "matched", "reason"]] = [NAN, NAN, "answers in riddles"]
    rows = rows[~((rows["suspect"] == "independent replicate=1") & (rows["fingerprint"] == "akh"))]
    scores = of_main_channel(checked(replace(findings, scores=rows))).scores
    table = matrix.table(scores, {"akh": "Reconstruction."})
    assert len(table.rows) == 2 * 12 and all(as_cell(cell).text for row in table.rows for cell in row)
    assert all(len(row) == len(table.header) == 5 for row in table.rows)
    cells = texts(table, "digits_class", "finetune layers=all")
    means = scores[scores["task"].eq("digits_class") & scores["suspect"].eq("finetune layers=all")]
    expected = means.groupby(["fingerprint", "verifier"], sort=False)["score"].mean()
    assert cells[2:] == [f"{value:.2f}" for value in expected]
    partly = next(row[3] for row in table.rows if row[:2] == ("digits_class", "distill replicate=0"))
    assert isinstance(partly, Cell) and table.footnotes[partly.marks[0]] == "answers in riddles"
    assert texts(table, "digits_class", "independent replicate=1")[4] == "–"
    assert texts(table, "digits_angle", "distill replicate=0")[4] == "n/a"
    assert {"needs class labels: the task has none", matrix.FAILED} <= set(table.footnotes.values())
    assert "akh: Reconstruction." in table.notes
    assert texts(table, "digits_class", "filter_pruning ratio=7/16†")
