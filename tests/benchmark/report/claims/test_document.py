"""Which digits in Markdown are numbers that say something."""

from __future__ import annotations

import pytest

from benchmark.report.claims.document import Document

NUMBERS = {
    "AUC 0.87, from 0.81 to 0.93": ["0.87", "0.81", "0.93"],
    "78 % of 1,797 pictures, 5 x 10,015.": ["78", "1,797", "5", "10,015"],
    "| ipguard | 0.62 | −0.03 | -4 |": ["0.62", "−0.03", "-4"],
    "0.95 ± 0.02 [0.81, 1.00]": ["0.95", "0.02", "0.81", "1.00"],
    "5-10 prints, 20+20 suspects, 100/101": ["5", "10", "20", "20", "100", "101"],
    "within 5e-16 and 2.5e3": ["5e-16", "2.5e3"],
    "ends with 7.": ["7"],
    "an 8-bit picture of 32x32": ["8", "32"],
    "ResNet-18 on CIFAR-10, ham10000, L2, A16, conv_2, top-5": [],
    "(**0.71**) and *3*": ["0.71", "3"],
    "count `0.71` but not `ratio=0.4` nor `N = 100` nor `a 1\nb 2`": ["0.71"],
    "```\n1 2\n```\n3\n~~~sh\n4\n~~~": ["3"],
    "[12 rows](tables/3.md) and ![4](figures/5.png) https://x.org/6": ["12", "4"],
    "doi 10.1145/3658644, arXiv:2101.12345v2": [],
    "## 3. Numbers of 2 sorts\n\n1. first\n2. second 9\n\n# 20 suspects\n\n### 3.1 More": ["2", "9", "20"],
    "Figure 8, Figures 4, 5 and 8, Table 2, section 4.3, Eq. 6, Eqs. 3 and 5, § 2": [],
    "Table 2 and 40 suspects": ["40"],
    "on 2026-01-31, in March 2024, Fan et al. 2022, (2021), (Tschandl, Kittler 2018)": [],
    "2000 resamples of (2000 rows)": ["2000", "2000"],
    "<!-- 5 --> <img width='80'> <sup>1</sup>": ["1"],
    "<!-- headline: written by `make readme` -->\n| 0.5 |\n<!-- end of headline --> 0.6": ["0.6"],
}


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers_are_found(text: str) -> None:
    assert [each.text for each in Document(text).numbers] == NUMBERS[text]


@pytest.mark.parametrize(
    ("text", "value", "tolerance"),
    [("0.71", 0.71, 0.005), ("78", 78, 0.5), ("−3.0", -3, 0.05), ("1,797", 1797, 0.5), ("5e-16", 5e-16, 5e-17)],
)
def test_the_tolerance_is_half_of_the_last_digit(text: str, value: float, tolerance: float) -> None:
    (found,) = Document(text).numbers
    assert (found.value, found.tolerance) == (value, pytest.approx(tolerance))


def test_quotations_run_over_line_ends_and_lines_are_counted() -> None:
    document = Document("one\ntwo 2\nthree 3 and\n  four 4")
    (span,) = document.spans("3 and four")
    assert [each.text for each in document.within(span)] == ["3"]
    assert document.line(span[0]) == 3
    assert document.spans("3 or four") == []


def test_a_section_ends_where_the_next_of_its_rank_begins() -> None:
    document = Document("# A 1\n## B\n2\n### C\n3\n## D\n4\n")
    assert [each.text for each in document.within(document.section("B") or (0, 0))] == ["2", "3"]
    assert [each.text for each in document.within(document.section("D") or (0, 0))] == ["4"]
    assert document.section("E") is None
