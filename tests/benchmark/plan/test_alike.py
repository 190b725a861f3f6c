"""What must not pass for one another: channels that do the same, and values of an ablation that lie close together."""

from __future__ import annotations

import pytest

from benchmark.errors import InputError
from benchmark.plan.plan import plan
from benchmark.plan.reading import read
from tests.builder import AS_MADE, configuration


def test_two_channels_that_are_the_same_are_refused():
    with pytest.raises(InputError, match=r"^channel\.again: is the same as as_made, leave one of them out$"):
        read(configuration(channel={**AS_MADE, "again": {"_target_": "channel/as_made"}}))


def test_close_values_of_an_ablation_are_points_of_their_own():
    method = {"saliency": {"_target_": "fingerprint/saliency"}}
    values = [0.1000001, 0.10000014]
    ablation = {"counts": [], "settings": {"saliency": {"xi": values}}, "repeats": 1}
    variants = plan(read(configuration(fingerprint=method, ablation=ablation, repeats=1))).variants
    assert [each.prints.fingerprint.xi for each in variants] == values
    assert len({each.prints.key for each in variants}) == 2
