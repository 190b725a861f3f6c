"""Miniatures of every data set, in its exact format, made of noise."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image


def picture(seed: int, width: int = 12, height: int = 10, mode: str = "RGB", kind: str = "JPEG") -> bytes:
    """An encoded picture of noise."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).convert(mode).save(buffer, kind)
    return buffer.getvalue()


NOISE = [picture(seed) for seed in range(16)]


def fill(folder: Path, names: Iterable[str]) -> Path:
    """A folder with a picture at each of these paths."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(NOISE[number % len(NOISE)])
    return folder


def zipped(folder: Path) -> Path:
    """The folder's files as a zip beside it, written in another order than the folder's."""
    path = folder.with_name(f"{folder.name}_packed.zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted((file for file in folder.rglob("*") if file.is_file()), reverse=True):
            archive.write(file, file.relative_to(folder).as_posix())
    return path


def ham10000(folder: Path, lesions: int = 12, classes: Sequence[str] = ()) -> Path:
    """`lesions` lesions of each class, every third of which was photographed three times."""
    classes = classes or ("nv", "mel", "bkl", "bcc", "akiec", "vasc", "df")
    rows = []
    for kind in classes:
        for lesion in range(lesions):
            for _ in range(3 if lesion % 3 == 0 else 1):
                rows.append((f"HAM_{kind}{lesion:04d}", f"ISIC_{len(rows):07d}", kind, "histo", "50.0", "male", "back"))
    fill(folder, (f"images/{row[1]}.jpg" for row in rows))
    with (folder / "HAM10000_metadata.csv").open("w", newline="") as file:
        columns = ("lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization")
        csv.writer(file).writerows([columns, *rows])
    return folder


def fgnet(folder: Path, people: int = 20, each: int = 8) -> Path:
    """`001A02.JPG`; the second picture of an age has a letter, as in FG-NET; the points lie beside the pictures."""
    names = []
    for person in range(1, people + 1):
        for shot in range(each):
            age = (7 * person + 5 * (shot // 2)) % 70
            names.append(f"images/{person:03d}A{age:02d}{'a' if shot % 2 else ''}.JPG")
    fill(folder, names)
    (folder / "points").mkdir()
    (folder / "points" / "001a02.pts").write_text("version: 1\n")
    return folder


def utkface(folder: Path, count: int = 60) -> Path:
    """`26_0_1_20170116.jpg.chip.jpg`: age, sex, race, date."""
    return fill(folder, (f"{i % 70 + 1}_{i % 2}_{i % 5}_2017{i:013d}.jpg.chip.jpg" for i in range(count)))


def faces(folder: Path, counts: Sequence[int]) -> Path:
    """`Person_000/00.jpg`: one identity for each of `counts`, with that many pictures."""
    names = (f"Person_{person:03d}/{i:02d}.jpg" for person, count in enumerate(counts) for i in range(count))
    return fill(folder, names)


def medmnist(
    path: Path, counts: Sequence[int] = (120, 20, 110), classes: int = 7, side: int = 28, grey: bool = False
) -> str:
    """An npz with MedMNIST's six arrays; returns its MD5."""
    generator = np.random.default_rng(0)
    shape = (side, side) if grey else (side, side, 3)
    arrays = {}
    for part, count in zip(("train", "val", "test"), counts, strict=True):
        arrays[f"{part}_images"] = generator.integers(0, 256, (count, *shape), np.uint8)
        arrays[f"{part}_labels"] = (np.arange(count)[:, None] % classes).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    return hashlib.md5(path.read_bytes()).hexdigest()
