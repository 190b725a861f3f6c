"""Which cells of a column are its best and its second."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.report.tables.table import Cell, as_cell


def ranked(cells: Sequence[Cell | str], values: Sequence[float], digits: int = 3) -> list[Cell | str]:
    """The cells of a column, the largest values marked as best and the next as second.

    Values that are equal as printed share their rank, and two best leave no second. A column of one value has no best.
    NaN has no rank.
    """
    rounded = [round(value, digits) for value in values]
    known = sorted((value for value in rounded if value == value), reverse=True)
    if len(known) < 2:
        return list(cells)
    ranks = {known[0]: 1} | ({known[1]: 2} if known[1] != known[0] else {})
    pairs = zip(cells, rounded, strict=True)
    return [as_cell(cell)._replace(rank=ranks[value]) if value in ranks else cell for cell, value in pairs]
