"""Each source of picture files on a miniature of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.data.faces import FaceFolder
from benchmark.data.fgnet import FgNet
from benchmark.data.folder import ImageFolder
from benchmark.data.ham10000 import Ham10000
from benchmark.data.sources import PictureSource
from benchmark.data.utkface import UtkFace
from tests.benchmark.data import miniature

SOURCES: dict[str, tuple[type[PictureSource], Callable[[Path], Path]]] = {
    "ham10000": (Ham10000, miniature.ham10000),
    "fgnet": (FgNet, miniature.fgnet),
    "utkface": (UtkFace, miniature.utkface),
    "faces": (FaceFolder, lambda folder: miniature.faces(folder, (20, 30, 25))),
    "folder": (ImageFolder, lambda folder: miniature.faces(folder, (20, 30, 25))),
}


@pytest.fixture(scope="session", params=sorted(SOURCES))
def kind(request: pytest.FixtureRequest) -> type[PictureSource]:
    """Each class of source in turn."""
    return SOURCES[request.param][0]


@pytest.fixture(scope="session")
def filled(kind: type[PictureSource], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a miniature of what that class reads; not to be changed."""
    make = next(make for cls, make in SOURCES.values() if cls is kind)
    return make(tmp_path_factory.mktemp(kind.__name__) / "pictures")


@pytest.fixture
def folder(tmp_path):
    """A small sound data set, to which something is added."""
    names = (f"{split}/{kind}/{i}.jpg" for split in ("train", "test") for kind in "ab" for i in range(8))
    return miniature.fill(tmp_path / "set", names)
