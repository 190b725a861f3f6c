"""What the page needs to know of a figure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    """A figure of the page: its file name without ending, the section it belongs to, and what it shows."""

    name: str
    section: str
    caption: str
