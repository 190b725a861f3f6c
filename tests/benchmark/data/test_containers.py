"""Folders and zip files from anywhere: one line with the name and the remedy, in little memory, before any work."""

from __future__ import annotations

import os
import random
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.data import files
from benchmark.data.files import BYTES, Files
from benchmark.data.folder import ImageFolder
from benchmark.errors import InputError
from tests.benchmark.data import miniature
from tests.benchmark.data.refusals import BAD, refusal, refusals


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_of_too_many_bytes_is_not_read(folder, packed):
    root = folder.with_name("large.zip") if packed else folder
    if packed:
        info = zipfile.ZipInfo(BAD)
        info.compress_type = zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(root, "w") as archive:
            for path in sorted(folder.rglob("*.jpg")):
                archive.write(path, path.relative_to(folder).as_posix())
            with archive.open(info, "w", force_zip64=True) as entry:
                for _ in range(BYTES // 2**20):
                    entry.write(bytes(2**20))
                entry.write(b"0")
    else:
        (folder / BAD).touch()
        os.truncate(folder / BAD, BYTES + 1)
    line, peak = measured(lambda: refusals(root))
    assert line == {f"{root}: {BAD} is {BYTES + 1:,} bytes large, more than {BYTES:,}; remove it"}
    assert peak < 2**23


def measured(work: Callable[[], object]) -> tuple[object, int]:
    """What the work gives, and the most bytes that Python held for it."""
    tracemalloc.start()
    try:
        return work(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def altered(folder: Path, *changes: tuple[int, int, bytes], content: bytes = miniature.NOISE[0]) -> Path:
    """A zip file of the folder whose last entry, BAD, has other bytes in its two headers.

    Args:
        changes: the place in the central header, the place in the local one, the bytes.
        content: of the entry.
    """
    root = miniature.zipped(folder)
    with zipfile.ZipFile(root, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(BAD, content)
    raw = bytearray(root.read_bytes())
    central, local = raw.rindex(b"PK\1\2"), raw.rindex(b"PK\3\4")
    for in_central, in_local, new in changes:
        raw[central + in_central : central + in_central + len(new)] = new
        raw[local + in_local : local + in_local + len(new)] = new
    root.write_bytes(raw)
    return root


def test_an_entry_that_is_larger_than_it_says_is_not_unpacked(folder):
    root = altered(folder, (24, 22, struct.pack("<I", 1000)), content=bytes(2**26))
    line, peak = measured(lambda: refusals(root))
    assert line == {f"{root}: {BAD} cannot be read (Bad CRC-32 for file '{BAD}'); replace or remove it"}
    assert peak < 2**23


def test_an_entry_that_is_smaller_than_it_says(folder):
    root = altered(folder, (24, 22, struct.pack("<I", 10**6)))
    assert f"{BAD} cannot be read (" in refusal(root) or f"{BAD} has not the 1,000,000 bytes" in refusal(root)


@pytest.mark.parametrize(
    ("changes", "clause"),
    [
        ([(8, 6, b"\1")], "is encrypted; pack the zip file without a password"),
        ([(8, 6, b"\x41")], "is encrypted; pack the zip file without a password"),
        ([(10, 8, b"\x09")], "is compressed by another method than deflate; pack the zip file with that"),
        ([(10, 8, b"\x63")], "is compressed by another method than deflate; pack the zip file with that"),
    ],
)
def test_an_entry_that_is_encrypted_or_packed_otherwise(folder, changes, clause):
    root = altered(folder, *changes)
    assert refusal(root) == f"{root}: {BAD} {clause}"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_entry_of_which_zipfile_would_unpack_all_at_once(folder, method):
    root = miniature.zipped(folder)
    with zipfile.ZipFile(root, "a", method) as archive:
        archive.writestr(BAD, miniature.NOISE[0])
    assert "is compressed by another method than deflate" in refusal(root)


def test_a_name_in_a_zip_that_is_no_utf8(folder):
    (folder / "train/a/zü.png").write_bytes(miniature.NOISE[0])
    root = miniature.zipped(folder)
    root.write_bytes(root.read_bytes().replace("zü".encode(), b"z\xff\xfe"))
    assert refusal(root) == f"{root}: holds a name that is no UTF-8; pack it again"


@pytest.mark.parametrize("name", [b"\xff\xfe.png", b"a\nb.png", b"\x1b[31m.png", b"\xc2\x9b1m.jpg"])
def test_a_name_that_cannot_be_written(folder, name):
    (folder / "train/a" / os.fsdecode(name)).write_bytes(miniature.NOISE[0])
    assert "is no name in UTF-8 without control characters; rename that file" in refusal(folder)


def test_names_of_other_files_do_not_matter_nor_do_other_scripts(folder):
    before = ImageFolder(root=str(folder)).sizes()
    (folder / os.fsdecode(b"train/a/\xff\xfe.txt")).write_bytes(b"no picture")
    (folder / "train/a/皮膚 é.jpg").write_bytes(miniature.NOISE[0])
    assert sum(ImageFolder(root=f"{folder}/").sizes().values()) == sum(before.values()) + 1
    assert len(ImageFolder(root=f"{folder}/").load().test) == before["test"]


def test_pipes_devices_and_loops_are_no_pictures(folder):
    before = ImageFolder(root=str(folder)).content()
    os.mkfifo(folder / "train/a/pipe.png")
    (folder / "train/a/zero.png").symlink_to("/dev/zero")
    (folder / "train/a/loop.png").symlink_to("loop.png")
    (folder / "train/a/gone.png").symlink_to("nowhere.png")
    (folder / "train/a/up").symlink_to(folder)
    (folder / "train/a/folder.png").mkdir()
    assert ImageFolder(root=f"{folder}/").content() == before


def test_a_folder_that_may_not_be_read(folder, monkeypatch):
    scan = os.scandir

    def closed(place):
        if str(place).endswith("train/b"):
            raise PermissionError(13, "Permission denied", str(place))
        return scan(place)

    monkeypatch.setattr(os, "scandir", closed)
    assert refusal(folder) == f"{folder}/train/b: cannot be read (Permission denied); give read permission there"


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_that_fails_while_it_is_read(folder, monkeypatch, packed):
    root = miniature.zipped(folder) if packed else folder
    container = files.Zip if packed else files.Folder
    monkeypatch.setattr(container, "read", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error")))
    assert "test/a/0.jpg cannot be read ([Errno 5] Input/output error); replace or remove it" in next(
        iter(said for said in refusals(root) if "test/a" in said)
    )


def test_a_file_that_grows_while_it_is_read(folder):
    found = Files(str(folder), "")
    with (folder / "train/a/0.jpg").open("ab") as file:
        file.write(bytes(2**20))
    with pytest.raises(InputError, match=r"train/a/0\.jpg has not the [\d,]+ bytes that it had; is it being written\?"):
        found.picture("train/a/0.jpg", 8)


@pytest.mark.parametrize("cut", [1, 30, 200, 2000])
def test_a_zip_that_is_cut_off(folder, cut):
    root = miniature.zipped(folder)
    root.write_bytes(root.read_bytes()[:-cut])
    assert refusal(root).startswith(f"{root}: neither a folder nor a whole zip file (File is not a zip file). Put your")


def test_zips_with_flipped_bits_are_the_same_data_or_refused(folder):
    root, chance = miniature.zipped(folder), random.Random(0)
    whole, expected = root.read_bytes(), ImageFolder(root=str(root), size=8).content()
    start = whole.index(b"PK\1\2")
    for number in range(150):
        content = bytearray(whole)
        content[chance.randrange(start, len(whole))] ^= 1 << chance.randrange(8)
        root.write_bytes(content)
        try:
            ImageFolder(root=str(root), size=8, train=0.5 + number / 1000).content()
        except InputError as error:
            assert "\n" not in str(error)
    root.write_bytes(whole)
    assert ImageFolder(root=f"{root.parent}/./{root.name}", size=8).content() == expected


@pytest.mark.parametrize("root", ["", "pipe", "/dev/zero", "x" * 300, "a\0b", "~nobody-of-that-name/x", "/dev/null/x"])
def test_roots_at_which_nothing_can_be(tmp_path, root):
    if root == "pipe":
        root = str(tmp_path / "pipe")
        os.mkfifo(root)
    with pytest.raises(InputError, match=r": no such folder or zip file\. Put your pictures"):
        ImageFolder(root=root).sizes()
