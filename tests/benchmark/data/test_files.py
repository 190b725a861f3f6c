"""What every source of picture files promises: folder or zip, sizes, digests, and what it says when data is wrong."""

from __future__ import annotations

import itertools
import shutil

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from benchmark.data.files import Files
from benchmark.data.sources import divide
from benchmark.errors import InputError
from benchmark.spec.component import spec_of
from tests.benchmark.data import miniature


def parts(source):
    splits = source.load()
    return splits.train, splits.valid, splits.test


def test_folder_and_zip_are_the_same_data(kind, filled):
    folder, packed = kind(root=str(filled), size=9), kind(root=str(miniature.zipped(filled)), size=9)
    for one, other in zip(parts(folder), parts(packed), strict=True):
        assert torch.equal(one.images, other.images) and torch.equal(one.targets, other.targets)
    assert folder.content() == packed.content() != ""
    assert spec_of(folder) == spec_of(packed)


def test_images_and_targets_are_what_a_task_takes(kind, filled):
    for part in parts(kind(root=str(filled), size=9)):
        assert part.images.shape == (len(part), 3, 9, 9) and part.images.dtype == torch.uint8
        assert part.targets.shape == (len(part),) and part.targets.dtype == kind.dtype


def test_sizes_are_those_of_what_is_loaded(kind, filled):
    source = kind(root=str(filled), size=8)
    assert source.sizes() == dict(zip(("train", "valid", "test"), map(len, parts(source)), strict=True))
    total = len(Files(str(filled), "").pictures())
    assert sum(source.sizes().values()) == total
    assert source.sizes()["train"] == pytest.approx(0.7 * total, abs=0.06 * total)


def test_every_picture_is_in_exactly_one_split(kind, filled):
    listed = [name for part in kind(root=str(filled)).listing(Files(str(filled), "")) for name, _ in part]
    assert sorted(listed) == Files(str(filled), "").pictures()


def test_where_the_data_lies_is_no_part_of_the_identity(kind, filled, tmp_path):
    moved = shutil.copytree(filled, tmp_path / "elsewhere")
    assert spec_of(kind(root=str(moved))) == spec_of(kind(root=str(filled)))


def test_another_picture_makes_another_identity(kind, filled, tmp_path):
    changed = shutil.copytree(filled, tmp_path / "changed")
    name = Files(str(changed), "").pictures()[0]
    (changed / name).write_bytes(miniature.picture(99, width=13))
    assert kind(root=str(changed)).content() != kind(root=str(filled)).content()


def test_another_share_makes_another_identity(kind, filled):
    assert kind(root=str(filled), train=0.6).content() != kind(root=str(filled)).content()


@pytest.mark.parametrize("shares", [{"train": 0.9, "valid": 0.1}, {"train": 0.5, "valid": 0.6}])
def test_shares_must_leave_a_test(kind, shares):
    with pytest.raises(InputError, match=r"^valid: train \+ valid must leave a share for the test"):
        kind(**shares)


def test_missing_data_says_what_to_fetch_and_where_to_put_it(kind, tmp_path):
    with pytest.raises(InputError) as caught:
        kind(root=str(tmp_path / "nowhere")).sizes()
    message = str(caught.value)
    assert "\n" not in message and message.startswith(f"{tmp_path / 'nowhere'}: no such folder or zip file. ")
    assert kind.remedy in message
    assert all(word in kind.remedy for word in ("the data's setting root", "WHOSENET_DATA", "zip"))


def test_neither_folder_nor_zip(kind, tmp_path):
    (tmp_path / "data.zip").write_text("not a zip")
    with pytest.raises(InputError, match=r"data\.zip: neither a folder nor a whole zip file \(.*\)\. "):
        kind(root=str(tmp_path / "data.zip")).sizes()


