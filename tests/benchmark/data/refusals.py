"""What a source of pictures says of data that it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.data.folder import ImageFolder
from benchmark.errors import InputError

BAD = "train/a/bad.png"  # what tests add to a sound data set


def refusals(root: Path | str) -> set[str]:
    """What is said of a folder or zip file, before any work and when the pictures are loaded."""
    source, said = ImageFolder(root=str(root), size=8), set()
    for use in (source.content, source.load):
        with pytest.raises(InputError) as caught:
            use()
        said.add(str(caught.value))
    return said


def refusal(root: Path | str) -> str:
    """The same line from both: printable, and short but for the source's own remedy."""
    (line,) = refusals(root)
    assert line.isprintable() and str(root) in line and len(line.replace(str(root), "")) < 400
    return line
