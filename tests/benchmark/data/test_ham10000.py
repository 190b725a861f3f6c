"""HAM10000: lesions stay together, classes in DermaMNIST's order, and what is wrong with a table."""

from __future__ import annotations

import csv
import shutil
from collections import Counter

import pytest
from medmnist.info import INFO

from benchmark.data.files import Files, base_name
from benchmark.data.ham10000 import CLASSES, METADATA, Ham10000
from benchmark.errors import InputError
from tests.benchmark.data import miniature


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return miniature.ham10000(tmp_path_factory.mktemp("ham10000") / "pictures")


def rewritten(folder, to, change):
    """A copy of the folder whose table went through `change`, a function of its rows (lists, the header first)."""
    copy = shutil.copytree(folder, to)
    with (copy / METADATA).open(newline="") as file:
        rows = change(list(csv.reader(file)))
    with (copy / METADATA).open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return Ham10000(root=str(copy))


def listed(folder):
    """(row of the table, split, target) of every picture."""
    with (folder / METADATA).open(newline="") as file:
        rows = {row["image_id"]: row for row in csv.DictReader(file)}
    parts = Ham10000(root=str(folder)).listing(Files(str(folder), ""))
    return [
        (rows[base_name(name).removesuffix(".jpg")], split, target)
        for split, part in enumerate(parts)
        for name, target in part
    ]


def test_no_lesion_is_in_two_splits(folder):
    splits = {}
    for row, split, _ in listed(folder):
        splits.setdefault(row["lesion_id"], set()).add(split)
    assert len(splits) == 84 and all(len(found) == 1 for found in splits.values())
    assert max(Counter(row["lesion_id"] for row, _, _ in listed(folder)).values()) == 3  # some could have been torn


def test_every_class_is_in_every_split(folder):
    found = Counter((split, target) for _, split, target in listed(folder))
    assert set(found) == {(split, float(target)) for split in range(3) for target in range(7)}


def test_targets_are_the_diagnoses_in_dermamnists_order(folder):
    assert all(CLASSES[int(target)] == row["dx"] for row, _, target in listed(folder))
    names = {"akiec": "actinic", "bcc": "basal", "bkl": "benign", "df": "dermatofibroma", "mel": "melanoma"}
    names |= {"vasc": "vascular", "nv": "melanocytic nevi"}
    for number, label in INFO["dermamnist"]["label"].items():
        assert label.startswith(names[CLASSES[int(number)]])
    assert Ham10000(root=str(folder)).classes() == len(CLASSES)


def test_a_missing_table_is_named(tmp_path):
    folder = miniature.fill(tmp_path / "pictures", ["ISIC_0000001.jpg"])
    with pytest.raises(InputError, match=r"holds no HAM10000_metadata\.csv\. Fetch HAM10000 \(doi:10\.7910"):
        Ham10000(root=str(folder)).sizes()


@pytest.mark.parametrize("column", ["lesion_id", "image_id", "dx"])
def test_a_missing_column(folder, tmp_path, column):
    source = rewritten(
        folder, tmp_path / "data", lambda rows: [[c if c != column else "x" for c in rows[0]], *rows[1:]]
    )
    with pytest.raises(InputError, match="HAM10000_metadata.csv lacks lesion_id, image_id or dx"):
        source.sizes()


def test_an_empty_table(folder, tmp_path):
    with pytest.raises(InputError, match="HAM10000_metadata.csv lacks"):
        rewritten(folder, tmp_path / "data", lambda rows: rows[:1]).sizes()


def test_an_unknown_diagnosis(folder, tmp_path):
    source = rewritten(
        folder, tmp_path / "data", lambda rows: [[c if c != "vasc" else "wart" for c in r] for r in rows]
    )
    with pytest.raises(InputError, match="has the unknown diagnosis 'wart'"):
        source.sizes()


def test_a_picture_that_the_table_lists_and_the_folder_lacks(folder, tmp_path):
    with pytest.raises(InputError, match="lists ISIC_9999999, whose picture is missing"):
        rewritten(folder, tmp_path / "data", lambda rows: [*rows, ["HAM_x", "ISIC_9999999", *rows[1][2:]]]).sizes()


def test_pictures_that_the_table_does_not_list_are_not_used(folder, tmp_path):
    fewer = rewritten(folder, tmp_path / "data", lambda rows: rows[:-3])
    assert sum(fewer.sizes().values()) == sum(Ham10000(root=str(folder)).sizes().values()) - 3


def test_another_diagnosis_makes_another_identity(folder, tmp_path):
    swapped = {"vasc": "df", "df": "vasc"}
    source = rewritten(folder, tmp_path / "data", lambda rows: [[swapped.get(c, c) for c in row] for row in rows])
    assert source.sizes() == Ham10000(root=str(folder)).sizes()
    assert source.content() != Ham10000(root=str(folder)).content()


@pytest.mark.parametrize(
    "content", [b"lesion_id,image_id,dx\nH\xff,I,nv\n", b'lesion_id,image_id,dx\n"' + b"x" * 200_000]
)
def test_metadata_that_is_no_csv(tmp_path, content):
    folder = miniature.ham10000(tmp_path / "ham")
    (folder / METADATA).write_bytes(content)
    with pytest.raises(InputError, match=f"{METADATA} is no csv in UTF-8 .*; fetch it again"):
        Ham10000(root=str(folder)).sizes()
