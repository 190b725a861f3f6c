"""Findings as figures get them, and what can be read back from a figure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from benchmark.report import Findings
from benchmark.report import summary as summaries
from benchmark.report.figures.sheet import Sheet
from benchmark.report.findings import checked, of_main_channel
from benchmark.report.summary import summarise
from benchmark.report.view import WHOLE, View


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "RESAMPLES", 20)


@dataclass(frozen=True)
class Ready:
    """Checked findings of the main channel, their summary, and the sheet that they are drawn on."""

    findings: Findings
    summary: pd.DataFrame
    sheet: Sheet

    @property
    def scores(self) -> pd.DataFrame:
        """The scores."""
        return self.findings.scores


@pytest.fixture(scope="session")
def ready() -> Callable[..., Ready]:
    """Makes findings ready for single figures."""

    def make(findings: Findings, view: View = WHOLE) -> Ready:
        given = of_main_channel(checked(findings))
        return Ready(given, summarise(given.scores, given.references), Sheet.of(given, view))

    return make


@pytest.fixture(scope="session")
def words() -> Callable[[Figure], list[str]]:
    """Every text of a figure."""

    def read(figure: Figure) -> list[str]:
        found = [artist.get_text() for artist in figure.findobj(Text) if isinstance(artist, Text)]
        return [text.strip() for text in found if text.strip()]

    return read
