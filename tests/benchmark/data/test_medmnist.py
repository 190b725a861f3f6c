"""MedMNIST: official splits, sizes, channels, checksums, and nothing downloaded unasked."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest
import torch
from medmnist.info import INFO
from PIL import Image

from benchmark.data.base import ImageSet
from benchmark.data.medmnist import MedMnist
from benchmark.errors import InputError
from benchmark.spec.component import spec_of
from tests.benchmark.data import miniature

SPLITS = (("train", "train"), ("valid", "val"), ("test", "test"))


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """Puts a miniature of a set into the folder, which then has the published MD5."""

    def store(flag="dermamnist", suffix="", **settings):
        path = tmp_path / "medmnist" / f"{flag}{suffix}.npz"
        monkeypatch.setitem(INFO[flag], f"MD5{suffix}", miniature.medmnist(path, **settings))
        return path

    return store


@pytest.fixture
def offline(monkeypatch):
    """Fails a test that would download."""
    from benchmark.compat import ensure_torchvision

    ensure_torchvision()
    import torchvision.datasets.utils

    monkeypatch.setattr(torchvision.datasets.utils, "download_url", lambda *_, **__: pytest.fail("a download"))


@pytest.mark.parametrize(("side", "suffix"), [(28, ""), (64, "_64")])
@pytest.mark.parametrize("grey", [False, True])
def test_the_official_splits_at_the_stored_size(stored, tmp_path, side, suffix, grey):
    path = stored(suffix=suffix, side=side, grey=grey, counts=(9, 3, 5))
    source = MedMnist(root=str(tmp_path / "medmnist"), resolution=side, size=side)
    arrays, splits = np.load(path), source.load()
    for ours, theirs in SPLITS:
        part: ImageSet = getattr(splits, ours)
        pictures = arrays[f"{theirs}_images"]
        expected = np.repeat(pictures[..., None], 3, axis=3) if grey else pictures
        assert np.array_equal(part.images.permute(0, 2, 3, 1).numpy(), expected)
        assert part.targets.tolist() == arrays[f"{theirs}_labels"][:, 0].tolist()
        assert part.images.dtype == torch.uint8 and part.targets.dtype == torch.int64
    assert source.sizes() == {"train": 9, "valid": 3, "test": 5}


def test_another_size_is_bicubic(stored, tmp_path):
    path = stored(counts=(2, 1, 1))
    part = MedMnist(root=str(tmp_path / "medmnist"), size=40).load().train
    picture = Image.fromarray(np.load(path)["train_images"][1])
    channels = [np.asarray(channel.resize((40, 40), Image.Resampling.BICUBIC)) for channel in picture.split()]
    assert np.array_equal(part.images[1].numpy(), np.stack(channels))


def test_missing_data_says_what_to_fetch_and_downloads_nothing(tmp_path, offline):
    for resolution, name in ((28, "bloodmnist.npz"), (224, "bloodmnist_224.npz")):
        with pytest.raises(InputError) as caught:
            MedMnist(root=str(tmp_path), flag="bloodmnist", resolution=resolution).sizes()
        message = str(caught.value)
        assert message.startswith(f"{tmp_path / name}: no such file. Fetch {name} of MedMNIST (Zenodo, https://zenodo")
        assert "CC BY 4.0" in message and "\n" not in message
        assert "the data's setting root" in message and "download=true" in message


def test_a_damaged_file_is_refused(stored, tmp_path):
    path = stored(counts=(9, 3, 5))
    source, whole = MedMnist(root=str(tmp_path / "medmnist")), path.read_bytes()
    refused = pytest.raises(
        InputError, match=r"dermamnist\.npz: damaged or of another version, its MD5 differs; delete it"
    )
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with refused:
        source.load()
    path.write_bytes(whole[:500])  # half a file is found out before any work
    with refused:
        source.sizes()


@pytest.mark.parametrize("change", ["encrypted", "packed otherwise", "endless"])
def test_a_file_that_is_not_the_published_one_is_never_opened(stored, tmp_path, monkeypatch, change):
    path = stored(counts=(9, 3, 5))
    source = MedMnist(root=str(tmp_path / "medmnist"))
    assert source.sizes()["train"] == 9
    content = bytearray(path.read_bytes())
    places = [found for head, at in ((b"PK\1\2", 8), (b"PK\3\4", 6)) for found in (content.index(head) + at,)]
    for place in places:
        content[place + (2 if change == "packed otherwise" else 0)] = 9 if change == "packed otherwise" else 1
    path.write_bytes(content)
    if change == "endless":
        os.truncate(path, 2**28)
    monkeypatch.setattr(np, "load", lambda *_: pytest.fail("opened"))
    for use in (source.sizes, source.load):
        with pytest.raises(InputError, match=r"dermamnist\.npz: damaged or of another version"):
            use()


def test_home_is_spelt_out(stored, tmp_path, monkeypatch):
    stored(counts=(9, 3, 5))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert MedMnist(root="~/medmnist").sizes()["train"] == 9


def test_what_is_part_of_the_identity(tmp_path):
    spec = spec_of(MedMnist(root=str(tmp_path)))
    assert spec["content"] == INFO["dermamnist"]["MD5"]
    assert spec == spec_of(MedMnist(root="elsewhere", download=True))
    assert spec_of(MedMnist(resolution=224))["content"] == INFO["dermamnist"]["MD5_224"]


def test_every_set_of_single_labels_in_two_dimensions_is_taken():
    accepted = set()
    for flag, info in INFO.items():
        try:
            source = MedMnist(flag=flag)
        except InputError:
            continue
        assert source.classes() == len(info["label"])
        accepted.add(flag)
    assert accepted == {flag for flag in INFO if "3d" not in flag} - {"chestmnist"}


def test_sets_that_are_refused():
    with pytest.raises(
        InputError, match="^flag: chestmnist has several labels a picture, classification wants exactly one"
    ):
        MedMnist(flag="chestmnist")
    with pytest.raises(InputError, match="^flag: 'organmnist3d' is no 2-D set of MedMNIST, did you mean .*organamnist"):
        MedMnist(flag="organmnist3d")
    with pytest.raises(InputError, match="^flag: 'skin' is no 2-D set of MedMNIST"):
        MedMnist(flag="skin")
    with pytest.raises(InputError, match="^resolution: 56 is none of 28, 64, 128, 224"):
        MedMnist(resolution=56)


def test_a_download_is_asked_for_checked_and_done_once(tmp_path, monkeypatch, offline):
    import torchvision.datasets.utils

    root, calls = tmp_path / "new" / "medmnist", []

    def download(url, folder, filename, md5):
        calls.append((url, folder, filename, md5))
        INFO["dermamnist"]["MD5_64"] = miniature.medmnist(root / "made.npz", (9, 3, 5), side=64)
        (root / "made.npz").rename(root / filename)

    monkeypatch.setitem(INFO["dermamnist"], "MD5_64", published := INFO["dermamnist"]["MD5_64"])
    monkeypatch.setattr(torchvision.datasets.utils, "download_url", download)
    source = MedMnist(root=str(root), resolution=64, size=8, download=True)
    assert source.sizes() == {"train": 9, "valid": 3, "test": 5}
    assert len(source.load().train) == 9
    url = "https://zenodo.org/records/10519652/files/dermamnist_64.npz?download=1"
    assert calls == [(url, str(root), "dermamnist_64.npz.part", published)]
    assert not list(root.glob("*.part"))


def test_a_failed_download_leaves_nothing_and_says_so(tmp_path, monkeypatch, offline):
    import torchvision.datasets.utils

    def download(*_):
        raise RuntimeError("File not found or corrupted.")

    monkeypatch.setattr(torchvision.datasets.utils, "download_url", download)
    with pytest.raises(
        InputError, match=r"dermamnist\.npz: the download failed \(File not found or corrupted\.\)\. Fetch"
    ):
        MedMnist(root=str(tmp_path), download=True).sizes()
    assert not list(tmp_path.glob("*.npz*part")) and not (tmp_path / "dermamnist.npz").exists()


def test_reading_a_stored_set_needs_no_torchvision(stored, tmp_path, monkeypatch):
    stored(counts=(9, 3, 5))
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torchvision", None)  # importing it is an ImportError
    assert len(MedMnist(root=str(tmp_path / "medmnist"), size=9).load().test) == 5


def test_medical_pictures_are_not_private():
    assert not MedMnist.private
