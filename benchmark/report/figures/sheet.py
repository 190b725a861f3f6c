"""What the figures of one report share: the page's width, names, and how each method looks, whatever is drawn of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from benchmark.report import findings as found
from benchmark.report.figures import style
from benchmark.report.findings import Findings
from benchmark.report.names import SIGN, Names
from benchmark.report.view import View

WIDTHS = {"column": 3.3, "page": 6.9}  # inches, of a paper in two columns
Method = tuple[str, str]


class Place(NamedTuple):
    """Where a method stands: the number of what it is a setting of, and which of its settings it is, 0 the first."""

    number: int
    setting: int


@dataclass(frozen=True)
class Sheet:
    """The look of all figures of one experiment.

    Attributes:
        width: of a figure at most, in inches.
        marks: fingerprint -> footnote; a marked one's name bears a sign.
        places: every method of the experiment -> its place in alphabetical order, which fixes colour, marker and
            dashes: they are the same in all figures, on all tasks, and where some of the methods are drawn only.
            Several settings of one method share its number.
    """

    width: float
    names: Names
    marks: Mapping[str, str]
    places: Mapping[Method, Place]

    @classmethod
    def of(cls, findings: Findings, view: View) -> Sheet:
        """The look of these findings' figures."""
        names = Names.of(findings.scores, findings.manifest)
        return cls(WIDTHS[view.width], names, findings.marks, _places(findings))

    def line(self, method: Method) -> dict[str, Any]:
        """Colour and marker of a method; its first setting has a full marker, others a hollow one and other dashes."""
        number, setting = self.places[method]
        look = style.line(number)
        face = "white" if setting else look["color"]
        return look | {"linestyle": style.dashes(number + setting), "markerfacecolor": face}

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

    def settings(self, shown: Iterable[Method]) -> str:
        """What a caption says of several settings of one method among those shown, a space before it; or nothing."""
        places = [self.places[method] for method in shown]
        several = len({place.number for place in places}) < len(places)
        return " Settings of one method share colour and sign; the line of all but its first is broken." * several

    def _sign(self, fingerprint: str) -> str:
        return SIGN * (fingerprint in self.marks)


def _places(findings: Findings) -> dict[Method, Place]:
    """A setting of a method is a fingerprint of the same component; the component's own key is the first of them."""
    methods = sorted(found.methods(findings.scores))
    config = findings.manifest.get("config", {}).get("fingerprint", {})
    component = {key: str(config.get(key, {}).get("_target_", key)).rpartition("/")[2] for key, _ in methods}
    keys = sorted(component, key=lambda key: (key != component[key], key))
    settings = {key: [other for other in keys if component[other] == component[key]].index(key) for key in keys}
    numbers = {base: number for number, base in enumerate(sorted({(component[key], name) for key, name in methods}))}
    return {(key, name): Place(numbers[component[key], name], settings[key]) for key, name in methods}


def of_method(frame: pd.DataFrame, method: Method) -> pd.DataFrame:
    """The rows of one method."""
    return frame[(frame["fingerprint"] == method[0]) & (frame["verifier"] == method[1])]
