"""Stores with what the store never wrote in them: pipes, devices, links, modules to import, forged manifests.

All of it is moved aside by name or ends in one clear line, soon, and nothing outside of the artefact's folder is read.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmark.errors import StoreError
from benchmark.store.artefacts import Store
from tests.faults.artefacts import expected, make, within
from tests.faults.damaged import HURT, KEPT, believes, hurt
from tests.faults.tally import Tally, audit, stamps

SOON = 30.0  # seconds; a read that has no end takes longer
Act = Callable[[Path], object]
NO_FILE, UNLISTED, FORGED = "is no plain file", "is not in its manifest.json", "manifest.json is no manifest"
UNPRIVILEGED = "without device nodes: no right to make them"


def node(path: Path) -> None:
    """The device of endless zeros."""
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))


def bound(path: Path) -> None:
    """The name of a socket, made from within its folder: such names are short."""
    here = os.open(".", os.O_RDONLY)
    os.chdir(path.parent)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)
    os.fchdir(here)
    os.close(here)


def sparse(path: Path) -> None:
    """A file of a tebibyte of nothing."""
    path.touch()
    os.truncate(path, 2**40)


def loop(path: Path) -> None:
    """A link to itself."""
    os.symlink(path.name, path)


THINGS: dict[str, Act] = {
    "pipe": os.mkfifo,
    "device": node,
    "socket": bound,
    "link to zeros": lambda path: os.symlink("/dev/zero", path),
    "link to itself": loop,
    "link to nowhere": lambda path: os.symlink("nowhere/at/all", path),
    "link to a file": lambda path: os.symlink(__file__, path),
}


def instead(name: str, put: Act) -> Act:
    """Puts something in the place of a part of the artefact, or of its folder where the name is empty."""

    def act(folder: Path) -> None:
        place = folder / name if name else folder
        shutil.rmtree(place) if place.is_dir() else place.unlink()
        put(place)

    return act


def forged(change: Callable[[dict[str, Any]], object]) -> Act:
    """A manifest that was changed and sealed again."""

    def act(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        del manifest["seal"]
        change(manifest)
        sealed(json.dumps(manifest, indent=2)[2:].encode())(folder)

    return act


def sealed(rest: bytes) -> Act:
    """A manifest of this text, sealed as it should be."""
    first = b'{"seal": "%s",\n' % hashlib.sha256(rest).hexdigest().encode()
    return lambda folder: (folder / "manifest.json").write_bytes(first + rest)


def renamed(name: str) -> Act:
    """A manifest that lists another name in the place of the file's, and has that file outside of the folder too."""

    def act(folder: Path) -> None:
        shutil.copy(folder / "first.bin", folder.parent / "outside.bin")
        (folder / "first.bin").unlink()
        forged(lambda manifest: manifest["files"].update({name: manifest["files"].pop("first.bin")}))(folder)
        (folder.parent / "outside.bin").rename(folder.parents[1] / "outside.bin")

    return act


def described(**facts: Any) -> Act:
    """A manifest that says something else of a file."""
    return forged(lambda manifest: manifest["files"]["first.bin"].update(facts))


