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
from benchmark.report.summary import summarise
from benchmark.report.tables import channels, costs, families, headline, matrix, stealth
from benchmark.report.tables.table import Cell, Footnotes, Row, Table, as_cell, latex_text

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


def test_latex_escapes_every_special_character_once() -> None:
    expected = r"\textbackslash{}50\% \& a\_b \#1 \$x\$ \{y\} \textasciitilde{}\textasciicircum{} $\pm$ $\rho$"
    assert latex_text("\\50% & a_b #1 $x$ {y} ~^ ± ρ") == expected


def test_the_three_renderings_escape_cells_and_keep_marks() -> None:
    rows: list[Row] = [(Cell("a|b_c<d>", ("a",)), "50 %"), ("[first", "2")]
    table = Table("demo", "Title & more", ("Name_1", "Share %"), rows, 1, ["note_1"], {"a": "why < not"})
    markdown, latex, page = table.markdown(), table.latex(), table.html()
    assert "| a\\|b\\_c&lt;d&gt;<sup>a</sup> | 50 % |" in markdown
    assert "| --- | ---: |" in markdown
    assert "a\\textbar{}b\\_c\\textless{}d\\textgreater{}\\textsuperscript{a} & 50 \\% \\\\" in latex
    assert "{}[first & 2 \\\\" in latex
    assert "Name\\_1 & Share \\% \\\\" in latex
    assert "a|b_c&lt;d&gt;<sup>a</sup>" in page
    assert "<caption>Title &amp; more</caption>" in page
    assert "why &lt; not" in page


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


def test_footnotes_reuse_marks_and_go_past_z() -> None:
    notes = Footnotes()
    marks = [notes.mark(f"reason {i}") for i in range(28)]
    assert marks[:2] + marks[25:] == ["a", "b", "z", "aa", "ab"]
    assert notes.mark("reason 1") == "b"
    assert len(notes.texts) == 28


def test_headline_shows_both_variants_n_and_reasons(make_findings: Make) -> None:
    def matched(fingerprint: str, repeat: int, suspect: str, positive: bool) -> int:
        return 0 if suspect.startswith("filter") or not positive else 100

    scores, summary, _ = tabled(make_findings(matched=matched))
    table = headline.headline(scores, summary)
    row = texts(table, "digits_class", "saliency white")
    assert row[2:4] == ["white box", "6+6 × 2 (5+6)"]
    assert row[4] == f"{5 / 6 * 100 / 101:.3f} ± 0.000"
    assert row[8] == f"{100 / 101:.3f} ± 0.000"
    assert row[10] == "1.000 ± 0.000"
    assert texts(table, "digits_angle", "akh")[3:] == ["–", "n/a", "–", "–", "–", "n/a", "–", "–", "–"]
    assert "needs class labels: the task has none" in table.footnotes.values()


def test_headline_warns_of_a_method_that_fails_on_its_own_victim(make_findings: Make) -> None:
    findings = make_findings(tasks=["digits_class"])
    own = (findings.scores["family"] == "victim") & (findings.scores["verifier"] == "black")
    findings.scores.loc[own, ["matched", "score"]] = [50, 0.5]
    scores, summary, _ = tabled(findings)
    table = headline.headline(scores, summary)
    marked = [row[1].text for row in table.rows if isinstance(row[1], Cell) and row[1].marks]
    assert marked == ["saliency black"]
    assert any("failed on this victim" in text for text in table.footnotes.values())


def test_operating_points_of_one_repeat_have_no_sd(make_findings: Make) -> None:
    scores, summary, _ = tabled(make_findings(repeats=1))
    table = headline.operating_points(scores, summary)
    for row in table.rows:
        assert all("±" not in cell for cell in row if isinstance(cell, str))
    assert texts(table, "digits_class", "saliency white", "all")[3] != "–"


def test_degraded_suspects_are_named_once_per_task(make_findings: Make) -> None:
    scores, _, _ = tabled(make_findings())
    table = headline.degraded(scores)
    assert len(table.rows) == 2
    row = texts(table, "digits_angle")
    assert row == ["digits_angle", "filter_pruning ratio=7/16", "filter_pruning", "60.5", "99.0", "−38.5"]


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
    assert row[2:] == ["white 0.98, black 0.98", "gap 4.5, rule least likely", "100 × 2", "50.0 ± 0.0"]


def test_every_table_that_names_a_marked_fingerprint_carries_the_footnote(make_findings: Make) -> None:
    marks = {"akh": "Reconstructed."}
    findings = checked(replace(make_findings(tasks=["digits_class"]), marks=marks))
    scores, summary, prints = tabled(findings)
    made = [
        headline.headline(scores, summary, marks),
        headline.operating_points(scores, summary, marks),
        families.table(scores, summary, marks),
        stealth.table(findings),
        channels.table(findings),
        costs.cost(scores, prints, marks),
        costs.generation(scores, prints, marks),
    ]
    for table in made:
        [sign] = [mark for mark, text in table.footnotes.items() if text == "Reconstructed."]
        marked = {row[1].text for row in table.rows if isinstance(row[1], Cell) and sign in row[1].marks}
        assert marked == {"akh"}, table.name


def test_channels_stand_side_by_side_each_with_its_own_areas(make_findings: Make) -> None:
    def matched(fingerprint: str, repeat: int, suspect: str, positive: bool) -> int:
        return 80 + 10 * repeat if positive else 10

    findings = make_findings(matched=matched)
    rounded = findings.scores["channel"] == "eight_bit"
    findings.scores.loc[rounded & findings.scores["positive"], ["score", "matched"]] = [0.0, 0]
    table = channels.table(checked(findings))
    assert table.header == ("Task", "Method", "ARUC, as made", "AUC, as made", "ARUC, eight bit", "AUC, eight bit")
    cells = texts(table, "digits_class", "saliency white")[2:]
    assert cells == [f"{75 / 101:.3f} ± {10 / 101 / np.sqrt(2):.3f}", "1.000 ± 0.000", "0.000 ± 0.000", "0.000 ± 0.000"]
    assert texts(table, "digits_angle", "akh")[2:] == ["n/a", "–", "n/a", "–"]
    assert any("«as made»" in note for note in table.notes)


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
