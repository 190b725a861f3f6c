"""A folder and a zip file as they are read: files by their path with slashes, their sizes, marks and contents."""

from __future__ import annotations

import errno
import os
import stat
import zipfile
from abc import ABC, abstractmethod
from pathlib import Path

from benchmark.errors import InputError

Stamp = tuple[int, int, int, int, int]  # device, inode, bytes, and when contents and entry changed (ns since 1970)

_ENCRYPTED = 1  # of an entry's flags
_LEADS_NOWHERE = (errno.ENOENT, errno.ELOOP)  # a link of which nothing comes


class Container(ABC):
    """What holds the files of a data set.

    Attributes:
        sizes: bytes of every regular file by name, in order of names.
    """

    sizes: dict[str, int]

    @abstractmethod
    def stamp(self, name: str) -> Stamp:
        """What was seen of the file on the disk at first; with other contents it is another, short of a forgery."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """The content of a file, at most a byte more than `sizes` says, whatever has become of it.

        Raises:
            InputError: it is not to be read as it is; the message is a clause that ends with the remedy.
            Exception: as os and zipfile have it, where the file is damaged or closed.
        """


class Folder(Container):
    """A folder with its subfolders; links to files are followed, links to folders are not.

    Raises:
        OSError: a subfolder cannot be read.
    """

    def __init__(self, root: Path) -> None:
        self._root, found = root, {}
        for place, _, names in os.walk(root, onerror=_refuse):
            within = "" if place == str(root) else f"{Path(place).relative_to(root).as_posix()}/"
            for name in names:
                facts = _facts(os.path.join(place, name))
                if facts and stat.S_ISREG(facts.st_mode):
                    found[within + name] = facts
        self._facts = dict(sorted(found.items()))
        self.sizes = {name: facts.st_size for name, facts in self._facts.items()}

    def stamp(self, name: str) -> Stamp:
        return _stamp(self._facts[name])

    def read(self, name: str) -> bytes:
        with (self._root / name).open("rb", buffering=0) as file:
            return file.read(self.sizes[name] + 1)


class Zip(Container):
    """A zip file. Entries are stored or deflated: then what is unpacked stays within the size that an entry states.

    Raises:
        Exception: as os and zipfile have it, where it is none, cut off or closed.
    """

    def __init__(self, path: Path) -> None:
        self._stamp = _stamp(path.stat())
        self._zip = zipfile.ZipFile(path)
        entries = {entry.filename: entry for entry in self._zip.infolist() if not entry.is_dir()}
        self._entries = dict(sorted(entries.items()))
        self.sizes = {name: entry.file_size for name, entry in self._entries.items()}

    def stamp(self, name: str) -> Stamp:
        return self._stamp

    def read(self, name: str) -> bytes:
        entry = self._entries[name]
        if entry.flag_bits & _ENCRYPTED:
            raise InputError("is encrypted; pack the zip file without a password")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InputError("is compressed by another method than deflate; pack the zip file with that")
        with self._zip.open(entry) as file:
            return file.read(entry.file_size + 1)  # without a number it would unpack whatever there is


def _refuse(error: OSError) -> None:
    raise error


def _facts(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError as error:
        if error.errno in _LEADS_NOWHERE:
            return None
        raise


def _stamp(facts: os.stat_result) -> Stamp:
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns
