"""What readers call methods, families and detectors: names out of the manifest, else the yaml's key with spaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

SIGN = "§"  # behind a marked fingerprint's name in figures; in Latin-1, and * stands for degraded suspects there


def spaced(key: str) -> str:
    """A yaml's key as words: "eight bit" for `eight_bit`."""
    return key.replace("_", " ")


@dataclass(frozen=True)
class Names:
    """The names of one experiment.

    Attributes:
        given: by group (`methods`, `families`, `detectors`) and key; a method with one of its verifiers has the key
            `fingerprint verifier`.
        several: the fingerprints that have several verifiers, of which alone the verifier is named.
    """

    given: Mapping[str, Mapping[str, str]]
    several: frozenset[str]

    @classmethod
    def of(cls, scores: pd.DataFrame, manifest: Mapping[str, Any]) -> Names:
        """The names that a manifest gives, for the methods of these scores."""
        verifiers = scores.groupby("fingerprint")["verifier"].nunique()
        return cls(manifest.get("names", {}), frozenset(map(str, verifiers.index[verifiers > 1])))

    def method(self, fingerprint: str, verifier: str) -> str:
        """A fingerprint with one of its verifiers."""
        if fingerprint not in self.several:
            return self.fingerprint(fingerprint)
        known = self._given("methods").get(f"{fingerprint} {verifier}")
        return known or f"{self.fingerprint(fingerprint)} {spaced(verifier)}"

    def labelled(self, scores: pd.DataFrame) -> pd.DataFrame:
        """The scores with a column `method`, each row's method by name, which `findings.label` reads."""
        pairs = zip(scores["fingerprint"], scores["verifier"], strict=True)
        return scores.assign(method=[self.method(str(fingerprint), str(verifier)) for fingerprint, verifier in pairs])

    def fingerprint(self, key: str) -> str:
        """A fingerprint, whichever its verifiers."""
        return self._given("methods").get(key) or spaced(key)

    def family(self, key: str) -> str:
        """A family of suspects."""
        return self._given("families").get(key) or spaced(key)

    def detector(self, key: str) -> str:
        """A detector."""
        return self._given("detectors").get(key) or spaced(key)

    def _given(self, group: str) -> Mapping[str, str]:
        return self.given.get(group, {})
