"""How figures look and how they are saved: readable in grey, colour-blind safe, the same bytes every time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

# From Okabe and Ito's palette, safe for the common kinds of colour blindness.
BLUE, RED = "#0072B2", "#D55E00"
INK, GREY, PALE = "#222222", "#767676", "#E4E4E4"
POSITIVE: dict[str, Any] = {"color": BLUE, "marker": "o"}
NEGATIVE: dict[str, Any] = {"color": RED, "marker": "s"}
# Marker and dashes tell lines apart in grey, colours (Okabe and Ito) besides.
MARKERS = ("o", "s", "^", "D", "v", "X", "P", "<", ">")
COLORS = (BLUE, RED, "#009E73", INK, "#CC79A7", "#56B4E9", "#E69F00", GREY)
DASHES = ("-", "--", ":", "-.")

RC: dict[str, Any] = {
    # Ships with matplotlib, so the same on every machine. Figures keep to Latin-1 (no rho, no dagger): any character
    # beyond costs a second font in each pdf.
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.labelsize": 8.5,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 8,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "axes.linewidth": 0.7,
    "lines.linewidth": 1.4,
    "hatch.linewidth": 0.5,
    "figure.dpi": 160,  # as saved: text is measured for the layout at this size
    "savefig.dpi": 160,
    "pdf.fonttype": 42,  # TrueType, so that text stays text
    "image.composite_image": False,  # pictures stay as they are, not one raster of all
    "svg.fonttype": "path",  # glyphs travel along: the picture does not depend on the reader's fonts
    "svg.hashsalt": "whosenet",
    "text.parse_math": False,  # a $ in a name is a dollar
}
METADATA: dict[str, dict[str, Any]] = {
    "pdf": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}


def line(place: int) -> dict[str, Any]:
    """Colour, marker and dashes of the line number `place` of a figure."""
    return {
        "color": COLORS[place % len(COLORS)],
        "marker": MARKERS[place % len(MARKERS)],
        "linestyle": DASHES[place % len(DASHES)],
    }


def styled() -> Any:
    """A context in which figures are drawn and saved; matplotlib's own defaults elsewhere, whatever the user's rc."""
    base: dict[Any, Any] = {key: value for key, value in matplotlib.rcParamsDefault.items() if key != "backend"}
    return matplotlib.rc_context(base | RC)


def save(figure: Figure, folder: Path, name: str, kinds: Sequence[str] = tuple(METADATA)) -> None:
    """NAME.pdf, NAME.svg and NAME.png, or some of these kinds, without dates or versions inside."""
    for text in figure.findobj(Text):
        if hasattr(text, "set_fontfeatures"):  # from matplotlib 3.11 on
            text.set_fontfeatures(("-liga",))  # fi in one glyph lies beyond Latin-1: a second font in each pdf
    if figure.get_layout_engine() is not None:
        figure.draw_without_rendering()
        figure.set_layout_engine(None)  # laid out once: with an engine, even "none", each format is drawn twice
    for kind in kinds:
        figure.savefig(folder / f"{name}.{kind}", metadata=METADATA[kind])


def shrink(path: Path) -> None:
    """Leaves a drawing's png 256 colours: lines and letters look the same at half the size. Not for photographs."""
    with Image.open(path) as image:
        few = image.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
