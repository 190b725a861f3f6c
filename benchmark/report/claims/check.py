"""Claims against documents and csv: what is stale, what is not covered, what cannot be read.

A claims file has a list of claims, each of which quotes its document:

    [define]                                  # optional; {here} in an expression stands for the text
    here = "task=digits_class, suspects=all"

    [[claim]]
    text = "IPGuard has an AUC of 0.87, from 0.81 to 0.93"
    is = ["summary.auc[{here}, fingerprint=ipguard]", "...", "..."]   # one expression for each number of the quotation

    [[claim]]
    text = "LTRC ranks above IPGuard, and no method exceeds 0.95"
    holds = ["summary.auc[...] > summary.auc[...]", "max(summary.auc[{here}]) <= 0.95"]   # its numbers stand in these

    [[claim]]
    text = ["100 prints", "a threshold of 0.5"]       # or section = "Settings", for a table of them
    given = "a setting"                               # why nothing measured stands behind these numbers

An item of `is` may be "given: a setting" too. Expressions are explained in `benchmark.report.claims.query`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import InputError
from benchmark.report.claims.document import Document, Number
from benchmark.report.claims.frames import Frames
from benchmark.report.claims.query import holds, number

KINDS, KEYS = ("is", "holds", "given"), ("text", "section", "is", "holds", "given")
GIVEN = "given:"


@dataclass(frozen=True)
class Claim:
    """One claim, and what it says.

    Attributes:
        kind: one of KINDS.
        quotes: parts of the document.
        section: a heading in the place of quotes.
        saying: expressions, or the reason of what is given.
    """

    title: str
    kind: str
    quotes: tuple[str, ...]
    section: str
    saying: tuple[str, ...]


@dataclass(frozen=True)
class Fault:
    """What is wrong, and where: a line of the document, 0 for the claims file."""

    line: int
    message: str


def read(path: Path) -> list[Claim]:
    """The claims of a file.

    Raises:
        InputError: it cannot be read, or a claim is not as it should be.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file, write the claims of the document beside it there") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    defined, claims = content.pop("define", {}), content.pop("claim", [])
    if content:
        raise InputError(f"{path}: {next(iter(content))} is unknown, wants [define] and [[claim]]")
    if not isinstance(defined, dict) or not isinstance(claims, list) or not all(isinstance(c, dict) for c in claims):
        raise InputError(f"{path}: wants [define] once and [[claim]] for each claim")
    return [_claim(claim, place, defined, path) for place, claim in enumerate(claims, 1)]


def faults(document: Document, claims: Sequence[Claim], frames: Frames) -> list[Fault]:
    """All that is wrong between a document, its claims and the csv, in the order of the document."""
    covered: set[Number] = set()
    found: list[Fault] = []
    for claim in claims:
        for span in _spans(document, claim, found):
            covered |= set(document.within(span))
        found += _of_claim(document, claim, frames)
    for each in document.numbers:
        if each not in covered:
            message = f"{each.text} is covered by no claim: «{document.around(each)}»"
            found.append(Fault(document.line(each.start), message))
    return sorted(found, key=lambda fault: fault.line)


def _claim(given: dict[str, Any], place: int, defined: dict[str, str], path: Path) -> Claim:
    quotes, section = _texts(given.get("text", [])), str(given.get("section", ""))
    title = f"claim {place} «{(quotes or (section,))[0][:40]}»"
    kinds = [kind for kind in KINDS if kind in given]
    unknown = [key for key in given if key not in KEYS]
    if unknown:
        raise InputError(f"{path}: {title} has {unknown[0]}, wants {', '.join(KEYS)}")
    if len(kinds) != 1:
        raise InputError(f"{path}: {title} wants one of {', '.join(KINDS)}")
    saying = _texts(given[kinds[0]])
    if bool(quotes) == bool(section) or not all(text.strip() for text in (*quotes, *saying)) or not saying:
        raise InputError(f"{path}: {title} wants a text that it quotes, and something said of it")
    if kinds[0] != "given" and (section or len(quotes) > 1):
        raise InputError(f"{path}: {title} wants one quotation; sections and lists are for what is given")
    for name, text in defined.items():
        saying = tuple(each.replace(f"{{{name}}}", str(text)) for each in saying)
    return Claim(title, kinds[0], quotes, section, saying)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def _spans(document: Document, claim: Claim, found: list[Fault]) -> Iterator[tuple[int, int]]:
    """Where a claim's quotations stand, all of them; those that stand nowhere are noted."""
    if claim.section:
        span = document.section(claim.section)
        if span is None:
            found.append(Fault(0, f"{claim.title}: the document has no section «{claim.section}»"))
        else:
            yield span
    for quote in claim.quotes:
        spans = document.spans(quote)
        if not spans:
            found.append(Fault(0, f"{claim.title}: the document does not say «{quote}»"))
        yield from spans


def _of_claim(document: Document, claim: Claim, frames: Frames) -> Iterator[Fault]:
    """What is wrong with a claim that is quoted rightly."""
    for quote in claim.quotes:
        for span in document.spans(quote)[:1]:
            line, numbers = document.line(span[0]), document.within(span)
            if cut := document.cut(span):
                yield Fault(line, f"{claim.title}: the quotation cuts {cut.text} in two")
            elif claim.kind == "given" and not numbers:
                yield Fault(line, f"{claim.title}: «{quote}» has no number")
            elif claim.kind == "is":
                yield from (Fault(line, f"{claim.title}: {fault}") for fault in _equal(claim, numbers, frames))
            elif claim.kind == "holds":
                yield from (Fault(line, f"{claim.title}: {fault}") for fault in _true(claim, numbers, frames))


def _equal(claim: Claim, numbers: Sequence[Number], frames: Frames) -> Iterator[str]:
    """Each number against its expression."""
    if len(numbers) != len(claim.saying):
        listed = ", ".join(each.text for each in numbers) or "none"
        yield f"{len(claim.saying)} expressions for {len(numbers)} numbers ({listed})"
        return
    for printed, expression in zip(numbers, claim.saying, strict=True):
        if expression.startswith(GIVEN):
            if not expression.removeprefix(GIVEN).strip():
                yield f"{printed.text} is given, but it does not say why"
            continue
        try:
            value = number(expression, frames)
        except InputError as error:
            yield f"{printed.text}: {error}"
            continue
        if abs(value - printed.value) > printed.tolerance * (1 + 1e-9):
            yield f"{printed.text} is {value:.6g} by {expression}"


def _true(claim: Claim, numbers: Sequence[Number], frames: Frames) -> Iterator[str]:
    """Each comparison, and the numbers of the text among theirs."""
    literals: set[float] = set()
    for expression in claim.saying:
        try:
            true, told, found = holds(expression, frames)
        except InputError as error:
            yield str(error)
            return
        literals |= set(found)
        if not true:
            yield f"{expression} is not so: {told}"
    for printed in numbers:
        if abs(printed.value) not in literals:
            yield f"{printed.text} stands in none of its comparisons"
