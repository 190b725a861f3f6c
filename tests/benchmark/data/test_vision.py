"""torchvision's sets: the same pictures as torchvision's own classes read, splits, checksums, nothing downloaded."""

from __future__ import annotations

import gzip
import os

import numpy as np
import pytest
import torch

from benchmark.compat import ensure_torchvision
from benchmark.data.files import BYTES
from benchmark.data.share import Share
from benchmark.data.vision import FROM, TorchVision
from benchmark.errors import InputError
from benchmark.spec.component import spec_of
from tests.benchmark.data import miniature

RAW = "MNIST/raw/train-images-idx3-ubyte.gz"


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder with miniatures of all four, and no way to download others."""
    ensure_torchvision()
    import torchvision.datasets.utils

    for name in ("download_url", "download_and_extract_archive"):
        monkeypatch.setattr(torchvision.datasets.utils, name, lambda *_, **__: pytest.fail("a download"))
    return miniature.torchvision(tmp_path / "torchvision", monkeypatch, (60, 20))


def theirs(name, root, train):
    """Pictures (N, H, W, 3) and labels as torchvision's own class hands them out, one by one."""
    from torchvision import datasets

    if name == "SVHN":
        pairs = datasets.SVHN(root, split="train" if train else "test")
    else:
        for path in (root / name / "raw").glob("*.gz"):  # its class wants them unpacked
            path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        pairs = getattr(datasets, name)(root, train=train)
    pictures, labels = zip(*pairs, strict=True)
    return np.stack([np.asarray(picture.convert("RGB")) for picture in pictures]), list(labels)


@pytest.mark.parametrize("name", FROM)
def test_pictures_and_labels_are_torchvisions(root, name):
    splits = TorchVision(root=str(root), name=name, size=28 if "MNIST" in name else 32, valid=0.2).load()
    pictures, labels = theirs(name, root, train=False)
    assert np.array_equal(splits.test.images.permute(0, 2, 3, 1).numpy(), pictures)
    assert splits.test.targets.tolist() == labels
    pictures, labels = theirs(name, root, train=True)
    numbers = {picture.tobytes(): number for number, picture in enumerate(pictures)}
    found = []
    for part in (splits.train, splits.valid):
        assert part.images.dtype == torch.uint8 and part.targets.dtype == torch.int64
        for picture, target in zip(part.images.permute(0, 2, 3, 1).numpy(), part.targets.tolist(), strict=True):
            found.append(numbers[picture.tobytes()])
            assert labels[found[-1]] == target
    assert sorted(found) == list(range(60)) and found[48:] != sorted(found[48:])  # disjoint, and drawn at random


def test_smaller_pictures_stand_in_a_black_border(root):
    small, framed, odd = (TorchVision(root=str(root), size=size).load().test.images for size in (28, 32, 31))
    assert framed.shape == (20, 3, 32, 32) and odd.shape == (20, 3, 31, 31)
    assert torch.equal(framed[:, :, 2:30, 2:30], small) and torch.equal(odd[:, :, 1:29, 1:29], small)
    assert small.min() > 0 and framed.count_nonzero() == odd.count_nonzero() == small.numel()


def test_splits_are_the_same_every_time_and_shares_of_the_training_data(root):
    source = TorchVision(root=str(root), name="CIFAR10", valid=0.25)
    one, again = source.load(), source.load()
    assert torch.equal(one.train.images, again.train.images) and torch.equal(one.valid.images, again.valid.images)
    assert source.sizes() == {"train": 45, "valid": 15, "test": 20}
    shared = Share(source=source).load()
    assert len(shared.train) == 22 and len(shared.rest) == 23 and torch.equal(shared.test.images, one.test.images)


@pytest.mark.parametrize("name", FROM)
def test_the_first_classes_only(root, name):
    few, all_of_them = (TorchVision(root=str(root), name=name, labels=labels) for labels in (5, None))
    assert few.classes() == 5 and all_of_them.classes() == 10
    splits = few.load()
    assert few.sizes() == {"train": len(splits.train), "valid": len(splits.valid), "test": len(splits.test)}
    assert len(splits.train) + len(splits.valid) == 30 and splits.test.targets.unique().tolist() == [0, 1, 2, 3, 4]
    whole = all_of_them.load().test
    assert torch.equal(splits.test.images, whole.images[whole.targets < 5])


def test_the_digit_zero_of_svhn_is_class_zero(root):
    """In its files the digit 0 is the label 10."""
    targets = TorchVision(root=str(root), name="SVHN").load().test.targets.tolist()
    assert targets == [(i + 1) % 10 for i in range(20)]


@pytest.mark.parametrize(
    ("name", "file", "words"),
    [
        ("MNIST", RAW, ("MNIST (LeCun, Cortes and Burges)", "t10k-labels-idx1-ubyte.gz", "into MNIST/raw in the")),
        ("FashionMNIST", "FashionMNIST/raw/t10k-labels-idx1-ubyte.gz", ("Zalando", "fashion-mnist.s3")),
        ("CIFAR10", "cifar-10-batches-py/data_batch_3", ("cifar-10-python.tar.gz", "Krizhevsky", "cs.toronto.edu")),
        ("SVHN", "test_32x32.mat", ("Netzer", "train_32x32.mat, test_32x32.mat", "ufldl.stanford.edu")),
    ],
)
def test_what_is_missing_is_one_line(root, name, file, words):
    (root / file).unlink()
    source = TorchVision(root=str(root), name=name)
    for read in (source.sizes, source.load):
        with pytest.raises(InputError) as caught:
            read()
        message = str(caught.value)
        assert message.startswith(f"{root / file}: no such file. Fetch ") and "\n" not in message
        assert all(word in message for word in words) and "WHOSENET_DATA" in message


