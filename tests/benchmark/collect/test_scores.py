"""Scores: a number or a reason for every suspect, verifier and channel, whatever a method's own score does."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from typing import ClassVar

import pandas as pd
import pytest
from torch import Tensor

from benchmark.access.access import LABEL, NO_CHANNEL, LabelAPI
from benchmark.access.channels import Channel
from benchmark.contracts.fingerprint import Verifier
from benchmark.contracts.prints import Prints
from benchmark.spec.component import setting
from benchmark.tasks.base import Payload, Task
from fingerprints.labels import LabelMatch
from fingerprints.random import Random
from tests.builder import ANGLE, AS_MADE, BOTH, TASK, configuration
from tests.recipes import WHY
from tests.stores import Done, carried_out, command


class Tenths(Channel, name="channel/test_tenths"):
    """Answers are let out in tenths: a channel of who is asked, not of the prints."""

    def answer(self, y: Tensor) -> Tensor:
        return (y * 10).round() / 10


class Breaking(Verifier):
    """The share of labels that are the victim's, less a part; its score breaks down by itself.

    Args:
        part: in [0, 1]; beyond a half nothing can be scored.
        picky: only those who answer as the victim did everywhere can be scored.
    """

    access: ClassVar[str] = LABEL

    def __init__(self, part: float, picky: bool) -> None:
        self.part, self.picky = part, picky

    def measure(self, prints: Prints, suspect: LabelAPI) -> Tensor:
        return suspect.labels(prints.samples).float()

    def score(self, measured: Tensor, payload: Payload) -> float:
        same = measured == payload["answer"]
        if self.part > 0.5 or (self.picky and not same.all()):
            raise ArithmeticError("a share\nof nothing")
        return (1 - self.part) * same.double().mean().item()


class Faulty(Random, name="fingerprint/test_faulty"):
    """Random test images, and verifiers of which one never scores, one sometimes, and one by its setting."""

    part: float = setting(default=0.1, stage="score")

    def verifiers(self, task: Task) -> Mapping[str, Verifier]:
        return {
            "label": LabelMatch(),
            "never": Breaking(1.0, picky=False),
            "picky": Breaking(0.0, picky=True),
            "less": Breaking(self.part, picky=False),
        }


ERROR = "ArithmeticError: a share of nothing"
FAULTY = {"_target_": "fingerprint/test_faulty"}


def faulty(folder, *methods: str) -> dict:
    ablation = {"counts": [5, 10], "settings": {"faulty": {"part": [0.1, 0.3, 0.9]}}, "repeats": 1}
    chosen = configuration(folder, channel=BOTH, gallery=0, ablation=ablation)
    known = chosen["fingerprint"] | {"faulty": FAULTY}
    if "faulty" not in methods:
        chosen["ablation"]["settings"] = {}
    return chosen | {"fingerprint": {name: known[name] for name in methods}}


@pytest.fixture(scope="module")
def broken(tmp_path_factory) -> Done:
    found = carried_out(faulty(tmp_path_factory.mktemp("faulty"), "random", "faulty"))
    assert not found.failures
    return found


def test_a_score_that_breaks_costs_its_own_rows(broken):
    scores = broken.findings.scores
    assert len(scores) == 5 * 5 * 2 * 2  # models, verifiers, channels, repeats
    scores = scores[scores["fingerprint"] == "faulty"]
    rows = {name: scores[scores["verifier"] == name] for name in ("label", "never", "picky", "less")}
    lost = f"its score could not be computed ({ERROR})"
    assert rows["never"]["score"].isna().all() and set(rows["never"]["reason"]) == {lost}
    for name in ("label", "less"):
        assert rows[name]["score"].notna().all() and (rows[name]["reason"] == "").all()
    same = (rows["label"]["matched"] == rows["label"]["n"]).to_numpy()
    assert rows["picky"]["score"].notna().tolist() == same.tolist() and same.any() and not same.all()
    assert (rows["picky"]["reason"] == lost).tolist() == (~same).tolist()
    assert rows["never"]["queries"].notna().all()  # they were asked all the same


def test_other_methods_rows_are_what_they_are_without_it(broken):
    alone = carried_out(faulty(broken.store.root.parent, "random")).findings
    for name in ("scores", "ablations", "visibility"):
        both, own = getattr(broken.findings, name), getattr(alone, name)
        rows = both[both["fingerprint"] == "random"].reset_index(drop=True)
        pd.testing.assert_frame_equal(rows, own, check_dtype=False)  # counts alone are whole numbers
        assert len(own)
    assert alone.manifest["failures"] == []


def test_it_is_named_among_the_failures_once_and_ends_the_command_with_1(broken):
    names = [{"job": f"score of faulty {name}", "error": ERROR} for name in ("never", "picky", "less")]
    assert broken.findings.manifest["failures"] == names  # "less" breaks at the third point of its ablation alone
    assert command(broken.config) == 1
    results = broken.store.root.parent / "results" / "mini"
    assert json.loads((results / "manifest.json").read_text())["failures"] == names
    assert (
        ERROR in (results / "index.html").read_text()
        and "its score could not be computed" in gzip.decompress((results / "scores.csv.gz").read_bytes()).decode()
    )
    assert command(faulty(broken.store.root.parent, "random")) == 0


def test_ablations_leave_out_the_points_without_a_score(broken):
    rows = broken.findings.ablations
    points = rows[rows["fingerprint"] == "faulty"].groupby(["verifier", "setting"])["value"].unique().map(sorted)
    assert points["label", "count"] == points["less", "count"] == [5, 10]
    assert points["less", "part"] == [0.1, 0.3]
    assert "never" not in points and set(rows["fingerprint"]) == {"random", "faulty"}


@pytest.fixture(scope="module")
def reasoned(tmp_path_factory) -> Done:
    chosen = configuration(tmp_path_factory.mktemp("reasons"), repeats=1, gallery=0)
    chosen["task"] = {"digit": TASK, "angle": ANGLE}
    chosen["channel"] = {**AS_MADE, "tenths": {"_target_": "channel/test_tenths"}}
    chosen["suspect"] |= {
        "refused": {"_target_": "suspect/test_refused"},
        "other_half": {"_target_": "suspect/independent_variant", "data": "other"},
    }
    chosen["fingerprint"] |= {"saliency": {"_target_": "fingerprint/saliency", "steps": 2, "rounds": 1}}
    found = carried_out(chosen)
    assert not found.failures
    return found


def test_every_suspect_verifier_and_channel_has_a_score_or_a_reason(reasoned):
    scores = reasoned.findings.scores
    cells = scores[scores["family"] != "victim"].groupby(["task", "suspect", "fingerprint", "verifier", "channel"])
    assert cells.ngroups == len(scores[scores["family"] != "victim"]) == 2 * 6 * 3 * 2
    assert (scores["score"].isna() == (scores["reason"] != "")).all()


@pytest.mark.parametrize(
    ("task", "suspect", "fingerprint", "reason"),
    [
        ("digit", "refused", "saliency", WHY),  # found out when it was to be made
        ("digit", "other_half", "random", "nothing is left for another"),  # known from the start
        ("angle", "refused", "random", "no labels to match"),  # the method's own reason comes first
        ("angle", "independent replicate=0", "random", "no labels to match"),
    ],
)
def test_reasons_are_rows_for_every_channel(reasoned, task, suspect, fingerprint, reason):
    scores = reasoned.findings.scores.set_index(["task", "suspect", "fingerprint"]).sort_index()
    rows = scores.loc[(task, suspect, fingerprint)]
    verifiers = {"random": ["label"], "saliency": ["black", "white"]}[fingerprint]
    assert sorted(zip(rows["verifier"], rows["channel"], strict=True)) == [
        (verifier, channel) for verifier in verifiers for channel in ("as_made", "tenths")
    ]
    assert rows["reason"].str.contains(reason, regex=False).all()


def test_a_channel_of_who_is_asked_does_not_concern_a_white_box(reasoned):
    scores = reasoned.findings.scores
    rows = scores[(scores["channel"] == "tenths") & (scores["verifier"] == "white") & (scores["family"] != "refused")]
    judged = rows[rows["family"] != "other_half"]
    assert len(judged) == 2 * 5 and set(judged["reason"]) == {NO_CHANNEL}
