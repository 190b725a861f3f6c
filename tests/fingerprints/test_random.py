"""The random baseline: test images, unchanged, matched by label."""

from __future__ import annotations

import torch

from benchmark.access.access import LABEL, grant
from benchmark.access.target import Target
from fingerprints.random import Random


def test_prints_are_distinct_test_images_with_their_labels(classifier, generator):
    prints = Random().generate(classifier, 30, generator(0))
    test = classifier.data.test
    places = [(test.pixels() == image).flatten(1).all(dim=1).nonzero()[0, 0].item() for image in prints.samples]
    assert len(set(places)) == 30
    assert torch.equal(prints.payload["label"], test.targets[places])
    assert torch.equal(prints.origin, prints.samples)
    assert not torch.equal(prints.samples, Random().generate(classifier, 30, generator(1)).samples)


def test_the_score_is_the_share_of_equal_labels(classifier, generator):
    prints, suspect = Random().generate(classifier, 30, generator(0)), classifier.victim
    verifier = Random().verifiers(classifier.task)["label"]
    with torch.no_grad():
        before = suspect(prints.samples).argmax(dim=1).tolist()
        suspect.last.bias[1] += 2.0
        after = suspect(prints.samples).argmax(dim=1).tolist()
    equal = sum(a == b for a, b in zip(before, after, strict=True)) / 30
    assert 0 < equal < 1
    measured = verifier.measure(prints, grant(LABEL, Target.of(classifier.task, suspect)))
    assert verifier.score(measured, prints.payload) == equal
