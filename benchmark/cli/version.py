"""The project's version, as it was installed."""

from __future__ import annotations

from importlib import metadata


def version() -> str:
    """`whosenet 0.1.0`."""
    return f"whosenet {metadata.version('whosenet')}"
