"""Artefacts whose files were damaged after they were complete: found, moved aside with a warning and made again."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmark.collect import findings
from benchmark.errors import Damaged, InputError
from benchmark.report import reading
from benchmark.report.findings import Findings
from benchmark.store import artefacts
from benchmark.store.artefacts import Store
from tests import stores
from tests.faults import experiment
from tests.faults.artefacts import expected, key, make, said_by
from tests.faults.tally import Tally, audit, drafts_in, stamps

KEPT, HURT = key(0), key(1)
READ = ("measured.safetensors", "cost.json", "prints.safetensors", "notes.json", "quality.json", "visibility.json")
BROKEN = "manifest.json is not as it was written"


def truncate(folder: Path) -> None:
    os.truncate(folder / "first.bin", 5900)


def extend(folder: Path) -> None:
    with (folder / "first.bin").open("ab") as file:
        file.write(b"more")


def flip_a_bit(folder: Path, name: str = "first.bin", at: int = 5000) -> None:
    content = bytearray((folder / name).read_bytes())
    content[at] ^= 1
    (folder / name).write_bytes(content)


def flip_unseen(folder: Path) -> None:
    """A bit that no size or time tells of, as when a disk forgets."""
    keeping_time(folder / "extra" / "second.txt", lambda: flip_a_bit(folder, "extra/second.txt", 7))


def keeping_time(path: Path, act: Callable[[], object]) -> None:
    """Does something to a file whose time of change stays what it was."""
    kept = path.stat()
    act()
    os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))


def edit_manifest(old: str, new: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        text = (folder / "manifest.json").read_text()
        assert text.count(old) == 1
        (folder / "manifest.json").write_text(text.replace(old, new))

    return edit


def manifest_of(content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / "manifest.json").write_bytes(content)


def file_to_folder(folder: Path) -> None:
    (folder / "extra" / "second.txt").unlink()
    (folder / "extra" / "second.txt").mkdir()


def whole_to_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("not a folder")


def empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def swap(folder: Path) -> None:
    other = folder.parents[1] / KEPT[:2] / KEPT
    shutil.rmtree(folder)
    shutil.copytree(other, folder)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (truncate, "first.bin has 5900 bytes instead of 6000"),
    "extended": (extend, "first.bin has 6004 bytes instead of 6000"),
    "bit flipped": (flip_a_bit, "first.bin has another checksum"),
    "bit flipped unseen": (flip_unseen, "extra/second.txt has another checksum"),
    "file missing": (lambda folder: (folder / "first.bin").unlink(), "first.bin is missing"),
    "file is a folder": (file_to_folder, "extra/second.txt"),
    "emptied": (empty, "manifest.json is missing"),
    "no folder": (whole_to_file, "manifest.json is missing"),
    "manifest missing": (lambda folder: (folder / "manifest.json").unlink(), "manifest.json is missing"),
    "manifest edited": (edit_manifest('"number": ', '"number": 9'), BROKEN),
    "manifest unsealed": (edit_manifest('"seal"', '"sea1"'), BROKEN),
    "manifest NaN": (edit_manifest('"format": 2', '"format": NaN'), BROKEN),
    "manifest half": (
        lambda folder: os.truncate(folder / "manifest.json", 99),
        BROKEN,
    ),
    "manifest empty": (manifest_of(b""), BROKEN),
    "manifest binary": (manifest_of(b"\x00\xff\xfe"), BROKEN),
    "manifest list": (manifest_of(b"[]"), BROKEN),
    "manifest bomb": (manifest_of(b"[" * 200_000), BROKEN),
    "manifest of another": (swap, f"manifest.json is of artefact {KEPT}"),
}


def store(folder: Path, full: bool) -> Tally:
    """Every kind of damage; the warning names it, the damaged folder is kept, the artefact beside it is left alone."""
    tally = Tally()
    for name in DAMAGES:
        tally += hurt(folder / name.replace(" ", "-"), *DAMAGES[name])
    return tally


def hurt(root: Path, act: Callable[[Path], object], fault: str) -> Tally:
    """One kind of damage, that the warning has to name."""
    make(Store(root), KEPT)
    before = stamps(root)
    act(make(Store(root), HURT).folder)
    with said_by(artefacts) as heard:
        believed = believes(Store(root))
    told = len(heard) == 1 and fault in heard[0] and HURT in heard[0] and "\n" not in heard[0]
    aside = [path.name for path in (root / "damaged").glob("*")] == [f"{HURT}-1"]
    make(Store(root), HURT)
    tally = Tally(1, wrong=int(believed) + int(not told) + int(not aside) + len(drafts_in(root)))
    return tally + audit(root, expected([KEPT, HURT]), before, must=[HURT])


def believes(store: Store) -> bool:
    """Whether the damaged artefact is found and all that is in it handed out."""
    found = store.find(HURT)
    try:
        return found is not None and all(found.content(name) for name in found.files)
    except Damaged as damage:
        return store.recheck(damage.key) is not None


def run(folder: Path, full: bool) -> Tally:
    """A byte of one artefact after the other of an experiment; a rerun makes that one again and nothing else."""
    experiment.do(folder)
    root, sums, tally = folder / "store", experiment.expected(), Tally()
    for each, files in list(sums.items())[: None if full else 3]:
        before = {other: stamp for other, stamp in stamps(root).items() if other != each}
        file = root / each[:2] / each / next(iter(files))
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
        experiment.do(folder)
        tally += Tally(1) + audit(root, sums, before, must=[each])
    return tally + Tally(wrong=len(drafts_in(root)))


def reported(folder: Path, full: bool) -> Tally:
    """Each file that the report reads, after the run's last look at it: made again, or one line if nothing may be."""
    experiment.command(folder / "whole")
    scores, store = _scores(folder / "whole"), folder / "whole" / "store"
    files = [path.relative_to(store) for name in READ for path in sorted(store.glob(f"??/*/{name}"))]
    tally = Tally()
    for file, compute in itertools.product(files if full else files[:2], (True, False)):
        place = folder / "place"
        shutil.copytree(store, place / "store")
        code = _damaged_before_the_report(place, place / "store" / file, compute)
        right = code == 0 and _scores(place) == scores if compute else code == 2 and not (place / "results").exists()
        tally += Tally(1, wrong=int(not right) + len(drafts_in(place / "store")))
        shutil.rmtree(place)
    return tally


def _damaged_before_the_report(place: Path, file: Path, compute: bool) -> int:
    """The command's exit code, and 1 for an error that is not the one line."""
    true, hits = findings.collect, iter([lambda: flip_a_bit(file.parent, file.name, -1)])

    def collect(*arguments: Any) -> Findings:
        for hit in hits:
            keeping_time(file, hit)
        return true(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(findings, "collect", collect)
        try:
            return stores.command(experiment.config(place) | {"compute": compute})
        except InputError as error:
            return 2 if f"{file.name} has another checksum" in str(error) and "\n" not in str(error) else 1


def _scores(folder: Path) -> list[list[object]]:
    """What the report in this folder says of every suspect."""
    found = reading.read(folder / "results" / "faults").scores
    return found[["suspect", "verifier", "channel", "n", "score", "statistic", "quality"]].astype(str).values.tolist()
