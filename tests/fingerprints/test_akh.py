"""AKH: the victim's mistakes first, then mixtures of them."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from benchmark.contracts.owner import Owner
from benchmark.data.base import ImageSet, Splits
from fingerprints.akh import AKH, cutmix, flip


def with_mistakes(owner: Owner, count: int) -> Owner:
    """The owner, with a test set of 30 images of which the victim gets the first `count` wrong."""
    images = owner.data.test.images[:30]
    with torch.no_grad():
        answers = owner.victim(images.float() / 255).argmax(dim=1)
    targets = torch.where(torch.arange(30) < count, (answers + 1) % 10, answers)
    return dataclasses.replace(owner, data=Splits(owner.data.train, owner.data.valid, ImageSet(images, targets)))


def places(images: torch.Tensor, owner: Owner) -> list[int | None]:
    """Where each image stands in the test set, or None."""
    test = owner.data.test.pixels()
    found = [(test == image).flatten(1).all(dim=1).nonzero().flatten().tolist() for image in images]
    return [hit[0] if hit else None for hit in found]


def test_enough_mistakes_need_no_mixture(classifier, generator):
    owner = with_mistakes(classifier, 20)
    prints = AKH().generate(owner, 12, generator(0))
    where = places(prints.samples, owner)
    assert len(set(where)) == 12 and all(p < 20 for p in where)
    assert prints.notes == {"mistakes": 20, "mixtures": 0}


@pytest.mark.parametrize(("mistakes", "partners_from"), [(14, 14), (4, 30)])
def test_mixtures_of_mistakes_fill_up(classifier, generator, mistakes, partners_from):
    owner = with_mistakes(classifier, mistakes)
    prints = AKH(flip=0.0).generate(owner, 25, generator(0))
    assert sorted(places(prints.samples[:mistakes], owner)) == list(range(mistakes))
    assert prints.notes == {"mistakes": mistakes, "mixtures": 25 - mistakes}
    bases = places(prints.origin, owner)
    assert all(p < mistakes for p in bases)
    assert torch.equal(prints.payload["label"], owner.data.test.targets[bases])
    partners = owner.data.test.pixels()[:partners_from]
    for sample, base in zip(prints.samples[mistakes:], prints.origin[mistakes:], strict=True):
        explained = (sample == base) | (sample == partners)  # each pixel from the base or from one and the same partner
        assert explained.flatten(1).all(dim=1).any()
    with torch.no_grad():
        assert torch.equal(prints.payload["answer"], owner.victim(prints.samples).argmax(dim=1))


def test_a_flawless_victim_leaves_mixtures_of_test_images(classifier, generator):
    prints = AKH().generate(with_mistakes(classifier, 0), 9, generator(0))
    assert prints.notes == {"mistakes": 0, "mixtures": 9}
    assert prints.samples.shape == prints.origin.shape == (9, 3, 32, 32)


def test_cutmix_pastes_one_box_whose_share_is_uniform(generator):
    one, two = torch.zeros(400, 3, 20, 16), torch.ones(400, 3, 20, 16)
    mixed = cutmix(one, two, generator(0))
    for image in mixed[:50]:
        rows, columns = image[0].amax(dim=1), image[0].amax(dim=0)
        assert torch.equal(image, torch.outer(rows, columns).expand(3, -1, -1))  # a product of two masks
        for mask in (rows, columns):
            assert mask.diff().abs().sum() + mask[0] + mask[-1] <= 2  # each one interval
    whole = [image.mean().item() for image in mixed if not (image[:, [0, -1]].any() or image[:, :, [0, -1]].any())]
    assert len(whole) > 40
    assert 0.4 < mixed.amax(dim=(1, 2, 3)).mean() <= 1
    assert mixed.mean().item() == pytest.approx(0.36, abs=0.05)  # half, less what the border cuts off


def test_flip_turns_each_way_with_its_probability(generator):
    images = torch.rand(400, 1, 3, 4, generator=generator(0))
    turned = flip(images, 0.25, generator(1))
    ways = {"none": images, "lr": images.flip(3), "ud": images.flip(2), "both": images.flip(2, 3)}
    share = {name: (turned == way).flatten(1).all(dim=1).double().mean().item() for name, way in ways.items()}
    assert sum(share.values()) == 1
    assert share == pytest.approx({"none": 9 / 16, "lr": 3 / 16, "ud": 3 / 16, "both": 1 / 16}, abs=0.07)
    assert torch.equal(flip(images, 0.0, generator(1)), images)
