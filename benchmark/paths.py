"""Where the checkout and its configurations lie."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONF = ROOT / "conf"


def located(path: str) -> Path:
    """Where a path of a setting leads: from the checkout if it is relative, `~` is the home folder."""
    return ROOT / os.path.expanduser(path)  # Path's own raises where there is no such user
