"""How figures look and how they are saved: readable in grey, colour-blind safe, the same bytes every time."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.textpath import text_to_path
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
PALETTE = 128  # colours of a png
LINES = 8  # in one axes at most
SMALL, TINY = 7.0, 6.0  # points, beside the font's own size
FAMILY = "DejaVu Sans"  # ships with matplotlib, so the same on every machine

RC: dict[str, Any] = {
    # Figures keep to Latin-1 (no rho, no dagger): any character beyond costs a second font in each pdf.
    "font.family": FAMILY,
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "axes.titlepad": 3.5,
    "axes.labelpad": 2.0,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "text.color": INK,
    "axes.linewidth": 0.7,
    "lines.linewidth": 1.2,
    "hatch.linewidth": 0.5,
    "figure.dpi": 200,  # as saved: text is measured at this size
    "savefig.dpi": 200,
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
    """Colour, marker and dashes of the line number `place`: no two of the first 72 share both colour and marker."""
    return {
        "color": COLORS[place % len(COLORS)],
        "marker": MARKERS[place % len(MARKERS)],
        "linestyle": dashes(place),
    }


def dashes(place: int) -> str:
    """Of the line number `place`."""
    return DASHES[place % len(DASHES)]


def paler(color: str, share: float) -> tuple[float, float, float]:
    """The colour mixed with white, of which `share` in [0, 1] is white."""
    red, green, blue = matplotlib.colors.to_rgb(color)
    return red + share * (1 - red), green + share * (1 - green), blue + share * (1 - blue)


@cache
def measured(text: str, size: float) -> float:
    """The width in inches of a text of one line or several, in letters of `size` points."""
    font = FontProperties(family=FAMILY, size=size)
    widths = (text_to_path.get_text_width_height_descent(row, font, False)[0] for row in text.split("\n"))
    return float(max(widths)) / 72


def broadest(texts: Iterable[str], size: float = SMALL) -> float:
    """The width in inches of the widest of these texts."""
    return max((measured(text, size) for text in texts), default=0.0)


def fitted(text: str, width: float, size: float) -> float:
    """The size in points, `size` at most, at which a text is no wider than `width` inches."""
    return min(size, size * width / max(measured(text, size), 1e-9))


def shares(axes: Axes, *, x: bool = True, y: bool = False) -> None:
    """Makes an axis run over [0, 1] with three ticks."""
    words = {"ticks": (0, 0.5, 1), "labels": ("0", "0.5", "1")}
    if x:
        axes.set_xlim(-0.02, 1.02)
        axes.set_xticks(**words)  # type: ignore[arg-type]
    if y:
        axes.set_ylim(-0.02, 1.02)
        axes.set_yticks(**words)  # type: ignore[arg-type]


def styled() -> Any:
    """A context in which figures are drawn and saved; matplotlib's own defaults elsewhere, whatever the user's rc."""
    base: dict[Any, Any] = {key: value for key, value in matplotlib.rcParamsDefault.items() if key != "backend"}
    return matplotlib.rc_context(base | RC)


def save(figure: Figure, folder: Path, name: str, kinds: Sequence[str] = tuple(METADATA)) -> None:
    """NAME.pdf, NAME.svg and NAME.png, or some of these kinds, without dates or versions inside."""
    for text in figure.findobj(Text):
        if hasattr(text, "set_fontfeatures"):  # from matplotlib 3.11 on
            text.set_fontfeatures(("-liga",))  # fi in one glyph lies beyond Latin-1: a second font in each pdf
    for kind in kinds:
        if kind == "png":
            (folder / f"{name}.png").write_bytes(_raster(figure))
        else:
            figure.savefig(folder / f"{name}.{kind}", metadata=METADATA[kind])


def _raster(figure: Figure) -> bytes:
    """A png with a palette, a third of the file: few colours for a drawing, as many as there can be for pictures."""
    drawn, kept = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", metadata=METADATA["png"], pil_kwargs={"compress_level": 0})  # for a moment
    picture = Image.open(drawn).convert("RGB")
    colours = 256 if any(axes.images for axes in figure.axes) else PALETTE
    picture = picture.quantize(colours, dither=Image.Dither.NONE)
    picture.save(kept, format="png", dpi=(matplotlib.rcParams["savefig.dpi"],) * 2)
    return kept.getvalue()
