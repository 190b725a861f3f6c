"""On how many suspects a row rests."""

from __future__ import annotations

import pandas as pd

ABOUT = "n: positives + negatives of a set of prints × {}; from the fewest to the most where victims differ."


def size(row: pd.Series, *levels: str) -> str:
    """positives + negatives, each a range where sets of prints differ, × the row's counts of these levels."""
    sides = (_range(row[f"{side}_least"], row[side]) for side in ("positives", "negatives"))
    return " × ".join(["+".join(sides), *(f"{row[level]}" for level in levels)])


def about(*levels: str) -> str:
    """What a table says of it."""
    return ABOUT.format(" × ".join(levels))


def _range(least: int, most: int) -> str:
    return f"{most}" if least == most else f"{least}–{most}"
