"""A table as data, rendered as Markdown and HTML; `tables.latex` renders it for pdflatex."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

NUMBER = re.compile(r"[−-]?\d+(\.\d+)?")


class Cell(NamedTuple):
    """Text with the marks of its footnotes."""

    text: str
    marks: tuple[str, ...] = ()


Row = tuple[Cell | str, ...]


@dataclass(frozen=True)
class Table:
    """Plain text cells under a header; the first `left` columns are words, the others numbers.

    Attributes:
        best: names of the columns in which the largest number among rows of the same first cell is set in bold, and
            the next one underlined.
        least: likewise, where the smallest is best.
    """

    name: str
    title: str
    header: tuple[str, ...]
    rows: Sequence[Row]
    left: int = 1
    notes: list[str] = field(default_factory=list)
    footnotes: dict[str, str] = field(default_factory=dict)
    best: tuple[str, ...] = ()
    least: tuple[str, ...] = ()

    def markdown(self) -> str:
        """A pipe table under its title, notes below."""
        ruler = ["---"] * self.left + ["---:"] * (len(self.header) - self.left)
        lines = [f"**{_md(self.title)}**", "", _piped([_md(text) for text in self.header]), _piped(ruler)]
        orders = ranks(self)
        for i, row in enumerate(self.rows):
            lines.append(_piped([MARKDOWN[orders.get((i, j), 0)].format(_md_cell(cell)) for j, cell in enumerate(row)]))
        notes = [_md(note) for note in self.notes]
        notes += [f"<sup>{_md(mark)}</sup> {_md(text)}" for mark, text in self.footnotes.items()]
        return "\n".join(lines + [line for note in notes for line in ("", note)]) + "\n"

    def html(self) -> str:
        """A `table` element with caption and scoped headers in a box that scrolls, the notes below it.

        Headers are buttons to a script that sorts by them; the columns of names stay in sight (class `name`).
        """
        head = "".join(
            f'<th scope="col"{self._kind(i)}><button type="button">{html.escape(t)}</button></th>'
            for i, t in enumerate(self.header)
        )
        orders = ranks(self)
        body = "\n".join(f"<tr>{self._html_row(i, row, orders)}</tr>" for i, row in enumerate(self.rows))
        notes = [html.escape(note) for note in self.notes]
        notes += [f"<sup>{html.escape(mark)}</sup> {html.escape(text)}" for mark, text in self.footnotes.items()]
        foot = f'\n<p class="notes">{"<br>".join(notes)}</p>' if notes else ""
        name, title = html.escape(self.name), html.escape(self.title)
        return (
            f'<div class="wide" tabindex="0" role="region" aria-label="{title}"><table id="table-{name}">'
            f"<caption>{title}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>{foot}"
        )

    def _kind(self, column: int) -> str:
        names = min(2, self.left)
        return ' class="number"' if column >= self.left else f' class="name name-{column}"' if column < names else ""

    def _html_row(self, i: int, row: Row, orders: dict[tuple[int, int], int]) -> str:
        cells = []
        for j, cell in enumerate(row):
            text, marks = as_cell(cell)
            inside = HTML[orders.get((i, j), 0)].format(html.escape(text))
            inside += "".join(f"<sup>{html.escape(mark)}</sup>" for mark in marks)
            tag, scope = ("th", ' scope="row"') if j < min(2, self.left) else ("td", "")
            cells.append(f"<{tag}{scope}{self._kind(j)}>{inside}</{tag}>")
        return "".join(cells)


# By rank: 0 none, 1 the best of a column, 2 the second.
MARKDOWN = ("{}", "**{}**", "<u>{}</u>")
HTML = ("{}", "<strong>{}</strong>", "<u>{}</u>")


def ranks(table: Table) -> dict[tuple[int, int], int]:
    """(row, column) -> 1 for the best number of the table's ranked columns, 2 for the second, by first cell.

    Numbers are compared as they are printed, those that look alike share a rank. A column of one number has none.
    """
    found: dict[tuple[int, int], int] = {}
    groups: dict[str, list[int]] = {}
    for i, row in enumerate(table.rows):
        groups.setdefault(as_cell(row[0]).text, []).append(i)
    for j, name in enumerate(table.header):
        if name not in (*table.best, *table.least):
            continue
        for rows in groups.values():
            values = {i: value for i in rows if (value := _value(table.rows[i][j])) is not None}
            order = sorted(set(values.values()), reverse=name in table.best)[:2]
            if len(values) > 1:
                found |= {(i, j): order.index(value) + 1 for i, value in values.items() if value in order}
    return found


def _value(cell: Cell | str) -> float | None:
    """The number that a cell begins with."""
    number = NUMBER.match(as_cell(cell).text)
    return float(number[0].replace("−", "-")) if number else None


def as_cell(cell: Cell | str) -> Cell:
    """A bare string as a cell without marks."""
    return cell if isinstance(cell, Cell) else Cell(cell)


class Footnotes:
    """Hands out marks a, b, c ... for reasons, the same mark for the same reason."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def mark(self, text: str) -> str:
        """The mark of this text, a new one if it is new."""
        for mark, known in self.texts.items():
            if known == text:
                return mark
        place, name = len(self.texts), ""
        while place >= 0:
            place, letter = divmod(place, 26)
            name, place = chr(ord("a") + letter) + name, place - 1
        self.texts[name] = text
        return name

    def cell(self, text: str, *reasons: str) -> Cell | str:
        """The text with a mark for each reason; an empty reason has none."""
        marks = tuple(self.mark(reason) for reason in reasons if reason)
        return Cell(text, marks) if marks else text


def _md(text: str) -> str:
    escaped = html.escape(text, quote=False)
    return escaped.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_").replace("\n", " ")


def _md_cell(cell: Cell | str) -> str:
    text, marks = as_cell(cell)
    return _md(text) + "".join(f"<sup>{_md(mark)}</sup>" for mark in marks)


def _piped(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
