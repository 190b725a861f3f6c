"""Prints: parts of them, several groups as one, and the way to a file and back."""

from __future__ import annotations

import pytest
import torch

from benchmark.contracts.prints import Prints, first, flat, unflat


def some(numbers, origin=True):
    samples = torch.tensor(numbers, dtype=torch.float)[:, None, None, None] / 10
    return Prints(samples, samples + 1 if origin else None, {"answer": samples.flatten(), "tau": torch.tensor(0.5)})


def numbers(tensor):
    return (tensor.flatten() * 10).round().int().tolist()


@pytest.mark.parametrize("index", [torch.tensor([True, False, True]), torch.tensor([0, 2])])
def test_a_part_keeps_samples_origin_and_payload_together(index):
    part = some([1, 2, 3]).part(index)
    assert numbers(part.samples) == numbers(part.payload["answer"]) == [1, 3] and numbers(part.origin) == [11, 13]
    assert part.payload["tau"] == 0.5, "a single number is of all"
    assert some([1, 2, 3], origin=False).part(index).origin is None


def test_the_first_of_several_groups_come_in_order():
    prints = first([some([1, 2]), some([]), some([3, 4])], 3)
    assert numbers(prints.samples) == numbers(prints.payload["answer"]) == [1, 2, 3]
    assert numbers(prints.origin) == [11, 12, 13] and prints.payload["tau"] == 0.5
    assert first([some([1]), some([2], origin=False)], 2).origin is None


def test_a_file_holds_all_but_the_notes():
    prints = some([1, 2])
    back = unflat(flat(prints, 2))
    assert torch.equal(back.samples, prints.samples) and torch.equal(back.origin, prints.origin)
    assert set(back.payload) == {"answer", "tau"} and not back.notes


@pytest.mark.parametrize(("prints", "message"), [(some([1]), "1 prints instead of 2"), (some([1, 11]), r"\[0, 1\]")])
def test_what_no_api_takes_gets_no_score(prints, message):
    with pytest.raises(ValueError, match=message):
        flat(prints, 2)
