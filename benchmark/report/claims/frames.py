"""The csv and manifests that claims are about, each read once, and rows chosen from them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.errors import InputError, near_misses
from benchmark.report import reading

ORDER: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """Rows of a frame of which one column is asked for.

    Attributes:
        groups: columns; rows that agree in them make one number.
        closed: no more filters follow.
    """

    table: pd.DataFrame
    column: str
    groups: tuple[str, ...] = ()
    closed: bool = False

    @property
    def values(self) -> pd.Series:
        """The column, less its empty cells."""
        return self.table[self.column].dropna()

    def where(self, column: str, sign: str, values: Sequence[str], closed: bool = False) -> Rows:
        """The rows in which `column` compares so with one of the values.

        Raises:
            InputError: there is no such column, no row has such a value, or a word is compared by size.
        """
        cells = self._cells(column)
        if sign in ORDER:
            chosen = ORDER[sign](_as_numbers(cells), _as_number(values[0], column))
        else:
            equal = pd.Series(False, cells.index)
            for value in values:
                one = _equal(cells, value)
                if not one.any():
                    known = near_misses(value, map(str, cells.unique()))
                    raise InputError(f"no row that is left has {column}={value}, {known}")
                equal |= one
            chosen = equal if sign == "=" else ~equal
        return replace(self, table=self.table[chosen], closed=closed)

    def grouped(self, columns: Sequence[str]) -> Rows:
        """The same rows, to make one number for each value of these columns."""
        for column in columns:
            self._cells(column)
        return replace(self, groups=tuple(columns))

    def of_numbers(self) -> Rows:
        """The same rows, if the column is of numbers; truths count as 0 and 1."""
        return replace(self, table=self.table.assign(**{self.column: _as_numbers(self._cells(self.column))}))

    def per_group(self, make: Callable[[pd.DataFrame], float]) -> float | pd.Series:
        """A number of all rows, or of each group."""
        if not self.groups:
            return float(make(self.table))
        made = {key: make(table) for key, table in self.table.groupby(list(self.groups), sort=False)}
        return pd.Series(made, dtype=float).dropna()

    def _cells(self, column: str) -> pd.Series:
        if column not in self.table:
            raise InputError(f"there is no column {column}, {near_misses(column, map(str, self.table.columns))}")
        return self.table[column]


class Frames:
    """Looks up frames by name.

    Args:
        results: the folder of all experiments.
        own: the experiment that is meant where none is named; nothing for documents about several.
    """

    def __init__(self, results: Path, own: str = "") -> None:
        self._results, self._own = results, own
        self._frame, self._manifest = lru_cache(maxsize=64)(reading.frame), lru_cache(maxsize=16)(reading.manifest)

    def rows(self, experiment: str, name: str, column: str) -> Rows:
        """All rows of a frame. Of a column of mappings, `notes.answer_kept` is what stands at «answer kept» in each.

        Raises:
            InputError: there is no such experiment, frame or column.
        """
        table = _with_entry(self._frame(self._folder(experiment), name), column)
        if column not in table:
            raise InputError(f"{name} has no column {column}, {near_misses(column, map(str, table.columns))}")
        return Rows(table, column)

    def of_manifest(self, experiment: str, path: str) -> float:
        """A number in an experiment's manifest, by its dotted path; of a list or mapping, how many it holds.

        Raises:
            InputError: there is none.
        """
        value: Any = self._manifest(self._folder(experiment))
        for key in path.split("."):
            if not isinstance(value, dict) or key not in value:
                known = value if isinstance(value, dict) else ()
                raise InputError(f"manifest.{path}: there is no {key}, {near_misses(key, map(str, known))}")
            value = value[key]
        return float(len(value)) if isinstance(value, (list, dict)) else _as_number(str(value), f"manifest.{path}")

    def _folder(self, experiment: str) -> Path:
        name = experiment or self._own
        if not name:
            raise InputError("say which experiment is meant, as in digits/summary.auc[...]")
        if not (self._results / name).is_dir():
            known = (path.name for path in self._results.iterdir() if path.is_dir())
            raise InputError(f"there are no results of {name}, {near_misses(name, known)}")
        return self._results / name


def _with_entry(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """The frame with one more column, where a dotted name means an entry of mappings and one at least has it."""
    name, _, key = column.partition(".")
    if not key or name not in table:
        return table
    entries = [cell.get(key.replace("_", " ")) if isinstance(cell, dict) else None for cell in table[name]]
    known = pd.Series(entries, table.index, dtype=object)
    return table if known.isna().all() else table.assign(**{column: pd.to_numeric(known)})


def _equal(cells: pd.Series, value: str) -> pd.Series:
    if pd.api.types.is_bool_dtype(cells):
        return cells.astype(str).str.lower() == value.lower()
    if pd.api.types.is_numeric_dtype(cells):
        return cells.isna() if value == "" else cells == _as_number(value, str(cells.name))
    pattern = ".*".join(map(re.escape, value.split("*")))
    return cells.astype(str).str.fullmatch(pattern)


def _as_number(text: str, of: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{of}: {text!r} is no number") from None


def _as_numbers(cells: pd.Series) -> pd.Series:
    if not pd.api.types.is_numeric_dtype(cells):
        raise InputError(f"column {cells.name} is not of numbers")
    return cells.astype(float)
