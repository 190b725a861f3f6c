"""Prints that work on the victim: what is replaced, what stays, and that verifiers decide it by themselves."""

from __future__ import annotations

import pytest
import torch

from benchmark.access.access import LABEL
from benchmark.contracts.fingerprint import Fingerprint, Matcher, Verifier
from benchmark.contracts.prints import Prints
from benchmark.contracts.proof import proven
from benchmark.spec.component import setting


class Wanted(Matcher):
    """A print matches where the suspect gives the label that the method wants of it."""

    access = LABEL

    def __init__(self, method):
        self.method = method

    def measure(self, prints, suspect):
        return suspect.labels(prints.samples)

    def matches(self, measured, payload):
        return (measured == payload["wanted"]) & (payload["strength"] >= self.method.limit)


class Together(Verifier):
    """Judges all prints together."""

    access = LABEL

    def measure(self, prints, suspect):
        return suspect.labels(prints.samples)

    def score(self, measured, payload):
        return 0.5


class Scripted(Fingerprint, name="fingerprint/test_scripted"):
    """Test images; each call takes the next numbers of `GOOD`: does the print want the victim's own label?"""

    limit: float = setting(default=0.0, low=0, high=1, stage="score")
    alone: bool = True

    def verifiers(self, task):
        return {"wanted": Wanted(self)} if self.alone else {"together": Together()}

    def generate(self, owner, count, generator):
        start = sum(CALLS)
        CALLS.append(count)
        test = owner.data.test
        samples = test.pixels(slice(start, start + count))
        answer = owner.victim(samples).argmax(dim=1)
        good = torch.tensor(GOOD[start : start + count])
        payload = {
            "wanted": torch.where(good, answer, answer + 1),
            "strength": torch.full((count,), 0.5),
            "number": torch.arange(start, start + count),
            "alone": torch.tensor(len(CALLS)),
        }
        return Prints(samples, samples / 2, payload, {"call": len(CALLS)})


CALLS: list[int] = []
GOOD = [True, False, True, False, False, True, False, False, True, True, True, True]


@pytest.fixture(autouse=True)
def fresh():
    CALLS.clear()


@pytest.mark.parametrize(
    ("rounds", "calls", "numbers", "works"),
    [
        (0, [5], [0, 1, 2, 3, 4], 2 / 5),
        (1, [5, 3], [0, 5, 2, 3, 4], 3 / 5),  # of three new ones the first works
        (2, [5, 3, 2], [0, 5, 2, 8, 9], 1.0),
        (9, [5, 3, 2], [0, 5, 2, 8, 9], 1.0),
    ],
)
def test_what_fails_on_the_victim_is_replaced(classifier, generator, rounds, calls, numbers, works):
    prints = proven(Scripted(), classifier, 5, generator(0), rounds)
    assert calls == CALLS and prints.payload["number"].tolist() == numbers
    assert prints.notes == {"call": 1, "replaced": len(set(numbers) - set(range(5))), "works": works}
    test = classifier.data.test
    assert torch.equal(prints.samples, test.pixels(torch.tensor(numbers)))
    assert torch.equal(prints.origin, prints.samples / 2)
    assert prints.payload["alone"] == 1  # a number that is of all prints


def test_verifiers_that_judge_prints_together_replace_nothing(classifier, generator):
    prints = proven(Scripted(alone=False), classifier, 5, generator(0), 3)
    assert CALLS == [5] and prints.notes == {"call": 1}


def test_prints_do_not_hang_on_settings_of_the_score(classifier, generator):
    prints = proven(Scripted(limit=1.0), classifier, 5, generator(0), 2)  # at which no print would match
    assert prints.payload["number"].tolist() == [0, 5, 2, 8, 9]


def test_a_print_has_to_work_as_an_8_bit_picture_too(classifier, generator, monkeypatch):
    class Between(Scripted, name="fingerprint/test_between"):
        """Its samples lie between the levels of 8 bits, and its verifier's victim notices."""

        def generate(self, owner, count, generator):
            prints = super().generate(owner, count, generator)
            return Prints(prints.samples * 0 + 0.501, prints.origin, prints.payload, prints.notes)

        def verifiers(self, task):
            return {"exact": Exact()}

    class Exact(Wanted):
        def __init__(self):
            pass

        def measure(self, prints, suspect):
            return prints.samples.amax(dim=(1, 2, 3))

        def matches(self, measured, payload):
            return measured == torch.tensor(0.501)

    assert proven(Between(), classifier, 3, generator(0), 0).notes["works"] == 0
