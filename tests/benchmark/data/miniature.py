"""Miniatures of every data set, in its exact format, made of noise."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import pickle
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from benchmark.compat import ensure_torchvision


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


def classed(folder: Path, counts: tuple[int, int], side: int = 32, grey: bool = False, classes: int = 10) -> Path:
    """`train/03/0013.jpg` and so on, noise on a coarse pattern of the class; `counts` in both; PNG where grey."""
    generator, kind = np.random.default_rng(3), "png" if grey else "jpg"
    for part, count in zip(("train", "test"), counts, strict=True):
        for number, image in enumerate(_classed(generator, range(count), side)):
            path = folder / part / f"{number % classes:02d}" / f"{number:04d}.{kind}"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture = Image.fromarray(image[0] if grey else image.transpose(1, 2, 0))
            picture.save(path, quality=95)
    return folder


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


def torchvision(root: Path, patch: pytest.MonkeyPatch, counts: tuple[int, int] = (600, 110)) -> Path:
    """The four sets in torchvision's folders, whose checksums torchvision then has; `counts` in training and test."""
    ensure_torchvision()
    from torchvision import datasets

    for name in ("MNIST", "FashionMNIST"):
        files = idx(root / name / "raw", counts, seed=len(name))
        patch.setattr(getattr(datasets, name), "resources", list(files.items()))
    *train, test, meta = cifar10(root / "cifar-10-batches-py", counts).items()
    patch.setattr(datasets.CIFAR10, "train_list", [list(file) for file in train])
    patch.setattr(datasets.CIFAR10, "test_list", [list(test)])
    patch.setattr(datasets.CIFAR10, "meta", {"filename": meta[0], "key": "label_names", "md5": meta[1]})
    mats = zip(("train", "test"), svhn(root, counts).items(), strict=True)
    listed = {part: [f"http://ufldl.stanford.edu/housenumbers/{name}", name, md5] for part, (name, md5) in mats}
    patch.setattr(datasets.SVHN, "split_list", listed)
    return root


def idx(folder: Path, counts: tuple[int, int], seed: int = 0) -> dict[str, str]:
    """MNIST's four files: 28-pixel grey pictures and labels 0 to 9 in gzipped idx; their MD5s by name."""
    generator, digests = np.random.default_rng(seed), {}
    for part, count in zip(("train", "t10k"), counts, strict=True):
        pictures = _classed(generator, range(count), 28)[:, 0]
        for kind, array in (("images-idx3", pictures), ("labels-idx1", (np.arange(count) % 10).astype(np.uint8))):
            head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
            content = gzip.compress(head + array.tobytes(), mtime=0)
            digests[f"{part}-{kind}-ubyte.gz"] = _written(folder / f"{part}-{kind}-ubyte.gz", content)
    return digests


def cifar10(folder: Path, counts: tuple[int, int]) -> dict[str, str]:
    """CIFAR-10's pickled batches, five for training, one for the test, and the names; their MD5s by name."""
    generator, digests = np.random.default_rng(1), {}
    starts = {f"data_batch_{i + 1}": range(i * counts[0] // 5, (i + 1) * counts[0] // 5) for i in range(5)}
    for name, numbers in (starts | {"test_batch": range(counts[1])}).items():
        rows = _classed(generator, numbers, 32).reshape(-1, 3072)
        batch = {"data": rows, "labels": [number % 10 for number in numbers]}
        digests[name] = _written(folder / name, pickle.dumps(batch, protocol=2))
    names = {"label_names": [f"class {i}" for i in range(10)]}
    return digests | {"batches.meta": _written(folder / "batches.meta", pickle.dumps(names, protocol=2))}


def svhn(folder: Path, counts: tuple[int, int]) -> dict[str, str]:
    """SVHN's MATLAB files, pictures (32, 32, 3, N) and labels 1 to 10, of which 10 is the digit 0; MD5s by name."""
    generator, digests = np.random.default_rng(2), {}
    for part, count in zip(("train", "test"), counts, strict=True):
        buffer = io.BytesIO()
        pictures = _classed(generator, range(count), 32).transpose(2, 3, 1, 0)
        savemat(buffer, {"X": pictures, "y": (np.arange(count)[:, None] % 10 + 1).astype(np.uint8)})
        # the head names the platform and the hour: a fixed one, so that the digest is always the same
        content = b"MATLAB 5.0 MAT-file".ljust(116) + buffer.getvalue()[116:]
        digests[f"{part}_32x32.mat"] = _written(folder / f"{part}_32x32.mat", content)
    return digests


def _classed(generator: np.random.Generator, numbers: range, side: int) -> np.ndarray:
    """Noise (N, 3, side, side) of 1 to 254 on a coarse pattern of the picture's class, its number modulo ten."""
    patterns = np.random.default_rng(9).integers(0, 192, (10, 3, 4, 4), np.uint8)
    classes = patterns[np.array(numbers) % 10].repeat(side // 4, axis=2).repeat(side // 4, axis=3)
    return classes + generator.integers(1, 64, classes.shape, np.uint8)


def _written(path: Path, content: bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return hashlib.md5(content).hexdigest()