def test_a_broken_picture_is_named(kind, filled, tmp_path):
    broken = shutil.copytree(filled, tmp_path / "broken")
    name = Files(str(broken), "").pictures()[-1]
    (broken / name).write_bytes(miniature.picture(0)[:200])
    source = kind(root=str(broken))
    assert source.sizes() == kind(root=str(filled)).sizes()
    with pytest.raises(InputError, match=f"{name} is no readable picture"):
        source.load()


def test_a_damaged_zip_entry_is_named(tmp_path):
    folder = miniature.fill(tmp_path / "one", ["a.jpg"])
    packed = miniature.zipped(folder)
    content = bytearray(packed.read_bytes())
    content[content.index(miniature.NOISE[0][100:120])] ^= 255  # stored, not deflated; the checksum finds it
    packed.write_bytes(content)
    with pytest.raises(InputError, match="a.jpg cannot be read .*CRC"):
        Files(str(packed), "").picture("a.jpg", 8)


def test_too_few_pictures(tmp_path):
    from benchmark.data.utkface import UtkFace

    for count in (0, 2):
        folder = miniature.utkface(tmp_path / str(count), count)
        folder.mkdir(exist_ok=True)
        with pytest.raises(InputError, match="too few pictures to fill a training, validation and test split"):
            UtkFace(root=str(folder)).sizes()


def test_home_is_spelt_out_and_zip_may_be_left_out(tmp_path, monkeypatch):
    miniature.fill(tmp_path / "home" / "set", ["a.jpg"])
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert Files("~/set", "").pictures() == ["a.jpg"]
    miniature.zipped(tmp_path / "home" / "set").rename(tmp_path / "home" / "other.zip")
    assert Files("~/other", "").pictures() == ["a.jpg"]


def test_what_a_mac_adds_is_no_picture(tmp_path):
    folder = miniature.fill(
        tmp_path / "set", ["b/one.JPG", "b/._one.jpg", "__MACOSX/b/._one.jpg", "a/two.png", "a/c.txt"]
    )
    for root in (folder, miniature.zipped(folder)):
        assert Files(str(root), "").pictures() == ["a/two.png", "b/one.JPG"]


@pytest.mark.parametrize("mode", ["RGB", "L", "P"])
def test_a_picture_is_brought_to_a_square_bicubic(tmp_path, mode):
    (tmp_path / "wide.png").write_bytes(miniature.picture(3, width=30, height=20, mode=mode, kind="PNG"))
    with Image.open(tmp_path / "wide.png") as image:
        channels = [channel.resize((16, 16), Image.Resampling.BICUBIC) for channel in image.convert("RGB").split()]
    expected = np.stack([np.asarray(channel) for channel in channels])
    assert np.array_equal(Files(str(tmp_path), "").picture("wide.png", 16), expected)
    assert (mode == "L") == np.array_equal(expected[0], expected[2])


@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=40),
    shares=st.lists(st.floats(0.05, 0.4), min_size=1, max_size=2),
    seed=st.integers(0, 5),
)
def test_divide_deals_whole_groups_about_in_the_shares(sizes, shares, seed):
    bounds = np.cumsum([0, *sizes]).tolist()
    groups = [list(range(start, end)) for start, end in itertools.pairwise(bounds)]
    dealt = divide(groups, shares, seed)
    assert sorted(member for part in dealt for member in part) == list(range(bounds[-1]))
    assert all(part == sorted(part) for part in dealt) and len(dealt) == len(shares) + 1
    for group in groups:
        assert sum(bool(set(group) & set(part)) for part in dealt) == 1
    for part, share in zip(dealt, shares, strict=False):
        assert abs(len(part) - share * bounds[-1]) <= max(sizes)
    assert dealt == divide(groups, shares, seed)


def test_divide_depends_on_its_seed_alone():
    groups = [[i] for i in range(100)]
    torch.manual_seed(0)
    first = divide(groups, (0.5,), seed=3)
    state = torch.get_rng_state()
    torch.manual_seed(1)
    assert divide(groups, (0.5,), seed=3) == first != divide(groups, (0.5,), seed=4)
    torch.manual_seed(0)
    assert torch.equal(state, torch.get_rng_state())
