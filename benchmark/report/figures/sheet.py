"""What the figures of one report share: the page's width, names, and how each method looks, whatever is drawn of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from benchmark.report import findings as found
from benchmark.report.figures import style
from benchmark.report.findings import Findings
from benchmark.report.names import SIGN, Names
from benchmark.report.view import View

WIDTHS = {"column": 3.3, "page": 6.9}  # inches, of a paper in two columns
Method = tuple[str, str]


@dataclass(frozen=True)
class Sheet:
    """The look of all figures of one experiment.

    Attributes:
        width: of a figure at most, in inches.
        marks: fingerprint -> footnote; a marked one's name bears a sign.
        places: every method of the experiment -> its number in alphabetical order, which fixes colour, marker and
            dashes: they are the same in all figures, on all tasks, and where some of the methods are drawn only.
    """

    width: float
    names: Names
    marks: Mapping[str, str]
    places: Mapping[Method, int]

    @classmethod
    def of(cls, findings: Findings, view: View) -> Sheet:
        """The look of these findings' figures."""
        methods = sorted(found.methods(findings.scores))
        places = {method: place for place, method in enumerate(methods)}
        names = Names.of(findings.scores, findings.manifest)
        return cls(WIDTHS[view.width], names, findings.marks, places)

    def line(self, method: Method) -> dict[str, Any]:
        """Colour, marker and dashes of a method, and a hollow marker for every other one."""
        look = style.line(self.places[method])
        return look | {"markerfacecolor": "white" if self.places[method] % 2 else look["color"]}

    def label(self, method: Method) -> str:
        """A method's name, with a sign where it is marked."""
        return self.names.method(*method) + self._sign(method[0])

    def fingerprint(self, key: str) -> str:
        """A fingerprint's name, with a sign where it is marked."""
        return self.names.fingerprint(key) + self._sign(key)

    def family(self, key: str) -> str:
        """A family's name."""
        return self.names.family(key)

    def families(self, scores: pd.DataFrame) -> list[str]:
        """The families of these rows in the order of all figures, the victim first where it has a row."""
        names = found.families(scores)
        return ["victim", *names] if (scores["family"] == "victim").any() else names

    def explained(self, shown: Iterable[str]) -> str:
        """What a caption says of the marked fingerprints among those shown, a space before it; or nothing."""
        marked = [key for key in dict.fromkeys(shown) if key in self.marks]
        return "".join(f" {SIGN} {self.names.fingerprint(key)}: {self.marks[key]}" for key in marked)

    def _sign(self, fingerprint: str) -> str:
        return SIGN * (fingerprint in self.marks)


def of_method(frame: pd.DataFrame, method: Method) -> pd.DataFrame:
    """The rows of one method."""
    return frame[(frame["fingerprint"] == method[0]) & (frame["verifier"] == method[1])]
