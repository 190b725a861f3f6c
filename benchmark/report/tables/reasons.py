"""Why suspects were not judged, as few notes as there are different reasons."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import pandas as pd

NUMBER = re.compile(r"\d+")


def unjudged(scores: pd.DataFrame, row: pd.Series) -> list[str]:
    """What is said of suspects that a method could not judge, while it judged others.

    Args:
        row: of the summary, with `task`, `fingerprint`, `verifier` and its own `reason`.
    """
    if row["reason"]:
        return []
    of_method = (scores["fingerprint"] == row["fingerprint"]) & (scores["verifier"] == row["verifier"])
    here = scores[(scores["task"] == row["task"]) & of_method & (scores["family"] != "victim") & scores["score"].isna()]
    sizes = here.groupby("reason", sort=False)["suspect"].nunique()
    found = grouped({str(reason): int(size) for reason, size in sizes.items()})
    return [f"{size} suspect{'s' * (size > 1)} not judged: {reason}" for reason, size in found.items()]


def grouped(sizes: Mapping[str, int]) -> dict[str, int]:
    """Reasons that differ in numbers alone as one, and how many suspects they concern.

    >>> grouped({"layer 6 has 30 neurons instead of 32": 1, "layer 6 has 18 neurons instead of 32": 2})
    {'layer 6 has 18 to 30 neurons instead of 32': 3}
    """
    found: dict[str, int] = {}
    for reason, text in merged(sizes).items():
        found[text] = found.get(text, 0) + sizes[reason]
    return found


def merged(reasons: Iterable[str]) -> dict[str, str]:
    """What stands for each reason: itself, or the one text of all that differ from it in numbers alone."""
    alike: dict[str, list[str]] = {}
    for reason in reasons:
        alike.setdefault(NUMBER.sub("#", reason), []).append(reason)
    return {reason: _ranged(group) for group in alike.values() for reason in group}


def _ranged(reasons: list[str]) -> str:
    """Their text with the range of each number that differs."""
    columns = zip(*(map(int, NUMBER.findall(reason)) for reason in reasons), strict=True)
    ends = [(min(each), max(each)) for each in columns]
    ranges = iter([f"{low} to {high}" if low < high else f"{low}" for low, high in ends])
    return NUMBER.sub(lambda _: next(ranges), reasons[0])
