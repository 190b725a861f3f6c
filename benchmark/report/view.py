"""What a reader asks of figures: some of the methods only, and how wide the page is that they shall fit on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Width = Literal["column", "page"]
WIDTHS: tuple[str, ...] = get_args(Width)


@dataclass(frozen=True)
class View:
    """How figures are drawn.

    Attributes:
        methods: the fingerprints to draw, in this order; all of them in the experiment's order where it is empty.
        width: fit for one column of a paper in two columns, or for the whole page.
    """

    methods: tuple[str, ...] = ()
    width: Width = "page"


WHOLE = View()
