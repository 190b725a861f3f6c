"""Sources made of other sources: shares, other labels; and patches of pictures that come with a library."""

from __future__ import annotations

import socket

import pytest
import torch

from benchmark.data.base import DataSource, ImageSet, Splits
from benchmark.data.digits import Digits, RotatedDigits
from benchmark.data.faces import FaceFolder
from benchmark.data.patches import PICTURES, Patches, stretched
from benchmark.data.regrouped import Regrouped
from benchmark.data.share import Share
from benchmark.errors import InputError


class Numbered(DataSource, name="test/numbered"):
    """Forty training images whose one value is their number, which is also their target."""

    def classes(self) -> int | None:
        return 40

    def load(self) -> Splits:
        def part(start, count):
            number = torch.arange(start, start + count)
            return ImageSet(number.to(torch.uint8)[:, None, None, None].expand(-1, 3, 2, 2), number)

        return Splits(part(0, 40), part(40, 5), part(45, 5))


@pytest.mark.parametrize(("share", "owned"), [(0.5, 20), (0.3, 12), (0.99, 39)])
def test_owner_and_others_share_the_training_images_out(share, owned):
    source = Share(source=Numbered(), share=share)
    splits = source.load()
    mine, theirs = splits.train.targets.tolist(), splits.rest.targets.tolist()
    assert len(mine) == owned and sorted(mine + theirs) == list(range(40))
    assert mine != sorted(mine)  # at random, whatever the source's order
    assert splits.train.images[:, 0, 0, 0].tolist() == mine
    assert torch.equal(splits.valid.targets, Numbered().load().valid.targets)
    assert torch.equal(splits.test.targets, Numbered().load().test.targets)
    assert torch.equal(source.load().train.targets, splits.train.targets)
    assert source.sizes() == {"train": owned, "valid": 5, "test": 5} and source.classes() == 40


def test_sets_move_together():
    splits = Share(source=Numbered()).load().to(torch.device("meta"))
    assert {part.images.device.type for part in (splits.train, splits.valid, splits.test, splits.rest)} == {"meta"}
    assert Numbered().load().to(torch.device("cpu")).rest is None


def test_pictures_of_people_stay_private():
    people = FaceFolder(root="nowhere")
    assert people.private and Share(source=people).private and Regrouped(source=people).private
    assert not Share(source=Numbered()).private and not Regrouped(source=Numbered()).private


def test_labels_are_taken_modulo():
    splits = Regrouped(source=Share(source=Numbered(), share=0.5), labels=7).load()
    whole = Share(source=Numbered(), share=0.5).load()
    for new, old in ((splits.train, whole.train), (splits.test, whole.test), (splits.rest, whole.rest)):
        assert new.targets.tolist() == [label % 7 for label in old.targets.tolist()]
        assert torch.equal(new.images, old.images)
    assert Regrouped(source=Numbered(), labels=7).classes() == 7
    assert Regrouped(source=Digits(), labels=12).classes() == 10
    assert Regrouped(source=RotatedDigits()).classes() is None


def test_patches_need_no_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a connection was asked for")

    monkeypatch.setattr(socket, "socket", refuse)
    splits = Patches(patches=30).load()
    assert splits.train.images.shape == (30, 3, 32, 32) and splits.train.images.dtype == torch.uint8
    assert len(splits.valid) == len(splits.test) == 3
    assert Patches(patches=30).sizes() == {"train": 30, "valid": 3, "test": 3}
    assert len(PICTURES) == len(set(PICTURES))


def test_patches_are_many_bright_and_always_the_same():
    one, again = (Patches(patches=60, size=16).load().train.images for _ in range(2))
    assert torch.equal(one, again)
    assert len(one.flatten(1).unique(dim=0)) >= 59  # a plain patch or two may be black
    spans = one.flatten(1).amax(1).int() - one.flatten(1).amin(1).int()
    assert (spans == 255).float().mean() > 0.9
    assert (one[:, 0] != one[:, 1]).any() and not torch.equal(
        one[:3], Patches(patches=60, size=16).load().valid.images[:3]
    )


def test_a_margin_is_black():
    framed = Patches(patches=20, size=20, margin=3).load().train.images
    assert framed.shape == (20, 3, 20, 20)
    inside = torch.zeros(20, 20, dtype=torch.bool)
    inside[3:17, 3:17] = True
    assert not framed[:, :, ~inside].any() and framed[:, :, inside].any()
    with pytest.raises(InputError, match="margin: leaves less than 4 of size=20"):
        Patches(size=20, margin=9)


def test_contrast_is_stretched_per_picture():
    images = torch.tensor([[[[10.0, 20.0, 60.0]]], [[[7.0, 7.0, 7.0]]]])
    assert stretched(images)[0, 0, 0].tolist() == [0, 51, 255] and not stretched(images)[1].any()
