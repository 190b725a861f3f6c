"""Numbers as tables and figures print them: they are rounded here and nowhere else."""

from __future__ import annotations

import math

DASH = "–"


def number(value: float, digits: int = 3) -> str:
    """Fixed digits; a dash for what is not known, never 0 in its place."""
    if value is None or math.isnan(value):
        return DASH
    return f"{value:.{digits}f}".replace("-", "−")


def spread(mean: float, sd: float, digits: int = 3) -> str:
    """mean ± sd; the mean alone where one repeat leaves no sd."""
    if math.isnan(mean):
        return DASH
    return number(mean, digits) if math.isnan(sd) else f"{number(mean, digits)} ± {number(sd, digits)}"


def interval(low: float, high: float, digits: int = 3) -> str:
    """[low, high], or a dash."""
    return DASH if math.isnan(low) or math.isnan(high) else f"[{number(low, digits)}, {number(high, digits)}]"


def duration(seconds: float) -> str:
    """Seconds with three significant digits, or a dash."""
    if math.isnan(seconds):
        return DASH
    return f"{seconds:.0f}" if seconds >= 99.95 else f"{seconds:.3g}"


def share(value: float) -> str:
    """A share in per cent, without digits that say nothing: "5 %", "0.1 %", or a dash."""
    return DASH if math.isnan(value) else f"{100 * value:.3g} %"
