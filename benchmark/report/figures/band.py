"""Lines with a band: means over victims, the unit of replication, and their spread."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def over_victims(values: ArrayLike, victims: ArrayLike) -> tuple[Floats, Floats | None]:
    """The mean (points,) over victims of each one's mean over its repeats, and the standard deviation over victims.

    With one victim it is the deviation over its repeats, and none with one repeat.

    Args:
        values: (sets, points), one row per set of prints.
        victims: (sets,), the victim of each.
    """
    rows, owner = np.asarray(values, dtype=float), np.asarray(victims)
    means = np.stack([rows[owner == victim].mean(axis=0) for victim in np.unique(owner)])
    spread = means if len(means) > 1 else rows
    return means.mean(axis=0), spread.std(axis=0, ddof=1) if len(spread) > 1 else None


def draw(axes: Axes, x: ArrayLike, values: ArrayLike, victims: ArrayLike, **look: Any) -> None:
    """A line at the means, and one standard deviation to both sides within [0, 1]."""
    mean, sd = over_victims(values, victims)
    if sd is not None:
        low, high = np.clip(mean - sd, 0, 1), np.clip(mean + sd, 0, 1)
        axes.fill_between(x, low, high, color=look["color"], alpha=0.18, linewidth=0)
    axes.plot(x, mean, **look)


def explained(frame: pd.DataFrame) -> str:
    """What a caption says of lines and bands that rest on these rows."""
    victims, repeats = frame["victim"].nunique(), frame["repeat"].nunique()
    if victims > 1:
        return f"Lines are means over {victims} victims and their repeats, bands one standard deviation over victims."
    if repeats > 1:
        return "Lines are means over the repeats of one victim, bands one standard deviation over them."
    return "One victim, one repeat."
