"""Whatever stands in a cell becomes ASCII that pdflatex sets without any package."""

from __future__ import annotations

import re
import unicodedata

import pytest

from benchmark.report.tables.letters import spelt


def test_special_characters_are_escaped_once() -> None:
    expected = r"\textbackslash{}50\% \& a\_b \#1 \$x\$ \{y\} \textasciitilde{}\textasciicircum{} $\pm$ $\rho$"
    assert spelt("\\50% & a_b #1 $x$ {y} ~^ ± ρ") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("«as made»", "``as made''"),
        ("§ 3, † — …", r"\S{} 3, \dag{} --- \dots{}"),
        ("−1 ≤ x × y", r"$-$1 $\le$ x $\times$ y"),
        ("10⁻³ m² CO₂", r"10\textsuperscript{-}\textsuperscript{3} m\textsuperscript{2} CO$_{2}$"),
        ("naïve Ångström", r"na\"{\i}ve \r{A}ngstr\"{o}m"),
        ("ž ç ő", r"\v{z} \c{c} \H{o}"),
        ("ΔλΑο", r"$\Delta$$\lambda$Ao"),
        ("½", "1/2"),
        ("a\nb\x07", "a b "),
        ("中", "[U+4E2D]"),
    ],
)
def test_other_letters_are_spelt(text: str, expected: str) -> None:
    assert spelt(text) == expected
    assert spelt(unicodedata.normalize("NFD", text)) == expected


def test_no_character_is_left_that_could_stop_a_run() -> None:
    for point in (*range(0xD800), *range(0xE000, 0x11000)):
        text = spelt(chr(point))
        assert text.isascii() and text.isprintable(), hex(point)
        plain = re.sub(r"\\[&%$#_{}]", "", text)  # escaped
        plain = re.sub(r"\$[^$]+\$", "", plain)  # mathematics
        plain = re.sub(r"\\([A-Za-z]+|[`'^~\"=.,])", "", plain)  # commands and accents
        assert plain.count("{") == plain.count("}"), text
        assert not set("&%$#_\\^<>|") & set(plain) and ("~" in plain) <= (point == 0xA0), text
