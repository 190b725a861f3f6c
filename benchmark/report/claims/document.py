"""Numbers in a Markdown document: those that say something, with their places and the digits they are printed with."""

from __future__ import annotations

import re
from dataclasses import dataclass

CITED = r"\d+(?:\.\d+)*[a-z]?"
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
# No number stands in: blocks of code, what `make` writes and other tests compare, comments, tags, addresses, numbers of
# headings and of items, dates, years of papers, and numbers of figures, tables and sections.
MASKED = (
    r"(?ms)^(```|~~~).*?^\1",
    r"(?s)<!-- ([\w ]+): written by .*?<!-- end of \1 -->",
    r"(?s)<!--.*?-->",
    r"(?<=\])\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*\)",
    r"<[a-zA-Z/][^>]*>",
    r"https?://[^\s)>\]]+",
    r"\b10\.\d{4,9}/[^\s)>\]]+",
    r"\barXiv:\s?\d{4}\.\d+(?:v\d+)?",
    r"(?m)^#+ +\d+(?:\.\d+)*\.(?= )",
    r"(?m)^#+ +\d+(?:\.\d+)+(?= )",
    r"(?m)^ *\d+[.)](?= )",
    r"\b\d{4}-\d{2}-\d{2}\b",
    rf"\b(?:{MONTHS}) (?:\d{{1,2}}, )?\d{{4}}\b",
    r"(?:\b[A-Z][\w'-]*|\bal\.),? (?:19|20)\d\d[a-z]?(?=[);,])",
    r"\((?:19|20)\d\d[a-z]?\)",
    rf"(?i)(?:\b(?:figure|table|section|algorithm|appendix|eq\.|equation) |§ ?){CITED}\b",
    rf"(?i)\b(?:figures|tables|sections|eqs\.|equations) {CITED}(?:, {CITED})*(?: (?:and|to) {CITED})?\b",
)
CODE = re.compile(r"`[^`\n]+(?:\n[^`\n]+)?`")
BARE = re.compile(r"`[−+-]?[\d.,]+ ?%?`")  # a number in the looks of code is none the less one
NUMBER = re.compile(
    r"(?:(?<![^\s(\[|`«])[−-])?"
    r"(?<![A-Za-z0-9_])(?<![A-Za-z]-)(?<!\d[.,])"
    r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.(\d+))?(?:e([-+]?\d+))?"
)
HEADING = re.compile(r"(?m)^(#+) +(.*?) *#*$")


@dataclass(frozen=True)
class Number:
    """A number in a text.

    Attributes:
        value: what it says, without a unit: 78 for "78 %".
        tolerance: half a unit of its last digit.
    """

    start: int
    end: int
    text: str
    value: float
    tolerance: float


class Document:
    """A text with its numbers, in order."""

    def __init__(self, text: str) -> None:
        self.text = text
        masked = text
        for pattern in MASKED:
            masked = re.sub(pattern, _blank, masked)
        masked = CODE.sub(lambda found: found[0] if BARE.fullmatch(found[0]) else _blank(found), masked)
        self.numbers = [_number(found) for found in NUMBER.finditer(masked)]

    def line(self, place: int) -> int:
        """The line, from 1, of a place in the text."""
        return self.text.count("\n", 0, place) + 1

    def around(self, number: Number) -> str:
        """A number with some words before and behind it."""
        start, end = max(0, number.start - 50), number.end + 30
        return " ".join(self.text[start:end].split())

    def spans(self, quote: str) -> list[tuple[int, int]]:
        """Where a quotation stands; line ends count as spaces."""
        pattern = r"\s+".join(map(re.escape, quote.split()))
        return [found.span() for found in re.finditer(pattern, self.text)] if pattern else []

    def section(self, title: str) -> tuple[int, int] | None:
        """From the heading of this title to the next of its rank or a higher one."""
        headings = list(HEADING.finditer(self.text))
        for place, heading in enumerate(headings):
            if heading[2] == title:
                behind = (other for other in headings[place + 1 :] if len(other[1]) <= len(heading[1]))
                following = next(behind, None)
                return heading.start(), following.start() if following else len(self.text)
        return None

    def within(self, span: tuple[int, int]) -> list[Number]:
        """The numbers that lie in a span as a whole."""
        return [number for number in self.numbers if span[0] <= number.start and number.end <= span[1]]

    def cut(self, span: tuple[int, int]) -> Number | None:
        """A number of which one part lies in a span, if there is one."""
        for number in self.numbers:
            if number.start < span[0] < number.end or number.start < span[1] < number.end:
                return number
        return None


def _blank(found: re.Match[str]) -> str:
    return "\0" * len(found[0])


def _number(found: re.Match[str]) -> Number:
    text = found[0]
    power = int(found[2] or 0) - len(found[1] or "")
    value = float(text.replace("−", "-").replace(",", ""))
    return Number(found.start(), found.end(), text, value, 0.5 * 10.0**power)
