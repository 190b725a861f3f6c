"""What an experiment's keys are called."""

from __future__ import annotations

from typing import ClassVar

from benchmark.collect.names import names
from benchmark.plan.reading import read
from fingerprints.random import Random
from tests.builder import composed, configuration


class Named(Random, name="fingerprint/test_named"):
    """Random test images under a name."""

    display: ClassVar[str] = "Named"
    displays: ClassVar[dict[str, str]] = {"label": "Named by labels"}


class Heir(Named, name="fingerprint/test_heir"):
    """Another method, which the name of its parent would pass off as the same."""


def of(**fingerprints: str) -> dict[str, dict[str, str]]:
    nodes = {key: {"_target_": target} for key, target in fingerprints.items()}
    return names(read(configuration(fingerprint=nodes)))


def test_a_key_that_is_the_components_own_goes_by_the_classs_name() -> None:
    assert of(test_named="fingerprint/test_named")["methods"] == {
        "test_named": "Named",
        "test_named label": "Named by labels",
    }


def test_another_setting_of_the_same_class_is_told_apart_and_a_key_of_ones_own_speaks_for_itself() -> None:
    found = of(test_named_fast="fingerprint/test_named", mine="fingerprint/test_named")["methods"]
    assert found == {"test_named_fast": "Named (fast)", "test_named_fast label": "Named by labels (fast)"}


def test_a_name_is_not_inherited() -> None:
    assert of(test_heir="fingerprint/test_heir")["methods"] == {}


def test_families_and_detectors_have_names_too() -> None:
    nodes = {"jbda": {"_target_": "suspect/jbda"}, "independent": {"_target_": "suspect/independent"}}
    experiment = read(configuration(suspect=nodes, detector={"svdd": {"_target_": "detector/svdd"}}))
    found = names(experiment)
    assert (found["families"], found["detectors"]) == ({"jbda": "JBDA"}, {"svdd": "Deep SVDD"})


def test_every_method_of_the_digits_has_a_name_of_its_own() -> None:
    experiment = read(composed("experiment=digits"))
    found = names(experiment)["methods"]
    assert set(experiment.fingerprints) <= set(found)
    assert len({found[key] for key in experiment.fingerprints}) == len(experiment.fingerprints)
