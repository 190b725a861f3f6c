"""Folders of classes, with and without a split of their own."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image

from benchmark.data.files import Files, folder_name
from benchmark.data.folder import ImageFolder
from benchmark.errors import InputError
from benchmark.spec.component import spec_of
from tests.benchmark.data import miniature


def listing(folder, **settings):
    source = ImageFolder(root=str(folder), **settings)
    return source.listing(Files(source.root, ""))


def names(counts):
    """`{"train/cat": 3}` -> train/cat/0.png to train/cat/2.png."""
    return [f"{place}/{i}.png" for place, count in counts.items() for i in range(count)]


def classes(part):
    return {folder_name(name): int(target) for name, target in part}


def test_classes_are_numbered_in_order_of_names(tmp_path):
    folder = miniature.fill(tmp_path / "set", names({"dog": 20, "Zebra": 30, "cat": 10}))
    parts = listing(folder)
    assert all(classes(part) == {"Zebra": 0, "cat": 1, "dog": 2} for part in parts)
    assert Counter(classes for _, classes in parts[0]) == {0.0: 21, 1.0: 7, 2.0: 14}
    assert Counter(classes for _, classes in parts[1]) == {0.0: 3, 1.0: 1, 2.0: 2}
    assert ImageFolder(root=str(folder)).classes() == 3


@pytest.mark.parametrize("valid", ["valid", "val", "Validation"])
def test_an_official_split_is_kept(tmp_path, valid):
    counts = {"train/a": 5, "train/b": 4, f"{valid}/a": 3, f"{valid}/b": 2, "test/b": 1}
    parts = listing(miniature.fill(tmp_path / "set", names(counts)))
    for part, split in zip(parts, ("train", valid, "test"), strict=True):
        assert sorted(name for name, _ in part) == sorted(n for n in names(counts) if n.startswith(f"{split}/"))
        assert classes(part) == {"a": 0, "b": 1} if split != "test" else {"b": 1}


def test_an_official_split_may_lie_in_another_folder(tmp_path):
    counts = {"set/train/a": 5, "set/val/a": 3, "set/test/a": 1}
    assert list(map(len, listing(miniature.fill(tmp_path / "set", names(counts))))) == [5, 3, 1]


def test_without_a_validation_split_a_share_of_the_training_pictures_is_one(tmp_path):
    counts = {"train/a": 20, "train/b": 40, "test/a": 7, "test/b": 8}
    train, valid, test = listing(miniature.fill(tmp_path / "set", names(counts)), valid=0.25)
    assert Counter(folder_name(name) for name, _ in train) == {"a": 15, "b": 30}
    assert Counter(folder_name(name) for name, _ in valid) == {"a": 5, "b": 10}
    assert len(test) == 15 and not {name for name, _ in train} & {name for name, _ in valid}
    assert classes(train) == classes(valid) == classes(test) == {"a": 0, "b": 1}


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"train/a": 5, "b": 5}, r"wants all classes in train and test folders \(valid is optional\), or in none"),
        ({"train/a": 5, "val/a": 5}, "wants all classes in train and test folders"),
        ({"train/a": 5, "test/a": 5, "test/b": 1}, "the class b has no training pictures"),
        ({"train": 5, "test": 5}, r"(train|test)/0\.png lies in no class's folder, wants CLASS/\*\.png"),
    ],
)
def test_folders_that_are_no_split(tmp_path, counts, message):
    with pytest.raises(InputError, match=message):
        listing(miniature.fill(tmp_path / "set", names(counts)))


def test_a_picture_in_no_folder(tmp_path):
    with pytest.raises(InputError, match=r"loose\.png lies in no class's folder"):
        listing(miniature.fill(tmp_path / "set", ["a/0.png", "loose.png"]))


def test_a_folder_of_classes_is_not_private():
    assert not ImageFolder.private


def test_a_border_is_black_and_leaves_the_picture_its_pixels(tmp_path):
    folder = miniature.classed(tmp_path / "set", (80, 20), side=28, grey=True)
    framed, plain = (ImageFolder(root=str(folder), size=28 + 2 * border, border=border).load() for border in (2, 0))
    for one, other in ((framed.train, plain.train), (framed.valid, plain.valid), (framed.test, plain.test)):
        assert one.images.shape[1:] == (3, 32, 32) and torch.equal(one.images[:, :, 2:-2, 2:-2], other.images)
        assert one.images.sum() == other.images.sum() > 0, "nothing but the picture is lit"
    with Image.open(folder / listing(folder)[2][-1][0]) as picture:
        assert torch.equal(plain.test.images[-1, 0], torch.tensor(np.array(picture))), "28 pixels are not resampled"


def test_a_border_makes_another_identity_and_none_the_same_as_before(tmp_path):
    folder = str(miniature.fill(tmp_path / "set", names({"a": 20, "b": 20})))
    assert spec_of(ImageFolder(root=folder)) == spec_of(ImageFolder(root=folder, border=0))
    assert "border" not in str(spec_of(ImageFolder(root=folder)))
    assert spec_of(ImageFolder(root=folder, border=1)) != spec_of(ImageFolder(root=folder))


def test_a_border_leaves_some_of_the_picture():
    ImageFolder(size=32, border=12)
    with pytest.raises(InputError, match="border: 13 on each side leaves fewer than 8 of 32 pixels"):
        ImageFolder(size=32, border=13)


def test_a_folder_of_one_class_is_no_classification(tmp_path):
    source = ImageFolder(root=str(miniature.faces(tmp_path / "one", (20,))), size=8)
    assert source.classes() == 1 and len(source.load().train) == 14  # as queries they do
    for classes in (1, 10):
        with pytest.raises(InputError) as caught:
            source.expect(classes, "task.mine.classes")
        assert str(caught.value) == (
            "task.mine.classes: the data has one class only, of which nothing can be told; it wants two or more"
        )
