"""Names: given by the manifest, else made of the keys."""

from __future__ import annotations

from collections.abc import Callable

from benchmark.report import Findings
from benchmark.report.findings import label
from benchmark.report.names import Names, spaced

Make = Callable[..., Findings]
GIVEN = {
    "methods": {"saliency": "Saliency", "saliency white": "Saliency, white box", "akh": "AKH", "akh label": "no"},
    "families": {"jbda": "JBDA"},
    "detectors": {"svdd": "Deep SVDD"},
}


def test_names_are_those_of_the_manifest(make_findings: Make) -> None:
    names = Names.of(make_findings().scores, {"names": GIVEN})
    assert names.method("saliency", "white") == "Saliency, white box"
    assert names.method("akh", "label") == "AKH"  # its only verifier is not named
    assert names.fingerprint("saliency") == "Saliency"
    assert (names.family("jbda"), names.detector("svdd")) == ("JBDA", "Deep SVDD")


def test_without_them_keys_are_words(make_findings: Make) -> None:
    findings = make_findings(methods=[("my_method", "one_way", "label"), ("my_method", "other", "label")])
    for manifest in ({}, {"names": {"methods": {"my_method": "Mine"}}}):
        names = Names.of(findings.scores, manifest)
        word = "Mine" if manifest else "my method"
        assert names.method("my_method", "one_way") == f"{word} one way"
        assert names.fingerprint("my_method") == word
    assert spaced("weight_pruning") == names.family("weight_pruning") == "weight pruning"


def test_labelled_scores_carry_the_name_of_their_method(make_findings: Make) -> None:
    scores = make_findings().scores
    named = Names.of(scores, {"names": GIVEN}).labelled(scores)
    assert label(named, "saliency", "white") == "Saliency, white box"
    assert label(named, "saliency", "black") == "Saliency black"
    assert label(scores, "saliency", "white") == "saliency white"
    assert "method" not in scores
