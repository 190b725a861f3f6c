"""Text for pdflatex with no package at all: every character that it has no glyph or another meaning for, spelt out."""

from __future__ import annotations

import unicodedata

SPELT = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", '"': "''"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"},
    **{"±": r"$\pm$", "×": r"$\times$", "≤": r"$\le$", "≥": r"$\ge$", "−": "$-$", "≠": r"$\neq$", "≈": r"$\approx$"},
    **{
        "·": r"$\cdot$",
        "→": r"$\to$",
        "∞": r"$\infty$",
        "°": r"$^\circ$",
        "µ": r"$\mu$",
        "∑": r"$\sum$",
        "√": r"$\surd$",
    },
    **{"†": r"\dag{}", "‡": r"\ddag{}", "§": r"\S{}", "¶": r"\P{}", "•": r"\textbullet{}", "©": r"\copyright{}"},
    **{
        "–": "--",
        "—": "---",
        "…": r"\dots{}",
        "\u2018": "`",
        "\u2019": "'",
        "“": "``",
        "”": "''",
        "«": "``",
        "»": "''",
    },
    **{"\u00a0": "~", "\u2009": r"\,", "\u202f": r"\,", "\u2010": "-", "\u2011": "-"},
    **{
        "ß": r"\ss{}",
        "æ": r"\ae{}",
        "Æ": r"\AE{}",
        "ø": r"\o{}",
        "Ø": r"\O{}",
        "ł": r"\l{}",
        "Ł": r"\L{}",
    },
}
ACCENTS = {
    **{"\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0308": '"', "\u0304": "=", "\u0307": "."},
    **{"\u0306": "u", "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c", "\u0323": "d"},
}
LIKE_LATIN = {
    **{"ALPHA": "A", "BETA": "B", "EPSILON": "E", "ZETA": "Z", "ETA": "H", "IOTA": "I", "KAPPA": "K", "MU": "M"},
    **{"NU": "N", "OMICRON": "O", "RHO": "P", "TAU": "T", "CHI": "X"},
}


def spelt(text: str) -> str:
    """ASCII that pdflatex sets as `text`, one pass so that nothing is escaped twice.

    A character that cannot be set goes by its code point, "[U+4E2D]".
    """
    return "".join(_character(character) for character in unicodedata.normalize("NFC", text))


def _character(character: str) -> str:
    if character in SPELT:
        return SPELT[character]
    if character.isascii():
        return character if character.isprintable() else " "
    return _greek(character) or _script(character) or _accented(character) or f"[U+{ord(character):04X}]"


def _greek(character: str) -> str:
    words = unicodedata.name(character, "").split(" ")
    if len(words) != 4 or words[0] != "GREEK" or words[2] != "LETTER":
        return ""
    size, name = words[1], words[3].replace("LAMDA", "LAMBDA")
    if size == "CAPITAL":
        return LIKE_LATIN.get(name) or f"$\\{name.capitalize()}$"
    return "o" if name == "OMICRON" else f"$\\{name.lower()}$"


def _script(character: str) -> str:
    """Raised and lowered digits and letters, and what Unicode composes of plain ones, such as fractions."""
    kind, _, points = unicodedata.decomposition(character).partition("> ")
    if not points:
        return ""
    plain = "".join(chr(int(point, 16)) for point in points.split(" ")).replace("\u2044", "/").replace("\u2212", "-")
    if not plain.isascii():
        return ""
    commands = {"<super": "\\textsuperscript{%s}", "<sub": "$_{%s}$"}
    return commands.get(kind, "%s") % "".join(SPELT.get(letter, letter) for letter in plain)


def _accented(character: str) -> str:
    parts = unicodedata.normalize("NFD", character)
    base, marks = parts[0], parts[1:]
    if not base.isascii() or not marks or any(mark not in ACCENTS for mark in marks):
        return ""
    text = f"\\{base}" if base in "ij" and marks[0] not in ("\u0327", "\u0323") else base
    for mark in marks:
        text = f"\\{ACCENTS[mark]}{{{text}}}"
    return text
