"""What a copy is worth."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmark.report import Findings
from benchmark.report.findings import checked
from benchmark.report.tables import worth
from benchmark.report.tables.table import as_cell

Make = Callable[..., Findings]
ZOO = [
    ("finetune", "finetune", True),
    *((f"knockoff queries={number}", "knockoff", True) for number in (100, 400, 800)),
    ("independent 0", "independent", False),
]


def rows_of(findings: Findings) -> dict[tuple[str, str], list[str]]:
    table = worth.table(checked(findings))
    return {(cells[0], cells[1]): cells[2:] for cells in ([as_cell(cell).text for cell in row] for row in table.rows)}


def bought(make: Make, qualities: dict[int, float], victims: int = 1) -> Findings:
    """Victims of quality 99, and substitutes of these qualities by their queries."""
    findings = make(tasks=["digits_class"], zoo=ZOO, victims=victims)
    for number, quality in qualities.items():
        chosen = findings.worth["suspect"] == f"knockoff queries={number}"
        findings.worth.loc[chosen, ["queries", "quality"]] = [number, quality]
    return findings


def test_means_by_family_below_the_victim(make_findings: Make) -> None:
    rows = rows_of(make_findings(victims=2))
    assert rows["digits_class", "victim"] == ["2", "1.00", "–", "–", "0.99", "99.0", "–", "–"]
    # agreement 0.9 with the first victim, 0.89 with the second
    assert rows["digits_class", "distill"][:6] == ["2", "0.90", "0.100", "0.90", "0.90", "90.0"]
    assert rows["digits_class", "finetune"] == ["4", "0.98", "0.100", "0.99", "0.99", "99.0", "–", "–"]
    assert rows["digits_angle", "distill"][2:4] == ["–", "–"]  # no classes


def test_the_smallest_budget_that_came_within_five_points(make_findings: Make) -> None:
    rows = rows_of(bought(make_findings, {100: 60.0, 400: 94.0, 800: 98.0}))
    assert rows["digits_class", "knockoff"][-2:] == ["100–800", "with 400 queries"]


def test_a_budget_that_did_not_suffice_is_said_so(make_findings: Make) -> None:
    rows = rows_of(bought(make_findings, {100: 60.0, 400: 70.0, 800: 93.9}))
    assert rows["digits_class", "knockoff"][-1] == "no: the budget did not suffice"
    assert rows["digits_class", "finetune"][-2:] == ["–", "–"]


def test_some_victims_may_be_nearer_than_others(make_findings: Make) -> None:
    findings = bought(make_findings, {100: 60.0, 400: 70.0, 800: 98.0}, victims=3)
    frame = findings.worth
    frame.loc[(frame["victim"] == 0) & (frame["queries"] == 800), "quality"] = 50.0
    frame.loc[(frame["victim"] == 1) & (frame["queries"] == 100), "quality"] = 96.0
    assert rows_of(findings)["digits_class", "knockoff"][-1] == "with 800 queries, 2 of 3 victims"


def test_no_frame_is_no_row(make_findings: Make) -> None:
    findings = make_findings()
    assert worth.table(checked(findings)).rows
    findings.worth.drop(index=findings.worth.index, inplace=True)
    assert worth.table(checked(findings)).rows == []


@pytest.mark.parametrize("column", ["agreement", "kl", "skill"])
def test_unknown_numbers_are_dashed(make_findings: Make, column: str) -> None:
    findings = make_findings(tasks=["digits_class"])
    findings.worth[column] = float("nan")
    place = {"agreement": 1, "kl": 2, "skill": 4}[column]
    assert rows_of(findings)["digits_class", "retrain"][place] == "–"