def listed(name: str, put: Act) -> Act:
    """Puts something into the folder that its manifest lists."""

    def act(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        put(folder / name)
        found = (folder / name).lstat()
        facts = {"sha256": hashlib.sha256().hexdigest(), "bytes": found.st_size, "mtime_ns": found.st_mtime_ns}
        forged(lambda manifest: manifest["files"].update({name: facts}))(folder)

    return act


def beside(name: str, put: Act) -> Act:
    """Puts something beside the artefact's files."""

    def act(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        put(folder / name)

    return act


def code(path: Path) -> None:
    """A module that leaves a mark when it is imported."""
    path.write_text(f"open({str(path.with_suffix('.ran'))!r}, 'w').close()\n")


def nested(path: Path) -> None:
    """Folders in folders in folders."""
    here = os.open(path.parent, os.O_RDONLY)
    for _ in range(400):
        os.mkdir("f", dir_fd=here)
        below = os.open("f", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


FILES: dict[str, tuple[Act, str]] = {
    **{f"manifest is a {name}": (instead("manifest.json", put), NO_FILE) for name, put in THINGS.items()},
    **{f"file is a {name}": (instead("first.bin", put), f"first.bin {NO_FILE}") for name, put in THINGS.items()},
    **{f"subfolder is a {name}": (instead("extra", put), f"extra {UNLISTED}") for name, put in THINGS.items()},
    **{f"folder is a {name}": (instead("", put), "manifest.json is ") for name, put in THINGS.items()},
    "manifest without end": (instead("manifest.json", sparse), "manifest.json is not as it was written"),
    "file without end": (instead("first.bin", sparse), "first.bin has 1099511627776 bytes"),
    "module beside": (beside("evil.py", code), f"evil.py {UNLISTED}"),
    "module below": (beside("extra/evil.py", code), f"extra/evil.py {UNLISTED}"),
    "bytecode beside": (beside("__pycache__/evil.pyc", code), f"__pycache__/evil.pyc {UNLISTED}"),
    "hidden file beside": (beside(".hidden", code), f".hidden {UNLISTED}"),
    "pipe beside": (beside("pipe", os.mkfifo), f"pipe {UNLISTED}"),
    "name of many lines": (beside("a\nb\x1b[2J", Path.touch), f"'a\\nb\\x1b[2J' {UNLISTED}"),
    "name that is no text": (lambda folder: open(os.fsencode(folder) + b"/\xff", "w").close(), UNLISTED),
    "folders without end": (beside("f", nested), UNLISTED),
}
MANIFESTS: dict[str, tuple[Act, str]] = {
    **{
        f"without {name}": (forged(lambda manifest, name=name: manifest.pop(name)), FORGED)  # type: ignore[misc]
        for name in ("key", "format", "spec", "parents", "files", "seconds")
    },
    **{
        f"{name} is {value!r}": (forged(lambda manifest, name=name, value=value: manifest.update({name: value})), fault)  # type: ignore[misc]
        for name, fault in (("files", FORGED), ("spec", "manifest.json "), ("seconds", FORGED))
        for value in (None, [1], "text", float("nan"), {"first.bin": None})
    },
    "seconds below zero": (forged(lambda manifest: manifest.update(seconds=-1.0)), FORGED),
    "seconds without end": (forged(lambda manifest: manifest.update(seconds=10**400)), FORGED),
    "spec of another": (forged(lambda manifest: manifest.update(spec={"number": 2})), "tells of another artefact"),
    "parents of another": (forged(lambda manifest: manifest.update(parents={"victim": KEPT})), "names other parents"),
    "key of another": (forged(lambda manifest: manifest.update(key="a\nb" * 99)), "is of artefact 'a\\nb"),
    "format to come": (forged(lambda manifest: manifest.update(format=3)), "in format 3"),
    "key in capitals": (forged(lambda manifest: manifest.update(key=HURT.upper())), f"is of artefact {HURT.upper()}"),
    "bytes as text": (described(bytes="6000"), FORGED),
    "bytes as a fraction": (described(bytes=6000.0), FORGED),
    "bytes below zero": (described(bytes=-1), FORGED),
    "bytes without end": (described(bytes=10**400), FORGED),
    "file without end, listed": (listed("first.bin", sparse), FORGED),
    "link to itself, listed": (listed("loop", loop), f"loop {NO_FILE}"),
    "name of many lines, listed": (listed("a\nb\x1b[2J", os.mkfifo), f"'a\\nb\\x1b[2J' {NO_FILE}"),
    "checksum missing": (described(sha256=None), FORGED),
    "time missing": (described(mtime_ns=None), FORGED),
    "nested without end": (sealed(b'"spec": ' + b"[" * 200_000), FORGED),
    "number without end": (sealed(b'"spec": ' + b"9" * 5000 + b"}"), FORGED),
    "list": (sealed(b"[]"), FORGED),
    **{
        f"file {name[:12]!r}": (renamed(name), "is missing")
        for name in ("../../outside.bin", "extra/../first.bin", "a\0b", "a" * 300, "a/" * 3000, ".", "", "\ud800")
    },
    "file by its whole path": (
        lambda folder: renamed(str(folder.parents[1] / "outside.bin"))(folder),
        "is missing",
    ),
    "no file listed": (forged(lambda manifest: manifest["files"].clear()), UNLISTED),
}


def files(folder: Path, full: bool) -> Tally:
    """What is no plain file, or none of the artefact's, in every place of an artefact."""
    return _each(folder, FILES, 1 if full else 4)


def manifests(folder: Path, full: bool) -> Tally:
    """Manifests that were forged and sealed again."""
    return _each(folder, MANIFESTS, 1 if full else 4)


def _each(folder: Path, kinds: dict[str, tuple[Act, str]], every: int) -> Tally:
    tally = Tally()
    for number, (act, fault) in enumerate(list(kinds.values())[::every]):
        tally += _soon(lambda number=number, act=act, fault=fault: hurt(folder / str(number), act, fault))  # type: ignore[misc]
    return tally + Tally(wrong=len(list(folder.rglob("*.ran"))))


def _soon(work: Callable[[], Tally]) -> Tally:
    """One kind, in a child that is given some time; what it leaves has to be clean."""

    def clean() -> None:
        try:
            tally = work()
        except PermissionError:  # to make a device is not for everybody
            os._exit(77)
        assert tally.clean, tally

    code = within(SOON, clean)
    return Tally(note=UNPRIVILEGED) if code == 77 else Tally(1, wrong=int(code != 0))


def after(folder: Path, full: bool) -> Tally:
    """The same in the place of a file once the store has looked at it: it is noticed when it is read."""
    tally = Tally()
    things = {**THINGS, "file without end": sparse, "other file": lambda path: path.write_bytes(b"\1" * 6000)}
    for number, put in enumerate(list(things.values())[:: 1 if full else 3]):
        root, act = folder / str(number), instead("first.bin", put)
        tally += _soon(functools.partial(_after, root, act))
    return tally


def _after(root: Path, act: Act) -> Tally:
    make(Store(root), KEPT)
    store, before = Store(root), stamps(root)
    act(make(store, HURT).folder)
    wrong = int(believes(store)) + int(os.listdir(root / "damaged") != [f"{HURT}-1"])
    make(store, HURT)
    return Tally(1, wrong=wrong) + audit(root, expected([KEPT, HURT]), before, must=[HURT])


PLACES = ("", HURT[:2], "locks", f"locks/{HURT}.lock", "locks/store.lock", "damaged", f"damaged/{HURT}-1", "store.json")


def ways(folder: Path, full: bool) -> Tally:
    """Something in the place of each of the store's own files and folders: one line that names it, or no harm."""
    things = {**THINGS, "plain file": Path.touch, "folder": Path.mkdir}
    kinds = [(place, put) for place in PLACES for put in things.values()][:: 1 if full else 5]
    tally = Tally()
    for number, (place, put) in enumerate(kinds):
        tally += _soon(functools.partial(_in_the_way, folder / str(number) / "store", place, put))
    return tally


def _in_the_way(root: Path, place: str, put: Act) -> Tally:
    """A damaged artefact is to be moved aside and made again: it is all the same, or once the thing is taken away."""
    make(Store(root), KEPT)
    (make(Store(root), HURT).folder / "first.bin").write_bytes(b"damaged")
    spot, kept = root / place, root.parent / "kept"
    spot.parent.mkdir(exist_ok=True)
    if spot.exists():
        spot.rename(kept)
    put(spot)
    try:
        make(Store(root), HURT)
    except StoreError as error:
        told = "\n" not in str(error) and str(root) in str(error) and "`store=`" in str(error)
        shutil.rmtree(spot) if spot.is_dir() and not spot.is_symlink() else spot.unlink()
        if kept.exists():
            kept.rename(spot)
        make(Store(root), HURT)
        return Tally(1, wrong=int(not told)) + audit(root, expected([KEPT, HURT]), {}, must=[KEPT, HURT])
    return Tally(1) + audit(root, expected([KEPT, HURT]), {}, must=[HURT])
