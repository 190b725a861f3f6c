"""A table as data, rendered as Markdown, LaTeX (booktabs) and HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

EMPHASIS = {0: "{}", 1: "<strong>{}</strong>", 2: "<u>{}</u>"}  # by rank, in Markdown too: * may stand in the text
LATEX_EMPHASIS = {0: "{}", 1: "\\textbf{{{}}}", 2: "\\underline{{{}}}"}
LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "−": r"$-$",
    "ρ": r"$\rho$",
    "†": r"\dag{}",
    "·": r"$\cdot$",
    "–": "--",
    "…": r"\dots{}",
}


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

    def latex(self) -> str:
        """A `tabular` for booktabs; the title and the notes stand above and below it as text."""
        align = "l" * self.left + "r" * (len(self.header) - self.left)
        lines = [f"% {latex_text(self.title)}", "% needs \\usepackage{booktabs}", f"\\begin{{tabular}}{{{align}}}"]
        lines += ["\\toprule", _tex_row([latex_text(text) for text in self.header]), "\\midrule"]
        lines += [_tex_row([_tex_cell(cell) for cell in row]) for row in self.rows]
        lines += ["\\bottomrule", "\\end{tabular}"]
        lines += [f"\\par\\footnotesize {latex_text(note)}" for note in self.notes]
        lines += [
            f"\\par\\footnotesize\\textsuperscript{{{latex_text(mark)}}} {latex_text(text)}"
            for mark, text in self.footnotes.items()
        ]
        return "\n".join(lines) + "\n"

    def html(self) -> str:
        """A `table` element with caption and scoped headers in a box that scrolls, the notes below it."""
        head = "".join(f'<th scope="col"{self._side(i)}>{html.escape(t)}</th>' for i, t in enumerate(self.header))
        body = "\n".join(f"<tr>{self._html_row(row)}</tr>" for row in self.rows)
        notes = [html.escape(note) for note in self.notes]
        notes += [f"<sup>{html.escape(mark)}</sup> {html.escape(text)}" for mark, text in self.footnotes.items()]
        foot = f'\n<p class="notes">{"<br>".join(notes)}</p>' if notes else ""
        title = html.escape(self.title)
        return (
            f'<div class="wide"><table id="table-{html.escape(self.name)}"><caption>{title}</caption>\n'
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>{foot}"
        )

    def _side(self, column: int) -> str:
        return "" if column < self.left else ' class="number"'

    def _html_row(self, row: Row) -> str:
        cells = []
        for i, cell in enumerate(row):
            text, marks, rank = as_cell(cell)
            inside = EMPHASIS[rank].format(html.escape(text)) + "".join(
                f"<sup>{html.escape(mark)}</sup>" for mark in marks
            )
            tag, scope = ("th", ' scope="row"') if i == 0 else ("td", "")
            cells.append(f"<{tag}{scope}{self._side(i)}>{inside}</{tag}>")
        return "".join(cells)


def as_cell(cell: Cell | str) -> Cell:
    """A bare string as a cell without marks."""
    return cell if isinstance(cell, Cell) else Cell(cell)


def latex_text(text: str) -> str:
    """Text with LaTeX's special characters escaped, one pass so that no escape is escaped again."""
    return "".join(LATEX.get(character, character) for character in text)


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


def _tex_cell(cell: Cell | str) -> str:
    text, marks, rank = as_cell(cell)
    return LATEX_EMPHASIS[rank].format(latex_text(text)) + "".join(
        f"\\textsuperscript{{{latex_text(mark)}}}" for mark in marks
    )


def _tex_row(cells: list[str]) -> str:
    # {}: a row that begins with [ would else be read as the optional argument of \\ before it
    return f"{'' if not cells[0].startswith('[') else '{}'}{' & '.join(cells)} \\\\"
