"""A table as data, rendered as Markdown and HTML; `tables.latex` renders it for pdflatex."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

EMPHASIS = {0: "{}", 1: "<strong>{}</strong>", 2: "<u>{}</u>"}  # by rank, in Markdown too: * may stand in the text


class Cell(NamedTuple):
    """Text with the marks of its footnotes; the best of its column has rank 1, in bold, the second 2, underlined."""

    text: str
    marks: tuple[str, ...] = ()
    rank: int = 0


Row = tuple[Cell | str, ...]


@dataclass(frozen=True)
class Table:
    """Plain text cells under a header; the first `left` columns are words, the others numbers."""

    name: str
    title: str
    header: tuple[str, ...]
    rows: Sequence[Row]
    left: int = 1
    notes: list[str] = field(default_factory=list)
    footnotes: dict[str, str] = field(default_factory=dict)

    def markdown(self) -> str:
        """A pipe table under its title, notes below."""
        ruler = ["---"] * self.left + ["---:"] * (len(self.header) - self.left)
        lines = [f"**{_md(self.title)}**", "", _piped([_md(text) for text in self.header]), _piped(ruler)]
        lines += [_piped([_md_cell(cell) for cell in row]) for row in self.rows]
        notes = [_md(note) for note in self.notes]
        notes += [f"<sup>{_md(mark)}</sup> {_md(text)}" for mark, text in self.footnotes.items()]
        return "\n".join(lines + [line for note in notes for line in ("", note)]) + "\n"

    def html(self) -> str:
        """A `table` element with caption and scoped headers in a box that scrolls; its notes are `html_notes`.

        Headers are buttons to a script that sorts by them; the columns of names stay in sight (class `name`).
        """
        head = "".join(
            f'<th scope="col"{self._kind(i)}><button type="button">{html.escape(t)}</button></th>'
            for i, t in enumerate(self.header)
        )
        body = "\n".join(f"<tr>{self._html_row(row)}</tr>" for row in self.rows)
        name, title = html.escape(self.name), html.escape(self.title)
        return (
            f'<div class="wide" tabindex="0" role="region" aria-label="{title}"><table id="table-{name}">'
            f"<caption>{title}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
        )

    def html_notes(self) -> str:
        """The notes and footnotes, a line each."""
        notes = [html.escape(note) for note in self.notes]
        notes += [f"<sup>{html.escape(mark)}</sup> {html.escape(text)}" for mark, text in self.footnotes.items()]
        return "<br>".join(notes)

    @property
    def _key(self) -> int:
        """The column that names the rows: the second where the first is the task."""
        return 1 if self.header[0] == "Task" and self.left > 1 else 0

    def _kind(self, column: int) -> str:
        if column <= self._key:
            return f' class="name{" key" if column == self._key else ""}"'
        return ' class="number"' if column >= self.left else ""

    def _html_row(self, row: Row) -> str:
        cells = []
        for i, cell in enumerate(row):
            text, marks, rank = as_cell(cell)
            raised = "".join(f"<sup>{html.escape(mark)}</sup>" for mark in marks)
            tag, scope = ("th", ' scope="row"') if i <= self._key else ("td", "")
            cells.append(f"<{tag}{scope}{self._kind(i)}>{EMPHASIS[rank].format(html.escape(text))}{raised}</{tag}>")
        return "".join(cells)


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
    text, marks, rank = as_cell(cell)
    return EMPHASIS[rank].format(_md(text)) + "".join(f"<sup>{_md(mark)}</sup>" for mark in marks)


def _piped(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
