"""The files of a data set, in a folder or in a zip file: their names, their contents, and how large they may be."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
from PIL import Image

from benchmark.data.containers import Container, Folder, Stamp, Zip
from benchmark.data.pictures import in_turn, rgb, to_square
from benchmark.errors import InputError
from benchmark.paths import located

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
BYTES = 2**28  # of one file, unpacked: PIXELS of RGB, uncompressed, and room for what goes with them
_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # control characters; bytes that are no UTF-8


class Files:
    """A folder or a zip file, its entries by their path with slashes.

    `~` in `root` is the home folder, and `.zip` may be left out.

    Raises:
        InputError: there is neither at `root`, or it cannot be read; `remedy` says what to fetch, from whom, and where
            to put it.
    """

    def __init__(self, root: str, remedy: str) -> None:
        self.root, self.remedy = _place(root, remedy), remedy
        self._container = self._opened()
        self.sizes = self._container.sizes

    def _opened(self) -> Container:
        try:
            return Folder(self.root) if self.root.is_dir() else Zip(self.root)
        except OSError as error:
            place = error.filename or self.root
            raise InputError(f"{place}: cannot be read ({error.strerror}); give read permission there") from None
        except UnicodeDecodeError:
            raise InputError(f"{self.root}: holds a name that is no UTF-8; pack it again") from None
        except Exception as error:  # zipfile's own, struct's, and what else a damaged directory leads to
            reason = str(error) or type(error).__name__
            raise InputError(f"{self.root}: neither a folder nor a whole zip file ({reason}). {self.remedy}") from None

    def pictures(self) -> list[str]:
        """The names of all picture files, in order; not what a Mac adds (`__MACOSX/`, `._name.jpg`).

        Raises:
            InputError: a name cannot be written.
        """
        found = (name for name in self.sizes if name.lower().endswith(SUFFIXES))
        names = [name for name in found if not name.startswith("__MACOSX/") and not base_name(name).startswith(".")]
        for name in names:
            if _UNWRITABLE.search(name):
                raise InputError(
                    f"{self.root}: {name!a} is no name in UTF-8 without control characters; rename that file"
                )
        return names

    def find(self, name: str) -> str:
        """The entry whose last part is `name`.

        Raises:
            InputError: there is none.
        """
        for entry in self.sizes:
            if base_name(entry) == name:
                return entry
        raise InputError(f"{self.root}: holds no {name}. {self.remedy}")

    def stamp(self, name: str) -> Stamp:
        """What tells on the disk whether a file was changed; of a zip file's entries, the zip file's."""
        return self._container.stamp(name)

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            InputError: it is larger than BYTES, damaged, encrypted or closed.
        """
        size = self.sizes[name]
        if size > BYTES:
            raise InputError(f"{self.root}: {name} is {size:,} bytes large, more than {BYTES:,}; remove it")
        try:
            content = self._container.read(name)
        except InputError as clause:
            raise InputError(f"{self.root}: {name} {clause}") from None
        except Exception as error:  # zipfile's own, zlib's, struct's, os's
            reason = str(error) or type(error).__name__
            raise InputError(f"{self.root}: {name} cannot be read ({reason}); replace or remove it") from None
        if len(content) != size:
            raise InputError(f"{self.root}: {name} has not the {size:,} bytes that it had; is it being written?")
        return content

    def picture(self, name: str, size: int) -> np.ndarray:
        """A picture as (3, size, size) uint8 RGB, both sides brought to `size` (bicubic), whatever its proportions.

        Raises:
            InputError: the file is no picture, is damaged, or beyond a limit.
        """
        return to_square(self._decoded(name, self.read(name)), size)

    def digest(self, name: str) -> str:
        """SHA-256 of a picture's content. It is decoded for once, so that a damaged one is found before any work.

        Raises:
            InputError: as `picture`.
        """
        with in_turn(self.sizes[name]):
            content = self.read(name)
            self._decoded(name, content)
            return hashlib.sha256(content).hexdigest()

    def _decoded(self, name: str, content: bytes) -> Image.Image:
        try:
            return rgb(content)
        except InputError as clause:
            raise InputError(f"{self.root}: {name} {clause}") from None


def _place(root: str, remedy: str) -> Path:
    """The folder or zip file that `root` means.

    Raises:
        InputError: there is neither.
    """
    try:
        path = located(root)
        for place in (path, path.with_name(f"{path.name}.zip")) if root else ():
            if place.is_dir() or place.is_file():
                return place
    except (OSError, RuntimeError, ValueError):
        pass  # too long, of an unknown user, with a NUL: nothing can be there
    raise InputError(f"{root or 'root'}: no such folder or zip file. {remedy}")


def base_name(name: str) -> str:
    """The last part of an entry's path."""
    return name.rsplit("/", 1)[-1]


def folder_name(name: str) -> str:
    """The last part but one of an entry's path, empty at the top."""
    return name.split("/")[-2] if "/" in name else ""
