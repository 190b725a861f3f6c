"""FG-NET and UTKFace: ages out of file names, and whose pictures may be in two splits."""

from __future__ import annotations

import zipfile

import pytest
import torch

from benchmark.data.fgnet import FgNet
from benchmark.data.files import Files, base_name
from benchmark.data.utkface import UtkFace
from benchmark.errors import InputError
from tests.benchmark.data import miniature


def listing(source):
    return source.listing(Files(source.root, ""))


def ages(source):
    return {base_name(name): age for part in listing(source) for name, age in part}


def test_fgnets_names_tell_person_and_age(tmp_path):
    names = ["001A02.JPG", "001A43a.JPG", "x/001A43b.JPG", "082A18.jpg", "047a0.png", "003A07.JPG", "004A00.JPG"]
    found = ages(FgNet(root=str(miniature.fill(tmp_path / "some", names)), train=0.4, valid=0.3))
    assert found.pop("047a0.png") == 0 and found.pop("004A00.JPG") == 0
    expected = {"001A02.JPG": 2, "001A43a.JPG": 43, "001A43b.JPG": 43, "082A18.jpg": 18, "003A07.JPG": 7}
    assert found == expected


def test_nobody_of_fgnet_is_in_two_splits(tmp_path):
    source = FgNet(root=str(miniature.fgnet(tmp_path / "fgnet")))
    people = [{base_name(name)[:3] for name, _ in part} for part in listing(source)]
    assert sum(map(len, people)) == len(set().union(*people)) == 20
    assert list(map(len, people)) == [14, 2, 4]


@pytest.mark.parametrize("name", ["face.jpg", "001A.JPG", "A02.JPG", "001A02_1.JPG", "001B02.JPG"])
def test_a_name_that_fgnet_does_not_have(tmp_path, name):
    folder = miniature.fill(tmp_path / "some", ["001A02.JPG", name])
    with pytest.raises(InputError, match=rf"{name} is not named like 001A02\.JPG"):
        FgNet(root=str(folder)).sizes()


def test_utkfaces_names_begin_with_the_age(tmp_path):
    names = ["1_0_0_2.jpg", "116_1_4_20170112.jpg.chip.jpg", "a/39_1_2017.jpg", "007_x.jpg"]
    found = ages(UtkFace(root=str(miniature.fill(tmp_path / "some", names)), train=0.4, valid=0.3))
    assert found == {"1_0_0_2.jpg": 1, "116_1_4_20170112.jpg.chip.jpg": 116, "39_1_2017.jpg": 39, "007_x.jpg": 7}


@pytest.mark.parametrize("name", ["face.jpg", "26.jpg", "x26_0.jpg", "_0_1.jpg", "-3_0.jpg", "2.5_0.jpg"])
def test_a_name_without_an_age(tmp_path, name):
    with pytest.raises(InputError, match=rf"{name} is not named AGE_"):
        UtkFace(root=str(miniature.fill(tmp_path / "some", ["26_0.jpg", name]))).sizes()


@pytest.mark.parametrize(("kind", "make"), [(FgNet, miniature.fgnet), (UtkFace, miniature.utkface)])
def test_targets_are_the_ages_of_their_pictures(tmp_path, kind, make):
    source = kind(root=str(make(tmp_path / "faces")), size=8)
    for part, listed in zip(
        (source.load().train, source.load().test), (listing(source)[0], listing(source)[2]), strict=True
    ):
        assert part.targets.dtype == torch.float32
        assert part.targets.tolist() == [age for _, age in listed]
        picture = Files(source.root, "").picture(listed[-1][0], 8)
        assert torch.equal(part.images[-1], torch.from_numpy(picture))
    assert source.classes() is None
    source.expect(7, "task.x.classes")  # real values have no number of classes to disagree with


def test_splits_are_shuffled(tmp_path):
    """UTKFace's files come in order of age."""
    train, _, test = listing(UtkFace(root=str(miniature.utkface(tmp_path / "faces", 70))))
    assert abs(sum(age for _, age in train) / len(train) - 35.5) < 6
    assert min(age for _, age in test) < 15


def test_another_age_makes_another_identity(tmp_path):
    folder = miniature.fgnet(tmp_path / "fgnet")
    before = FgNet(root=str(folder)).content()
    moved = folder.rename(tmp_path / "other")
    (moved / "images/001A07.JPG").rename(moved / "images/001A08.JPG")
    assert FgNet(root=str(moved)).content() != before


@pytest.mark.parametrize("kind", [FgNet, UtkFace])
def test_faces_are_private(kind):
    assert kind.private


@pytest.mark.parametrize(
    ("kind", "sound", "name", "wanted"),
    [
        (UtkFace, "26_0.jpg", f"{'9' * 400}_0.jpg", "is not named AGE_"),
        (FgNet, "001A02.JPG", f"001A{'9' * 400}.JPG", "is not named like 001A02"),
        (FgNet, "001A02.JPG", f"{'9' * 5000}A02.JPG", "is not named like 001A02"),
    ],
)
def test_numbers_without_end(tmp_path, kind, sound, name, wanted):
    """A zip file's names may be long: 400 digits are an infinite age, 5,000 no whole number to Python."""
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for entry in (sound, name):
            archive.writestr(entry, miniature.NOISE[0])
    with pytest.raises(InputError, match=wanted):
        kind(root=str(tmp_path / "set.zip")).sizes()
