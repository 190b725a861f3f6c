"""Folders of identities: numbering, what is held out, lists of identities, and pairs that can be drawn."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from benchmark.data.faces import FaceFolder
from benchmark.data.files import Files, folder_name
from benchmark.errors import InputError
from benchmark.tasks.similarity import draw_pairs
from tests.benchmark.data import miniature


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return miniature.faces(tmp_path_factory.mktemp("faces") / "faces", (20, 11, 30, 16, 25, 14, 12, 18, 10, 22))


def listing(source):
    return source.listing(Files(source.root, ""))


def numbers(part):
    """Identity -> number, each with one number only."""
    found = {}
    for name, target in part:
        assert found.setdefault(folder_name(name), target) == target
    return found


@pytest.mark.parametrize("held_out", ["images", "identities"])
def test_training_identities_are_0_to_c_in_order_of_names(folder, held_out):
    source = FaceFolder(root=str(folder), held_out=held_out, train=0.5, valid=0.2)
    found = numbers(listing(source)[0])
    assert list(found.values()) == list(range(len(found))) and list(found) == sorted(found)
    assert source.classes() == len(found)


def test_held_out_images_are_of_everyone(folder):
    train, valid, test = listing(FaceFolder(root=str(folder)))
    assert len(numbers(train)) == 10
    for part in (valid, test):
        assert numbers(part) == numbers(train)
    for person, count in Counter(folder_name(name) for name, _ in train).items():
        whole = len(list((folder / person).iterdir()))
        assert count == pytest.approx(0.7 * whole, abs=1)


def test_held_out_identities_are_never_trained_on(folder):
    parts = listing(FaceFolder(root=str(folder), held_out="identities", train=0.5, valid=0.2))
    people = [numbers(part) for part in parts]
    assert len(people[0] | people[1] | people[2]) == sum(map(len, people)) == 10
    together = [target for found in people for target in found.values()]
    assert sorted(together) == list(range(10))  # each identity its own number, in all splits
    assert all(len(found) >= 2 for found in people)


@pytest.mark.parametrize("held_out", ["images", "identities"])
def test_pairs_come_from_held_out_pictures(folder, held_out):
    splits = FaceFolder(root=str(folder), size=8, held_out=held_out, train=0.5, valid=0.2).load()
    for part in (splits.valid, splits.test):
        one, other = draw_pairs(part.targets, 40)
        same = part.targets[one] == part.targets[other]
        assert same[::2].all() and not same[1::2].any()


def test_a_list_says_who_takes_part(folder, tmp_path):
    (tmp_path / "list.txt").write_text("Person_007\n\n  Person_002 \nPerson_004\n")
    some = FaceFolder(root=str(folder), identities=str(tmp_path / "list.txt"))
    assert numbers(listing(some)[0]) == {"Person_002": 0, "Person_004": 1, "Person_007": 2}
    assert some.classes() == 3
    assert some.content() != FaceFolder(root=str(folder)).content()


def test_the_list_and_not_its_place_or_order_is_part_of_the_identity(folder, tmp_path):
    found = set()
    for place, names in (("one", ("Person_001", "Person_002")), ("two", ("Person_002", "Person_001"))):
        (tmp_path / place).write_text("\n".join(names))
        found.add(FaceFolder(root=str(folder), identities=str(tmp_path / place)).content())
    assert len(found) == 1


def test_a_list_of_strangers(folder, tmp_path):
    (tmp_path / "list.txt").write_text("Person_001\nNobody\n")
    with pytest.raises(InputError, match=r"^identities: .*list.txt lists Nobody, of whom .* has no pictures"):
        FaceFolder(root=str(folder), identities=str(tmp_path / "list.txt")).sizes()
    with pytest.raises(
        InputError, match=r"^identities: cannot read .*none.txt; give a file with one name a line, or null"
    ):
        FaceFolder(root=str(folder), identities=str(tmp_path / "none.txt")).sizes()


def test_a_face_in_no_folder(tmp_path):
    folder = miniature.fill(tmp_path / "faces", ["A/1.jpg", "loose.jpg"])
    with pytest.raises(InputError, match=r"loose\.jpg lies in no identity's folder, wants NAME/\*\.jpg"):
        FaceFolder(root=str(folder)).sizes()


@pytest.mark.parametrize(
    ("counts", "settings", "split"),
    [
        ((3, 3, 3, 3), {}, "validation"),  # nobody has two pictures there
        ((40, 1, 1), {}, "validation"),  # only one identity is there
        ((10, 10, 10, 10), {"held_out": "identities", "train": 0.5, "valid": 0.25}, "validation"),
        ((10, 10, 10, 10), {"held_out": "identities", "train": 0.25, "valid": 0.5}, "test"),
    ],
)
def test_too_few_pictures_for_pairs(tmp_path, counts, settings, split):
    folder = miniature.faces(tmp_path / "faces", counts)
    with pytest.raises(InputError, match=f"too few pictures for pairs, the {split} split needs two identities"):
        FaceFolder(root=str(folder), **settings).sizes()


def test_an_identity_without_training_pictures(tmp_path):
    folder = miniature.faces(tmp_path / "faces", (30, 30, 1))
    with pytest.raises(InputError, match=r"Person_002 has too few pictures \(1\) for train=0.3"):
        FaceFolder(root=str(folder), train=0.3, valid=0.3).sizes()


def test_a_wrong_number_of_classes_names_the_key_and_the_right_number(folder):
    source = FaceFolder(root=str(folder))
    source.expect(10, "task.faces.classes")
    with pytest.raises(InputError) as caught:
        source.expect(530, "task.faces.classes")
    assert str(caught.value) == "task.faces.classes: is 530, the data has 10; set task.faces.classes=10"


def test_faces_are_private():
    assert FaceFolder.private


@pytest.mark.parametrize("place", ["latin", "pipe", "nowhere", "~nobody-of-that-name/x"])
def test_a_list_of_identities_that_cannot_be_read(tmp_path, place):
    folder = miniature.faces(tmp_path / "faces", (20, 20))
    (tmp_path / "latin").write_bytes("Müller\n".encode("latin-1"))
    os.mkfifo(tmp_path / "pipe")
    path = place if place[0] == "~" else str(tmp_path / place)
    with pytest.raises(InputError, match=r"^identities: cannot read .*; give a file with one name a line, or null"):
        FaceFolder(root=str(folder), identities=path).sizes()