@pytest.mark.parametrize(
    ("name", "file"),
    [("MNIST", RAW), ("CIFAR10", "cifar-10-batches-py/test_batch"), ("SVHN", "train_32x32.mat")],
)
def test_a_damaged_file_is_refused(root, name, file):
    source, content = TorchVision(root=str(root), name=name), (root / file).read_bytes()
    source.sizes()
    (root / file).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(InputError, match=f"{(root / file).name}: damaged or of another version, its MD5 differs"):
        source.load()


def test_a_pickle_that_does_not_fit_its_checksum_is_never_opened(root, monkeypatch):
    import pickle

    path = root / "cifar-10-batches-py" / "data_batch_1"
    path.write_bytes(path.read_bytes() + b".")
    monkeypatch.setattr(pickle, "load", lambda *_, **__: pytest.fail("unpickled"))
    with pytest.raises(InputError, match="data_batch_1: damaged"):
        TorchVision(root=str(root), name="CIFAR10").load()


def unpacked(root):
    for path in (root / "MNIST" / "raw").glob("*.gz"):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()


def test_unpacked_files_are_the_same_set(root, tmp_path, monkeypatch):
    packed = TorchVision(root=str(root))
    other = miniature.torchvision(tmp_path / "other", monkeypatch, (60, 20))
    unpacked(other)
    twin = TorchVision(root=str(other))
    assert spec_of(twin) == spec_of(packed) and twin.sizes() == packed.sizes()
    assert torch.equal(twin.load().train.images, packed.load().train.images)
    path = other / "MNIST" / "raw" / "train-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"\x07")
    twin = TorchVision(root=f"{other}/")  # digests are remembered by place
    assert spec_of(twin)["content"] != spec_of(packed)["content"]


@pytest.mark.parametrize("fault", ["short", "type", "empty", "overflow", "many axes"])
def test_an_unpacked_file_that_is_no_idx_file(root, fault):
    unpacked(root)
    path = root / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    content = path.read_bytes()
    path.write_bytes(
        {
            "short": content[:-1],
            "type": b"\0\0\x0d" + content[3:],
            "empty": b"",
            # 2 ** 64 pictures, and no byte of any
            "overflow": b"\0\0\x08\x03" + 2 * b"\x80\0\0\0" + b"\0\0\0\x04",
            "many axes": b"\0\0\x08\xff",
        }[fault]
    )
    with pytest.raises(InputError, match="t10k-images-idx3-ubyte: no idx file of bytes, or cut off"):
        TorchVision(root=str(root)).load()


def test_an_unpacked_file_without_end_is_not_read(root):
    unpacked(root)
    path = root / "MNIST" / "raw" / "t10k-labels-idx1-ubyte"
    os.truncate(path, BYTES + 1)
    for use in (lambda source: source.sizes(), spec_of):
        with pytest.raises(InputError, match=f"t10k-labels-idx1-ubyte: has more than {BYTES:,} bytes; delete it and"):
            use(TorchVision(root=str(root)))


@pytest.mark.parametrize("shape", [(19, 28, 28), (20, 28, 27), (20, 784)])
def test_unpacked_pictures_that_do_not_fit_their_labels(root, shape):
    unpacked(root)
    path = root / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    head = bytes([0, 0, 8, len(shape)]) + np.array(shape, ">i4").tobytes()
    path.write_bytes(head + bytes(int(np.prod(shape))))
    with pytest.raises(InputError, match="t10k-images-idx3-ubyte: no pictures of 28 pixels, one for each label"):
        TorchVision(root=str(root)).sizes()


def test_what_is_part_of_the_identity(root, tmp_path):
    specs = {name: spec_of(TorchVision(root=str(root), name=name)) for name in FROM}
    assert len({spec["content"] for spec in specs.values()}) == 4
    assert spec_of(TorchVision(root=str(tmp_path / "nowhere"), name="SVHN")) == specs["SVHN"]
    assert "root" not in specs["MNIST"]["settings"]


def test_home_is_spelt_out(root, monkeypatch):
    monkeypatch.setenv("HOME", str(root.parent))
    for name in FROM:
        source = TorchVision(root="~/torchvision", name=name)
        assert source.sizes() == {"train": 54, "valid": 6, "test": 20}
        assert len(source.load().test) == 20


def test_settings_that_are_refused():
    with pytest.raises(InputError, match="^name: 'CIFAR100' is none of MNIST, FashionMNIST, CIFAR10, SVHN"):
        TorchVision(name="CIFAR100")
    with pytest.raises(InputError, match="^size: CIFAR10 has 32 pixels and is not made smaller, got 28"):
        TorchVision(name="CIFAR10", size=28)
    with pytest.raises(InputError, match="^labels: 11 is out of range"):
        TorchVision(labels=11)
