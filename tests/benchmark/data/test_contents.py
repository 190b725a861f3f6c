"""Digests are of contents, and what was read once is remembered: never wrongly, and never at the price of an error."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from benchmark.data import contents, sources
from benchmark.data.contents import digests
from benchmark.data.files import Files
from benchmark.data.folder import ImageFolder
from benchmark.errors import InputError
from tests.benchmark.data import miniature

NAMES = [f"{split}/{kind}/{i}.jpg" for split in ("train", "test") for kind in "ab" for i in range(8)]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder in which digests are remembered, however young the files are."""
    monkeypatch.setenv("WHOSENET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(contents, "SETTLED", -(10**18))
    return tmp_path / "cache"


@pytest.fixture
def read(monkeypatch):
    """The names of the files that are read for their digest, as they are."""
    names, digest = [], Files.digest
    monkeypatch.setattr(Files, "digest", lambda self, name: (names.append(name), digest(self, name))[1])
    return names


@pytest.fixture(params=["folder", "zip"])
def root(request, tmp_path):
    folder = miniature.fill(tmp_path / "set", NAMES)
    return folder if request.param == "folder" else miniature.zipped(folder)


def taken(root: Path) -> dict[str, str]:
    files = Files(str(root), "")
    return digests(files, files.pictures())


def blackened(path: Path) -> None:
    """Another picture of the same size in bytes and with the same time, in the same file."""
    facts, black = path.stat(), miniature.picture(0, width=1, height=1)
    path.write_bytes(black.ljust(facts.st_size, b"\0"))
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert path.stat().st_size == facts.st_size and path.stat().st_mtime_ns == facts.st_mtime_ns


@pytest.mark.parametrize("packed", [False, True])
def test_other_pixels_at_the_same_sizes_make_another_identity(kind, filled, tmp_path, cache, packed):
    folder = shutil.copytree(filled, tmp_path / "set")
    root = miniature.zipped(folder) if packed else folder
    before = kind(root=str(root), size=9).content()
    assert before == kind(root=str(filled), size=9).content()
    for name in Files(str(folder), "").pictures():
        blackened(folder / name)
    if packed:
        miniature.zipped(folder)
    assert kind(root=f"{root.parent}/./{root.name}", size=9).content() != before  # this process remembers by `root`


def test_one_pixel_of_one_picture_is_enough(root, cache):
    before = taken(root)
    folder = root.with_name("set")
    (folder / NAMES[5]).write_bytes(miniature.picture(77))
    if root.suffix:
        miniature.zipped(folder)
    after = taken(root)
    assert {name for name in after if after[name] != before[name]} == {NAMES[5]}
    assert after[NAMES[5]] == hashlib.sha256(miniature.picture(77)).hexdigest()


def test_what_has_not_changed_is_not_read_again(root, cache, read):
    first = taken(root)
    assert sorted(read) == sorted(NAMES)
    read.clear()
    assert taken(root) == first and not read
    assert taken(root.rename(root.with_name(f"moved{root.suffix}"))) == first
    assert len(read) in (0, len(NAMES)), "a zip file that is renamed may have another time"


def test_only_what_has_changed_is_read_again(tmp_path, cache, read):
    folder = miniature.fill(tmp_path / "set", NAMES)
    first = taken(folder)
    read.clear()
    blackened(folder / NAMES[2])  # with the old size and time
    (folder / NAMES[3]).unlink()
    shutil.copy(folder / NAMES[4], folder / "train/a/new.jpg")
    second = taken(folder)
    assert sorted(read) == sorted([NAMES[2], "train/a/new.jpg"])
    assert second[NAMES[2]] != first[NAMES[2]] and second["train/a/new.jpg"] == first[NAMES[4]]
    assert NAMES[3].encode() not in next(cache.iterdir()).read_bytes(), "what is gone is forgotten"


def test_a_file_that_was_just_changed_is_not_relied_on(root, cache, read, monkeypatch):
    """A second change may leave the same time behind."""
    monkeypatch.setattr(contents, "SETTLED", 10**18)
    assert taken(root) == taken(root)
    assert len(read) == 2 * len(NAMES) and not cache.exists()


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[content.index(b'", [') - 1 if b'", [' in content else -5] ^= 1
    path.write_bytes(content)


def another_digest(path: Path) -> None:
    """Sound json of the right shape; only the seal tells."""
    seal, _, body = path.read_bytes().partition(b"\n")
    digest = hashlib.sha256(miniature.NOISE[0]).hexdigest().encode()
    assert digest in body
    path.write_bytes(seal + b"\n" + body.replace(digest, b"0" * 64))


def sealed(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


BROKEN = {
    "empty": lambda path: path.write_bytes(b""),
    "junk": lambda path: path.write_bytes(os.urandom(4000)),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-9]),
    "a flipped bit": flipped,
    "another digest": another_digest,
    "another shape": lambda path: path.write_bytes(sealed(b'{"train/a/0.jpg": 7}')),
    "a list": lambda path: path.write_bytes(sealed(b"[]")),
    "too deep": lambda path: path.write_bytes(sealed(b"[" * 100_000)),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "a link to itself": lambda path: (path.unlink(), path.symlink_to(path.name)),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_memory_is_ignored_and_written_anew(root, cache, read, fault):
    first = taken(root)
    (path,) = cache.iterdir()
    whole = path.read_bytes()
    BROKEN[fault](path)
    read.clear()
    assert taken(root) == first and len(read) == len(NAMES)
    assert path.read_bytes() == whole and list(cache.iterdir()) == [path]
    read.clear()
    assert taken(root) == first and not read


@pytest.mark.parametrize("place", ["/dev/null/cache", "~nobody-of-that-name/cache", "taken"])
def test_without_a_place_to_remember_all_is_read_again(root, tmp_path, cache, read, monkeypatch, place):
    (tmp_path / "taken").write_text("a file, no folder")
    monkeypatch.setenv("WHOSENET_CACHE", str(tmp_path / place) if place == "taken" else place)
    assert taken(root) == taken(root) and len(read) == 2 * len(NAMES)


def test_by_default_it_is_remembered_in_the_home_folder(root, tmp_path, cache, monkeypatch):
    monkeypatch.delenv("WHOSENET_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    taken(root)
    (path,) = (tmp_path / "home/.cache/whosenet").iterdir()
    assert path.name == f"pictures-{root.stat().st_dev}-{root.stat().st_ino}.json"


def test_a_write_that_fails_leaves_what_was(root, cache, read, monkeypatch):
    first = taken(root)
    (path,) = cache.iterdir()
    whole = path.read_bytes()
    os.utime(root / NAMES[0] if root.is_dir() else root)
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    assert taken(root) == first and path.read_bytes() == whole


def test_a_damaged_picture_is_found_before_any_work_and_not_remembered(root, cache):
    folder = root.with_name("set")
    for name in (NAMES[9], NAMES[30]):
        (folder / name).write_bytes(miniature.NOISE[0][:300])
    if root.suffix:
        miniature.zipped(folder)
    first = sorted((NAMES[9], NAMES[30]))[0]
    for _ in range(2):
        with pytest.raises(InputError, match=f"{first} is no readable picture"):
            ImageFolder(root=str(root)).content()
    assert not cache.exists()


def test_digests_do_not_depend_on_how_many_read(root, cache, monkeypatch):
    first = taken(root)
    for threads, part in ((1, 1), (3, 5), (16, 1)):
        shutil.rmtree(cache)
        monkeypatch.setattr(contents, "THREADS", threads)
        monkeypatch.setattr(contents, "PART", part)
        assert list(taken(root).items()) == list(first.items())


def by_names_and_sizes(source: ImageFolder) -> str:
    """What a digest once was."""
    files, total = Files(source.root, ""), hashlib.sha256()
    for split, part in enumerate(source.listing(files)):
        for name, target in part:
            total.update(f"{split} {name} {files.sizes[name]} {target!r}\n".encode())
    return total.hexdigest()


def test_digests_under_which_results_are_stored_stand_for_the_contents_of_those_results(root, cache, monkeypatch):
    source = ImageFolder(root=str(root), train=0.5)
    lines = "".join(f"{hashlib.sha256(Files(str(root), '').read(n)).hexdigest()} {n}\n" for n in sorted(NAMES))
    assert source.content() != by_names_and_sizes(source)
    monkeypatch.setattr(sources, "FIRST", {hashlib.sha256(lines.encode()).hexdigest(): "these"})
    source = ImageFolder(root=f"{root.parent}/./../{root.parent.name}/{root.name}", train=0.5)
    again = ImageFolder(root=str(root), train=0.5, valid=0.2)
    assert again.content() == by_names_and_sizes(again), "whatever the shares"
    folder = root.with_name("set")
    blackened(folder / NAMES[0])
    if root.suffix:
        miniature.zipped(folder)
    changed = ImageFolder(root=str(root), train=0.5, valid=0.3)
    assert changed.content() != by_names_and_sizes(changed), "of other contents the digest is another"


def test_the_sets_of_the_committed_results_keep_their_digests():
    assert sorted(sources.FIRST.values()) == [
        "cifar10_jpeg_12000",
        "facescrub12_112",
        "gtsrb_32_7992",
        "ham10000_200x150",
        "mnist_png_25000",
        "utkface1002_200",
    ]
    assert all(len(bytes.fromhex(told)) == 32 for told in sources.FIRST)
