"""The tables of verdicts: headline, areas, the owner's threshold, differences, degraded suspects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmark.report import Findings
from benchmark.report import summary as summaries
from benchmark.report.findings import checked, of_main_channel
from benchmark.report.numbers import interval
from benchmark.report.statistics import Statistics
from benchmark.report.summary import by_method
from benchmark.report.tables import areas, differences, families, headline, matrix, owner
from benchmark.report.tables.table import Cell, Table, as_cell
from tests.benchmark.report.fabricated import noisy

Make = Callable[..., Findings]
NAN = float("nan")


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "RESAMPLES", 40)


def counted(findings: Findings) -> tuple[pd.DataFrame, Statistics]:
    ready = checked(findings)
    return of_main_channel(ready).scores, Statistics.of(ready)


def texts(table: Table, *start: str) -> list[str]:
    """The cells of the only row that begins with `start`."""
    rows = [[as_cell(cell).text for cell in row] for row in table.rows]
    found = [row for row in rows if row[: len(start)] == list(start)]
    assert len(found) == 1, f"{start} in {rows}"
    return found[0]


def head(findings: Findings) -> Table:
    scores, statistics = counted(findings)
    return headline.headline(scores, statistics.summary, statistics.families, 0.05)


def perfect(fingerprint: str, number: int, suspect: str, positive: bool) -> int:
    """All positives at 0.9 but the distilled copies of akh, which rank as the negatives do."""
    return 90 if positive and not (fingerprint == "akh" and suspect.startswith("distill")) else 10


def test_the_headline_has_a_row_per_method_and_two_columns_per_task(make_findings: Make) -> None:
    table = head(make_findings(victims=2, matched=perfect))
    pairs = ["digits_class: AUC", "digits_class: TPR / FPR", "digits_angle: AUC", "digits_angle: TPR / FPR"]
    assert table.header == ("Method", "Access", "Queries", *pairs, "Knows distilled copies?")
    white = texts(table, "saliency white")
    assert white[1:3] == ["white box", "200"]
    assert white[3:5] == ["1.000 [0.61, 1.00]", "1.00 / 0.00"]
    assert white[-1] == "1.00 partly"  # one distilled copy above all negatives may be chance
    akh = texts(table, "akh")
    assert akh[3] == "0.917 [0.56, 1.00]" and akh[5:7] == ["–", "–"] and akh[-1] == "0.50 no"
    assert any("None accused of 6 innocents leaves up to 39.3 %" in note for note in table.notes)
    assert any("not other families of negatives" in note for note in table.notes)
    assert any("2 of 2 that look alike say no more than [0.22, 1.00]" in note for note in table.notes)


def test_the_headline_knows_distilled_copies_by_those_that_work(make_findings: Make) -> None:
    zoo = [
        *((f"distill {i}", "distill", True) for i in range(12)),
        *((f"independent {i}", "independent", False) for i in range(6)),
    ]

    def found(fingerprint: str, number: int, suspect: str, positive: bool) -> int:
        return 90 if positive and int(suspect.split()[1]) < 6 else 10

    findings = make_findings(tasks=["digits_class"], matched=found, zoo=zoo)
    assert texts(head(findings), "akh")[-1] == "0.75 yes"
    rows = findings.scores
    rows.loc[rows["suspect"].isin([f"distill {i}" for i in range(6, 12)]), "degraded"] = True
    assert texts(head(findings), "akh")[-1] == "1.00 yes"
    rows["degraded"] = rows["suspect"].isin([f"distill {i}" for i in range(6)])
    table = head(findings)
    assert texts(table, "akh")[-1] == "0.50 no"
    assert any("without the copies that are degraded" in note for note in table.notes)
    rows.loc[rows["positive"], "degraded"] = True
    assert texts(head(findings), "akh")[-1] == "n/a"


def test_the_headlines_best_and_second_are_marked(make_findings: Make) -> None:
    table = head(make_findings(tasks=["digits_class"], matched=perfect))
    ranks = {as_cell(row[0]).text: as_cell(row[3]).rank for row in table.rows}
    assert ranks == {"saliency white": 1, "saliency black": 1, "akh": 0}
    assert [as_cell(row[0]).text for row in table.rows] == ["saliency white", "saliency black", "akh"]


def test_who_judges_fewer_has_no_rank_in_the_headline(make_findings: Make) -> None:
    findings = make_findings(tasks=["digits_class"], matched=perfect)
    missed = (findings.scores["verifier"] == "white") & (findings.scores["suspect"] == "distill replicate=0")
    findings.scores.loc[missed, ["score", "matched"]] = np.nan
    findings.scores.loc[missed, "reason"] = "other widths"
    ranks = {as_cell(row[0]).text: as_cell(row[3]).rank for row in head(findings).rows}
    assert ranks == {"saliency white": 0, "saliency black": 1, "akh": 2}


def test_the_headline_has_ten_rows_at_most_the_best_by_mean_auc(make_findings: Make) -> None:
    methods = [(f"m{number:02}", "x", "label") for number in range(12)]

    def matched(fingerprint: str, number: int, suspect: str, positive: bool) -> int:
        return min(100, noisy(fingerprint, number, suspect, positive) // 2 + int(fingerprint[1:]) * 4 * positive)

    scores, statistics = counted(make_findings(tasks=["digits_class"], methods=methods, matched=matched))
    table = headline.headline(scores, statistics.summary, statistics.families, 0.05)
    means = statistics.summary[statistics.summary["suspects"] == "all"].set_index("fingerprint")["auc"]
    expected = means.sort_values(ascending=False, kind="stable").index[:10].tolist()
    assert [as_cell(row[0]).text for row in table.rows] == expected
    assert table.notes[-1].endswith("The table of areas has all 12 ways to verify.")


def ways(findings: Findings, *shown: str) -> tuple[list[str], list[str]]:
    """The methods of the headline, in order, and its notes."""
    scores, statistics = counted(findings)
    table = headline.headline(scores, statistics.summary, statistics.families, 0.05, shown=shown)
    return [as_cell(row[0]).text for row in table.rows], table.notes


def test_the_headline_has_the_best_verifier_for_each_way_to_ask_a_suspect(make_findings: Make) -> None:
    methods = [("a", "poor", "label"), ("a", "good", "label"), ("a", "white", "white box"), ("b", "label", "label")]
    findings = make_findings(tasks=["digits_class"], methods=methods, matched=lambda *of: 90 if of[-1] else 10)
    rows = findings.scores
    for verifier, wrong in (("poor", 3), ("label", 1)):
        found = sorted(rows.loc[rows["positive"] & (rows["family"] != "victim"), "suspect"].unique())[:wrong]
        missed = (rows["verifier"] == verifier) & rows["suspect"].isin(found)
        rows.loc[missed, ["score", "matched"]] = [0.1, 10]
    names, notes = ways(findings)
    assert names == ["a good", "a white", "b"]  # b is better than the poor verifier of a, which is left out
    assert notes[-1].endswith("The table of areas has all 4 ways to verify.")


def test_the_headline_chooses_from_the_fingerprints_that_are_to_be_shown(make_findings: Make) -> None:
    findings = make_findings(tasks=["digits_class"])
    assert {name.split()[0] for name in ways(findings)[0]} == {"saliency", "akh"}
    assert ways(findings, "akh")[0] == ["akh"]
    assert ways(findings, "akh")[1][-1].endswith("The table of areas has all 3 ways to verify.")
    assert sorted(ways(findings, "saliency")[0]) == ["saliency black", "saliency white"]


def test_partly_is_between_yes_and_no(make_findings: Make) -> None:
    def matched(fingerprint: str, number: int, suspect: str, positive: bool) -> int:
        if suspect.startswith("distill"):
            return 35  # above three of six negatives and a bit more
        return 90 if positive else int(suspect[-1]) * 10

    table = head(make_findings(tasks=["digits_class"], matched=matched))
    assert texts(table, "saliency white")[-1] == "0.67 partly"


def test_without_derived_copies_the_question_stays_open(make_findings: Make) -> None:
    zoo = [("finetune", "finetune", True), *((f"independent {i}", "independent", False) for i in range(3))]
    assert texts(head(make_findings(tasks=["digits_class"], zoo=zoo)), "akh")[-1] == "n/a"


def test_n_is_a_range_where_victims_keep_other_numbers_of_copies(make_findings: Make) -> None:
    findings = make_findings(tasks=["digits_class"], victims=2)
    rows = findings.scores
    for victim, lost in enumerate((["finetune layers=all"], ["retrain layers=all", "distill replicate=0"])):
        rows.loc[(rows["victim"] == victim) & rows["suspect"].isin(lost), "degraded"] = True
    scores, statistics = counted(findings)
    table = areas.areas(scores, statistics.summary)
    kept = texts(table, "digits_class", "akh", "label", "kept")
    assert kept[4] == "3–4+6 × 2 × 2"  # not the 5 that some victim keeps
    assert texts(table, "digits_class", "akh", "label", "all")[4] == "6+6 × 2 × 2"
    assert any("from the fewest to the most where victims differ" in note for note in table.notes)
    row = by_method(statistics.summary, "kept")["digits_class", "akh", "label"]
    assert row[["positives_least", "positives", "negatives_least", "negatives"]].tolist() == [3, 4, 6, 6]


def test_the_headline_says_why_there_is_no_threshold_and_who_was_not_judged(make_findings: Make) -> None:
    findings = make_findings(tasks=["digits_class"])
    rows = findings.scores
    for place, ratio in ((0, 30), (1, 18)):
        silent = (rows["suspect"] == f"independent replicate={place}") & (rows["verifier"] == "white")
        rows.loc[silent, ["score", "matched", "reason"]] = [NAN, NAN, f"layer 6 has {ratio} neurons instead of 32"]
    table = head(replace(findings, references=findings.references.head(0)))
    row = next(row for row in table.rows if as_cell(row[0]).text == "saliency white")
    notes = [table.footnotes[mark] for cell in row for mark in as_cell(cell).marks]
    assert "2 suspects not judged: layer 6 has 18 to 30 neurons instead of 32" in notes
    assert "no threshold keeps 5 %: it takes 19 references, there are 0" in notes
    assert as_cell(row[4]).text == "– / –"


def test_areas_show_the_sets_that_differ_n_and_reasons(make_findings: Make) -> None:
    def matched(fingerprint: str, number: int, suspect: str, positive: bool) -> int:
        return 0 if suspect.startswith("filter") or not positive else 100

    scores, statistics = counted(make_findings(victims=2, matched=matched))
    table = areas.areas(scores, statistics.summary)
    whole = texts(table, "digits_class", "saliency white", "white box", "all")
    assert whole[4:6] == ["6+6 × 2 × 2", f"{5 / 6 * 100 / 101:.3f} ± 0.000"]
    kept = texts(table, "digits_class", "saliency white", "white box", "kept")
    assert kept[4:8:2] == ["5+6 × 2 × 2", f"[{100 / 101 * 0.05**0.2:.3f}, 0.990]"]
    assert kept[7] == "1.000 ± 0.000"
    assert not any(as_cell(row[3]).text == "common" for row in table.rows)  # the same as all
    assert texts(table, "digits_angle", "akh")[3:] == ["all", "–", "n/a", "–", "–", "–", "–", "–"]
    assert "needs class labels: the task has none" in table.footnotes.values()


def test_a_method_whose_prints_fail_on_the_victim_has_a_note(make_findings: Make) -> None:
    findings = make_findings(tasks=["digits_class"])
    findings.scores.loc[findings.scores["verifier"] == "black", "made"] = 125
    scores, statistics = counted(findings)
    table = areas.areas(scores, statistics.summary)
    marked = {row[1].text for row in table.rows if isinstance(row[1], Cell) and row[1].marks}
    assert marked == {"saliency black"}
    text = "Less than 95% of the prints work on the victim, 80% on the mean; the others are dropped."
    assert text in table.footnotes.values()


def test_operating_points_of_one_victim_have_no_sd(make_findings: Make) -> None:
    scores, statistics = counted(make_findings())
    for row in areas.operating_points(scores, statistics.summary).rows:
        assert all("±" not in as_cell(cell).text for cell in row)
    scores, statistics = counted(make_findings(victims=2))
    assert "±" in texts(areas.operating_points(scores, statistics.summary), "digits_class", "akh", "all")[3]


def test_degraded_suspects_are_named_once_with_how_many_victims_copies(make_findings: Make) -> None:
    findings = make_findings(victims=2)
    angle = (findings.scores["task"] == "digits_angle") & (findings.scores["victim"] == 1)
    findings.scores.loc[angle, "degraded"] = False
    table = areas.degraded(counted(findings)[0])
    expected = ["digits_angle", "filter_pruning ratio=7/16", "filter_pruning", "1", "60.5", "99.0", "0.50", "0.99"]
    assert texts(table, "digits_angle") == expected
    assert texts(table, "digits_class")[3] == "2"


def test_blind_models_are_marked_in_tables_and_a_blind_victim_s_task_is_named(make_findings: Make) -> None:
    findings = make_findings(victims=2)
    for shown in (areas.degraded, matrix.table):
        assert "‡" not in "".join(shown(counted(findings)[0]).notes)
    lost = findings.scores["family"] == "filter_pruning"
    findings.scores["blind"] = lost & (findings.scores["task"] == "digits_angle")
    for shown in (areas.degraded, matrix.table):
        table = shown(counted(findings)[0])
        names = {as_cell(row[0]).text: as_cell(row[1]).text for row in table.rows if "filter" in as_cell(row[1]).text}
        assert names["digits_angle"].endswith("‡") and not names["digits_class"].endswith("‡")
        assert any(note.startswith("‡ Blind: ") for note in table.notes) and "A victim" not in " ".join(table.notes)
    findings.scores["blind"] = (findings.scores["family"] == "victim") & (findings.scores["task"] == "digits_class")
    for shown in (areas.degraded, matrix.table):
        notes = " ".join(shown(counted(findings)[0]).notes)
        assert "A victim is blind itself (digits_class)" in notes and "‡" not in notes


def test_the_owners_table_shows_both_shares_references_and_the_smallest_p(make_findings: Make) -> None:
    scores, statistics = counted(make_findings(matched=perfect))
    table = owner.table(scores, statistics.summary, 0.05)
    row = texts(table, "digits_class", "akh")
    assert row[2:4] + row[5:9] == ["0.19", "0.83", "0.00", "[0.00, 0.39]", "20", "0.048"]
    ends = by_method(statistics.summary, "all")["digits_class", "akh", "label"][["owner_tpr_low", "owner_tpr_high"]]
    assert row[4] == interval(*ends, 2) and ends.iloc[0] < 5 / 6 < ends.iloc[1]
    assert row[9:] == ["0.50", "0.83", "1.00"]
    assert any("at most 5 % of innocents" in note and "takes 19 of them" in note for note in table.notes)
    assert not any(as_cell(row[0]).text == "digits_angle" and as_cell(row[1]).text == "akh" for row in table.rows)


def test_differences_stand_beside_both_rivals(make_findings: Make) -> None:
    scores, statistics = counted(make_findings(tasks=["digits_class"], matched=perfect))
    table = differences.table(scores, statistics.differences)
    row = texts(table, "digits_class", "akh", "best: saliency white")
    assert row[3] == f"−{1 / 12:.3f}" and row[6] == f"−{1 / 6:.3f}" and row[-1] == "6+6 × 1"
    other = texts(table, "digits_class", "saliency black", "cheapest: akh")
    assert other[3] == f"+{1 / 12:.3f}"
    assert len(table.rows) == 3  # the best and the cheapest are compared once


def test_areas_by_family_stand_beside_pooled_and_macro(make_findings: Make) -> None:
    scores, statistics = counted(make_findings(matched=perfect))
    table = families.areas(scores, statistics.summary, statistics.families)
    assert table.header[2:6] == ("pooled", "macro", "finetune", "retrain")
    row = texts(table, "digits_class", "akh")
    assert row[2:] == ["0.92", "0.90", "1.00", "1.00", "1.00", "1.00", "0.50", "0.92"]
    assert not any(as_cell(row[1]).text == "akh" and as_cell(row[0]).text == "digits_angle" for row in table.rows)
    assert np.isclose((4 + 0.5) / 5, 0.90)
