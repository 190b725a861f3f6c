"""What a copy is worth to a thief: how far it answers as the victim does, and what it cost him."""

from __future__ import annotations

import pandas as pd

from benchmark.report import findings as found
from benchmark.report.findings import Findings
from benchmark.report.numbers import DASH, number
from benchmark.report.tables.table import Row, Table

NEAR = 5.0  # points of the victim's quality within which a stolen model does its work
ABOUT = (
    "Means over victims and over the suspects of a family. Agreement: share of test inputs answered as the victim "
    "does. KL: of the victim's probabilities from the copy's, in nats. Skill: how far above the blind answer, "
    "1 is perfect. Queries: what was put to the victim's API. Within 5 points: with how many queries an extraction "
    "comes that near to the victim's quality, for how many of the victims."
)


def table(findings: Findings) -> Table:
    """A row per task and family of suspects, the victim's own above."""
    worth = findings.worth.merge(_of_victims(findings.scores), on=["task", "victim"], how="left")
    rows: list[Row] = []
    for task in found.tasks(worth):
        here = worth[worth["task"] == task]
        own = here.drop_duplicates("victim")
        best = (number(own["victim_quality"].mean(), 1), number(own["victim_skill"].mean(), 2))
        rows.append((task, "victim", f"{len(own)}", "1.00", DASH, DASH, best[1], best[0], DASH, DASH))
        for family in found.families(here):
            rows.append((task, family.replace("_", " "), *_of_family(here[here["family"] == family])))
    columns = ("Agreement", "KL", "Balanced accuracy", "Skill", "Quality", "Queries", "Within 5 points")
    return Table("worth", "What a copy is worth", ("Task", "Family", "Models", *columns), rows, 2, [ABOUT])


def _of_victims(scores: pd.DataFrame) -> pd.DataFrame:
    """Quality and skill of each victim."""
    return scores.drop_duplicates(["task", "victim"])[["task", "victim", "victim_quality", "victim_skill"]]


def _of_family(rows: pd.DataFrame) -> Row:
    columns = {"agreement": 2, "kl": 3, "balanced_accuracy": 2, "skill": 2, "quality": 1}
    bought = rows[rows["queries"] > 0]
    return (
        f"{len(rows)}",
        *(number(_mean(rows, name), digits) for name, digits in columns.items()),
        _range(bought["queries"]),
        _reached(bought),
    )


def _mean(rows: pd.DataFrame, column: str) -> float:
    """Over victims of the means over suspects."""
    return float(rows.groupby("victim")[column].mean().mean())


def _range(queries: pd.Series) -> str:
    ends = [number(value, 0) for value in (queries.min(), queries.max())]
    return ends[0] if ends[0] == ends[1] else f"{ends[0]}–{ends[1]}"


def _reached(bought: pd.DataFrame) -> str:
    """The smallest number of queries that sufficed, the largest over victims, and for how many of them."""
    if bought.empty:
        return DASH
    near = bought[bought["victim_quality"] - bought["quality"] <= NEAR]
    if near.empty:
        return "no: the budget did not suffice"
    needed = near.groupby("victim")["queries"].min()
    victims = bought["victim"].nunique()
    of_whom = f", {len(needed)} of {victims} victims" if len(needed) < victims else ""
    return f"with {needed.max():.0f} queries{of_whom}"
