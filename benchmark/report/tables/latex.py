"""A table for pdflatex with booktabs alone, no wider than the text of an article and no taller than its page.

Rows in which a method has no number at all stand in the notes. What is too wide gets smaller letters, then words in
several lines, then several parts below one another, the names of rows in each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import groupby
from math import ceil

from benchmark.report.numbers import DASH
from benchmark.report.tables.letters import spelt
from benchmark.report.tables.table import Cell, Row, Table, as_cell

WIDEST = 345.0  # points: \textwidth of an article at 10 points
TALLEST = 430.0  # points of a part
# The command, points, and how much wider than at 10 points the letters are drawn.
SIZES = (
    *((r"\normalsize", 10.0, 1.0), (r"\small", 9.0, 1.03)),
    *((r"\footnotesize", 8.0, 1.06), (r"\scriptsize", 7.0, 1.14)),
)
GAP = 3.0  # points at each side of a column
WORDS = 0.55  # of the width, which columns of words may have where those of numbers are set in parts
# Widths of cmr10's letters in em: all others are taken for 0.55, capitals for 0.76.
WIDTHS = {
    **{**dict.fromkeys("ijl.,:;'![]|·", 0.29), **dict.fromkeys("f-I _", 0.35), **dict.fromkeys("rst()", 0.4)},
    **{**dict.fromkeys("acegozvxyksq", 0.5), **dict.fromkeys("0123456789/*–", 0.5), **dict.fromkeys("mM%@&", 0.92)},
    **{**dict.fromkeys("w±×−≤≥=+<>", 0.78), "W": 1.03},
}
BOLD = 1.15  # times as wide
SHORT = 5.0  # em: a column's name up to this long is not broken
UNKNOWN = ("n/a", DASH, "")


def render(table: Table) -> str:
    """The title as a comment, one `tabular` or several, and the notes in one paragraph."""
    kept = _numbered(table)
    setting = _fitting(kept)
    parts = "\n\\par\\medskip\\noindent\n".join(setting.parts())
    head = [f"% {spelt(table.title)}", "% needs \\usepackage{booktabs}"]
    command = setting.size[0]
    body = [f"\\begingroup{command}\\setlength{{\\tabcolsep}}{{{GAP:g}pt}}\\noindent", parts, "\\par\\endgroup"]
    return "\n".join([*head, *body, *_notes(kept)]) + "\n"


def _fitting(table: Table) -> _Setting:
    """The largest letters in which nothing need be broken, else small ones with words in several lines."""
    settings = [_Setting(table, size) for size in SIZES]
    whole = (setting for setting in settings if setting.natural <= WIDEST)
    broken = (setting for setting in settings[-2:] if sum(setting.widths.values()) <= WIDEST)
    return next(whole, None) or next(broken, settings[-1])


def _numbered(table: Table) -> Table:
    """The table without the rows that have no number, which a note names; footnotes lettered anew."""
    kept = [row for row in table.rows if not _blank(row, table.left)]
    gone: dict[str, list[str]] = {}
    for row in table.rows:
        if _blank(row, table.left):
            marks = [mark for cell in row[table.left :] for mark in as_cell(cell).marks]
            reason = "; ".join(dict.fromkeys(table.footnotes[mark] for mark in marks))
            names = [as_cell(cell).text for cell in row[: min(2, table.left)]]
            gone.setdefault(reason, []).append(", ".join(reversed(names)))
    notes = list(table.notes)
    for reason, names in gone.items():
        notes.append(f"Not applicable: {'; '.join(names)}" + (f" ({reason})." if reason else "."))
    shown = (mark for row in kept for cell in row for mark in as_cell(cell).marks)
    used = dict.fromkeys(mark for mark in shown if mark in table.footnotes)
    letters = dict(zip(used, table.footnotes, strict=False))
    rows = [tuple(_lettered(cell, letters) for cell in row) for row in kept]
    return replace(table, rows=rows, notes=notes, footnotes={letters[mark]: table.footnotes[mark] for mark in used})


def _blank(row: Row, left: int) -> bool:
    return len(row) > left and all(as_cell(cell).text in UNKNOWN for cell in row[left:])


def _lettered(cell: Cell | str, letters: dict[str, str]) -> Cell | str:
    return cell if isinstance(cell, str) else cell._replace(marks=tuple(letters.get(mark, mark) for mark in cell.marks))


def _notes(table: Table) -> list[str]:
    """All notes in one paragraph, the lettered ones last."""
    marked = [f"\\textsuperscript{{{spelt(mark)}}}~{spelt(text)}" for mark, text in table.footnotes.items()]
    said = [spelt(note) for note in table.notes] + (["; ".join(marked) + "."] if marked else [])
    return ["\\par\\smallskip{\\footnotesize\\raggedright " + "\n".join(said) + "\\par}"] if said else []


@dataclass(frozen=True)
class _Setting:
    """A table in letters of one size."""

    table: Table
    size: tuple[str, float, float]

    @property
    def natural(self) -> float:
        """The width in points where nothing is broken."""
        return sum(map(self._natural, self._columns()))

    @cached_property
    def widths(self) -> dict[int, float]:
        """Each column's width in points: columns of words share what those of numbers leave, the short ones first."""
        columns = self._columns()
        natural = {place: self._natural(place) for place in columns}
        words = [place for place in columns if place < self.table.left]
        numbers = sum(natural[place] for place in columns if place not in words)
        pieces = {place: self._piece(place) for place in words}
        fits = numbers + sum(pieces.values()) <= WIDEST
        room = WIDEST - numbers if fits else WORDS * WIDEST  # in parts, which have fewer columns of numbers each
        level = max(natural.values(), default=0.0)
        while sum(max(pieces[p], min(natural[p], level)) for p in words) > room and level > 0:
            level -= 1.0
        return natural | {p: max(pieces[p], min(natural[p], level)) for p in words}

    def parts(self) -> Iterator[str]:
        """A `tabular` for so many rows and columns as fit."""
        columns = self._columns()
        fixed = [place for place in columns if place < self.table.left]
        numbers = [place for place in columns if place >= self.table.left]
        room = WIDEST - sum(self.widths[place] for place in fixed)
        for rows in self._pages():
            for chosen in self._filled(numbers, room) or [[]]:
                yield self._tabular([*fixed, *chosen], rows)

    @property
    def _grouped(self) -> bool:
        """Whether the first column's values stand above their rows in place of a column."""
        first = [as_cell(row[0]).text for row in self.table.rows]
        return self.table.left > 1 and len(first) > len([*groupby(first)])

    def _columns(self) -> list[int]:
        return list(range(1 if self._grouped else 0, len(self.table.header)))

    def _pages(self) -> list[list[int]]:
        """Numbers of rows, no higher than TALLEST together; a group begins a new part where it else would be cut."""
        pages: list[list[int]] = [[]]
        free = TALLEST
        for _, group in groupby(range(len(self.table.rows)), key=lambda i: as_cell(self.table.rows[i][0]).text):
            rows = list(group)
            if pages[-1] and free < sum(map(self._height, rows)) <= TALLEST:
                pages.append([])
                free = TALLEST
            for row in rows:
                if pages[-1] and free < self._height(row):
                    pages.append([])
                    free = TALLEST
                pages[-1].append(row)
                free -= self._height(row)
        return pages

    def _height(self, row: int) -> float:
        """Points of a row: its fullest cell's lines, one more than a perfect break would take."""
        rooms = {place: wide - 2 * GAP for place, wide in self.widths.items()}
        shares = [self._points(as_cell(self.table.rows[row][place])) / room for place, room in rooms.items()]
        return 1.22 * self.size[1] * max(1 if share <= 1 else ceil(share) + 1 for share in shares)

    def _filled(self, numbers: Sequence[int], room: float) -> list[list[int]]:
        """The columns of numbers in as few parts as have room for them, those under one name together."""
        parts: list[list[int]] = []
        free = 0.0
        for _, places in groupby(numbers, key=lambda place: self._named(place)[0] or place):
            columns = list(places)
            whole = sum(self.widths[place] for place in columns)
            for unit in [columns] if whole <= room else [[place] for place in columns]:
                wide = sum(self.widths[place] for place in unit)
                if wide > free or not parts:
                    parts.append([])
                    free = room
                parts[-1] += unit
                free -= wide
        return parts

    def _named(self, place: int) -> tuple[str, str]:
        """Of "digits: AUC" both parts, where a neighbour shares the first; else nothing and the whole name."""
        above, colon, own = self.table.header[place].partition(": ")
        near = self.table.header[max(0, place - 1) : place] + self.table.header[place + 1 : place + 2]
        shared = colon and any(name.startswith(f"{above}: ") for name in near)
        return (above, own) if shared else ("", self.table.header[place])

    def _natural(self, place: int) -> float:
        above, own = self._named(place)
        cells = max((self._points(as_cell(row[place])) for row in self.table.rows), default=0.0)
        word = max(self._points(Cell(word)) for word in own.split(" "))
        name = max(word, min(self._points(Cell(own)), SHORT * self.size[1]))
        return max(cells, name, self._points(Cell(above)) / 2) + 2 * GAP

    def _piece(self, place: int) -> float:
        """The width of a column whose words are all broken."""
        texts = [self.table.header[place], *(as_cell(row[place]).text for row in self.table.rows)]
        return max(self._points(Cell(piece)) for text in texts for piece in _pieces(text)) + 2 * GAP

    def _points(self, cell: Cell) -> float:
        """The width of a text."""
        em = _ems(cell.text)
        _, points, wider = self.size
        return points * wider * (em * (BOLD if cell.rank == 1 else 1.0) + 0.42 * sum(map(len, cell.marks))) + 0.5

    def _tabular(self, columns: Sequence[int], rows: Sequence[int]) -> str:
        align = "".join("l" if place < self.table.left else "r" for place in columns)
        lines = [f"\\begin{{tabular}}{{@{{}}{align}@{{}}}}", "\\toprule", *self._above(columns)]
        lines += [_line([self._head(place) for place in columns]), "\\midrule"]
        before = None
        for row in rows:
            group = as_cell(self.table.rows[row][0]).text
            if self._grouped and group != before:
                lines += ["\\addlinespace"] if before is not None else []
                lines.append(f"\\multicolumn{{{len(columns)}}}{{@{{}}l}}{{\\textit{{{spelt(group)}}}}} \\\\")
            before = group
            lines.append(_line([self._cell(row, place) for place in columns]))
        return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"])

    def _above(self, columns: Sequence[int]) -> list[str]:
        """The names that neighbouring columns share, with a rule below each; no line where there are none."""
        cells, rules, first = [], [], 1
        for above, places in groupby(columns, key=lambda place: self._named(place)[0]):
            count = len(list(places))
            cells.append(f"\\multicolumn{{{count}}}{{c}}{{{spelt(above)}}}")
            rules += [f"\\cmidrule(lr){{{first}-{first + count - 1}}}"] if above else []
            first += count
        return [_line(cells), "".join(rules)] if rules else []

    def _head(self, place: int) -> str:
        """A column's name in as many lines as keep it no wider than its cells."""
        room = self.widths[place]
        lines = [""]
        for word in self._named(place)[1].split(" "):
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and self._points(Cell(longer)) + 2 * GAP > room:
                lines.append(word)
            else:
                lines[-1] = longer
        side, name = "l" if place < self.table.left else "r", " \\\\{}".join(map(spelt, lines))
        return f"\\begin{{tabular}}[b]{{@{{}}{side}@{{}}}}{name}\\end{{tabular}}"

    def _cell(self, row: int, place: int) -> str:
        cell = as_cell(self.table.rows[row][place])
        raised = "".join(f"\\textsuperscript{{{spelt(mark)}}}" for mark in cell.marks)
        room = self.widths[place] - 2 * GAP
        if place < self.table.left and self._points(cell) > room:
            broken = "\\allowbreak{}".join(map(spelt, _pieces(cell.text, glue=True)))
            return f"\\parbox[t]{{{room:.1f}pt}}{{\\raggedright {broken}{raised}\\strut}}"
        said = spelt(cell.text)
        return {1: f"\\textbf{{{said}}}", 2: f"\\underline{{{said}}}"}.get(cell.rank, said) + raised


@cache
def _ems(text: str) -> float:
    """The width of a text in em."""
    return sum(map(_em, text))


def _em(letter: str) -> float:
    """A letter's width: what pdflatex cannot set stands there as its code point."""
    if letter.isascii():
        return WIDTHS.get(letter, 0.76 if letter.isupper() else 0.55)
    return 4.5 if spelt(letter).startswith("[") else WIDTHS.get(letter, 0.8)


def _pieces(text: str, glue: bool = False) -> list[str]:
    """A text where its lines may break: behind spaces (no cut with `glue`), and behind _ / , and =."""
    pieces = [""]
    for letter in text:
        if letter == " " and not glue:
            pieces.append("")
            continue
        pieces[-1] += letter
        if letter in "_/,=":
            pieces.append("")
    return [piece for piece in pieces if piece] or [""]


def _line(cells: Sequence[str]) -> str:
    # {}: a row that begins with [ or * would else be read as an argument of \\ before it
    return f"{'{}' if cells[0][:1] in ('[', '*') else ''}{' & '.join(cells)} \\\\"
