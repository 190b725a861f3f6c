"""Questions to the csv of results, in a small language of their own: nothing in a claims file is run as code.

    mean(scores.score[task=digits_class, family=distill|finetune, channel=as_made])
    max(mean(scores.score[suspect=weight_pruning*] by suspect)) - 0.5
    100 * summary.auc[task=digits_class, fingerprint=ipguard, suspects=all]
    digits/manifest.config.count

A column is a frame's, with filters in brackets; a folder of results stands before it where it is not the document's
own. An entry of a column of mappings stands behind a dot (`prints.notes.answer_kept` for «answer kept»). Filters
compare with = != < <= > >=; | parts several values of which one is enough, * stands for any letters, and double quotes
keep a value with , | ] or spaces at its ends. `by` gives one number per group, of which an aggregate makes one. A
column without aggregate has one value in all its rows.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from benchmark import metrics
from benchmark.errors import InputError, near_misses
from benchmark.report.claims.frames import Frames, Rows

Value = float | pd.Series  # a number, or one per group

TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?(?:e[-+]?\d+)?|\w+|<=|>=|==|[-+*/().,<>])")
COLUMN = re.compile(r"\s*(?:([\w-]+)/)?(\w+)\.([\w.]+)")
FILTER = re.compile(r"\s*(\w+)\s*(!=|<=|>=|=|<|>)")
ITEM = re.compile(r'\s*(?:"([^"]*)"|([^"|,\]]*))\s*([|,\]])')
# What is equal but for the order of a sum is equal.
COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda one, other: one < other and not math.isclose(one, other),
    "<=": lambda one, other: one < other or math.isclose(one, other),
    ">": lambda one, other: one > other and not math.isclose(one, other),
    ">=": lambda one, other: one > other or math.isclose(one, other),
    "==": math.isclose,
}
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
}  # fmt: skip


def _only(values: pd.Series) -> float:
    different = values.unique()
    if len(different) != 1:
        raise InputError(f"{len(values)} rows have {len(different)} values: name more filters, or an aggregate")
    return float(different[0])


AGGREGATES: dict[str, Callable[[pd.Series], float]] = {
    "mean": lambda values: values.mean(),
    "min": lambda values: values.min(),
    "max": lambda values: values.max(),
    "sum": lambda values: values.sum(),
    "sd": lambda values: values.std(ddof=1),
    "median": lambda values: values.median(),
    "count": len,
    "only": _only,
}
OF_SIDES: dict[str, Callable[..., float]] = {"auc": metrics.roc_auc, "aruc": metrics.aruc}
FUNCTIONS = (*AGGREGATES, *OF_SIDES, "distinct", "quantile", "abs")


def number(text: str, frames: Frames) -> float:
    """What an expression comes to.

    Raises:
        InputError: it is none, or the results have no such thing.
    """
    reader = _Reader(text, frames)
    value = reader.sum()
    reader.end()
    return reader.scalar(value)


def holds(text: str, frames: Frames) -> tuple[bool, str, list[float]]:
    """Whether a comparison such as `a > b >= 0.5` is true, what its sides come to, and the plain numbers in it.

    Raises:
        InputError: as `number`.
    """
    reader = _Reader(text, frames)
    sides, signs = [reader.scalar(reader.sum())], []
    while sign := reader.take(*COMPARE):
        signs.append(sign)
        sides.append(reader.scalar(reader.sum()))
    reader.end()
    if not signs:
        raise InputError(f"«{text}» compares nothing: wants one of {' '.join(COMPARE)}")
    true = all(COMPARE[sign](sides[i], sides[i + 1]) for i, sign in enumerate(signs))
    told = f"{sides[0]:.6g}" + "".join(f" {sign} {side:.6g}" for sign, side in zip(signs, sides[1:], strict=True))
    return true, told, reader.literals


class _Reader:
    """Reads an expression from left to right and computes it on the way."""

    def __init__(self, text: str, frames: Frames) -> None:
        self._text, self._frames, self._place = text, frames, 0
        self.literals: list[float] = []

    def sum(self) -> Value:
        """Products, added and subtracted."""
        return self._chain(self._product, "+", "-")

    def take(self, *signs: str) -> str:
        """The next token if it is one of these, and goes on behind it; else nothing."""
        found = TOKEN.match(self._text, self._place)
        if found is None or found[1] not in signs:
            return ""
        self._place = found.end()
        return found[1]

    def end(self) -> None:
        """Nothing may follow."""
        if self._text[self._place :].strip():
            self._fail("cannot be read from here")

    def scalar(self, value: Value) -> float:
        """One number, and a number indeed."""
        if isinstance(value, pd.Series):
            raise InputError(f"«{self._text}» is one number per group: wants an aggregate, such as max(...)")
        if not math.isfinite(value):
            raise InputError(f"«{self._text}» has no value: all cells are empty, or no row is left")
        return float(value)

    def _chain(self, part: Callable[[], Value], *signs: str) -> Value:
        value = part()
        while sign := self.take(*signs):
            value = ARITHMETIC[sign](value, part()) if sign != "/" else _divided(value, part())
        return value

    def _product(self) -> Value:
        return self._chain(self._factor, "*", "/")

    def _factor(self) -> Value:
        if self.take("-"):
            return -self._factor()
        if self.take("("):
            value = self.sum()
            self._want(")")
            return value
        start = self._place
        found = TOKEN.match(self._text, self._place)
        if found is not None and found[1][0].isdigit():
            self._place = found.end()
            self.literals.append(float(found[1]))
            return self.literals[-1]
        name = self.take(*FUNCTIONS)
        if name and self.take("("):
            return self._function(name)
        self._place = start
        return self._of_manifest() if self._is_manifest() else self._single()

    def _function(self, name: str) -> Value:
        """What follows `name(`: rows for an aggregate, or numbers per group, or numbers."""
        if name == "quantile":
            share = float(self.scalar(self.sum()))
            self._want(",")
            return self._aggregate(lambda values: float(values.quantile(share)))
        if name == "abs":
            value = self.sum()
            self._want(")")
            return value.abs() if isinstance(value, pd.Series) else abs(value)
        if name == "distinct":
            rows = self._rows(numbers=False)
            self._want(")")
            return rows.per_group(lambda table: float(table[rows.column].nunique()))
        if name in OF_SIDES:
            rows = self._rows()
            self._want(")")
            return rows.per_group(lambda table: _of_sides(OF_SIDES[name], table, rows.column))
        return self._aggregate(AGGREGATES[name], numbers=name != "count")

    def _single(self) -> float:
        """A column without aggregate."""
        rows = self._rows()
        if rows.groups:
            self._fail("groups want an aggregate before here")
        return _only(rows.values)

    def _aggregate(self, make: Callable[[pd.Series], float], numbers: bool = True) -> Value:
        if self._is_column():
            rows = self._rows(numbers)
            self._want(")")
            return rows.per_group(lambda table: make(table[rows.column].dropna()))
        parts = [self.sum()]
        while self.take(","):
            parts.append(self.sum())
        self._want(")")
        whole = parts[0] if len(parts) == 1 else pd.Series([self.scalar(part) for part in parts])
        return float(make(whole)) if isinstance(whole, pd.Series) else float(make(pd.Series([whole])))

    def _is_column(self) -> bool:
        """Whether a column stands next, not as part of something to compute."""
        place, found = self._place, COLUMN.match(self._text, self._place)
        if found is None or found[2] == "manifest":
            return False
        self._skip_rows(found.end())
        computed = self.take(*ARITHMETIC, ",")
        self._place = place
        return not computed

    def _skip_rows(self, place: int) -> None:
        """Goes behind filters and groups without reading them."""
        found = re.compile(r'\s*(?:\[(?:"[^"]*"|[^"\]])*\])?(?:\s*by\s+\w+(?:\s*,\s*\w+)*)?').match(self._text, place)
        self._place = found.end() if found else place

    def _is_manifest(self) -> bool:
        found = COLUMN.match(self._text, self._place)
        return found is not None and found[2] == "manifest"

    def _of_manifest(self) -> float:
        found = COLUMN.match(self._text, self._place)
        assert found is not None
        self._place = found.end()
        return self._frames.of_manifest(found[1] or "", found[3])

    def _rows(self, numbers: bool = True) -> Rows:
        """A column with its filters and groups."""
        found = COLUMN.match(self._text, self._place)
        if found is None:
            self._fail("wants a number, a function or a frame's column from here")
        self._place = found.end()
        rows = self._frames.rows(found[1] or "", found[2], found[3])
        if self._text[self._place :].lstrip().startswith("["):
            self._place = self._text.index("[", self._place) + 1
            while not rows.closed:
                rows = self._filtered(rows)
        if self.take("by"):
            rows = rows.grouped(self._names())
        return rows.of_numbers() if numbers else rows

    def _filtered(self, rows: Rows) -> Rows:
        """The rows behind the next filter; closed if it was the last."""
        found = FILTER.match(self._text, self._place)
        if found is None:
            self._fail("wants a filter such as task=digits_class from here")
        self._place, values = found.end(), []
        while True:
            item = ITEM.match(self._text, self._place)
            if item is None:
                self._fail("wants a value, and ] behind the last, from here")
            self._place = item.end()
            values.append(item[1] if item[1] is not None else item[2].strip())
            if item[3] != "|":
                return rows.where(found[1], found[2], values, closed=item[3] == "]")

    def _names(self) -> list[str]:
        names = []
        while found := re.compile(r"\s*(\w+)").match(self._text, self._place):
            self._place = found.end()
            names.append(found[1])
            if not self.take(","):
                break
        return names

    def _want(self, sign: str) -> None:
        if not self.take(sign):
            self._fail(f"wants {sign} from here")

    def _fail(self, what: str) -> NoReturn:
        word = re.match(r"\s*(\w+)\s*\(", self._text[self._place :])
        hint = f", {near_misses(word[1], FUNCTIONS)}" if word and word[1] not in FUNCTIONS else ""
        raise InputError(f"«{self._text}» {what}: «{self._text[self._place :].strip()}»{hint}")


def _divided(above: Value, below: Value) -> Value:
    if not isinstance(below, pd.Series) and below == 0:
        raise InputError("the expression divides by zero")
    return above / below


def _of_sides(area: Callable[..., float], table: pd.DataFrame, column: str) -> float:
    """An area under a curve, of the rows that have a score."""
    known = table[table[column].notna()]
    positive = known["positive"].to_numpy(dtype=bool)
    if positive.all() or not positive.any():
        return np.nan
    return float(area(known[column].to_numpy(), positive))
