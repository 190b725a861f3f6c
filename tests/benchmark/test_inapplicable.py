"""A suspect that a method cannot judge: a reason in its place, everywhere, and no score."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn

from benchmark.access import Answers, Labels, WhiteBox
from benchmark.command import run
from benchmark.errors import Inapplicable
from benchmark.models import Network
from suspects.base import Case, Suspect
from tests.benchmark.test_execute import config

REASON = "label space differs: 4 classes instead of 10"


class Narrowed(Suspect):
    """The victim with its first `classes` classes alone, as after transfer to another label space."""

    classes: int = 4
    stolen = True

    def derive(self, case: Case) -> Network:
        return narrowed(case.stolen(), self.classes)


def narrowed(network: Network, classes: int) -> Network:
    last = network.last
    last.weight, last.bias = (nn.Parameter(t[:classes].detach().clone()) for t in (last.weight, last.bias))
    last.out_features = classes
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize("kind", [Answers, Labels])
def test_a_black_box_refuses_another_label_space_and_counts_nothing(tasks, victim_of, splits_of, kind):
    task = tasks["classification"]
    x = splits_of(task).test.pixels(slice(5))
    box = kind(task, narrowed(victim_of(task), 4))
    with pytest.raises(Inapplicable, match=f"^{REASON}$"):
        box.labels(x) if kind is Labels else box.answers(x)
    assert box.queries == 0


def test_a_white_box_refuses_it_unless_inner_layers_are_all_that_is_asked(tasks, victim_of):
    task = tasks["classification"]
    network = narrowed(victim_of(task), 4)
    box = WhiteBox(task, network)
    with pytest.raises(Inapplicable, match=f"^{REASON}$"):
        box.inspect(3)
    assert box.queries == 0
    assert box.inspect(3, inner_only=True) is network and box.queries == 3


def test_other_kinds_of_answers_know_no_label_space(tasks, victim_of, splits_of):
    task = tasks["similarity"]
    x = splits_of(task).test.pixels(slice(6))
    cosines = Answers(task, narrowed(victim_of(task), 4)).answers(x[:3], x[3:])
    assert cosines.shape == (3,) and torch.isfinite(cosines).all()


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("narrowed")
    chosen = config(folder, repeats=1, gallery=0, ablation={"counts": [5], "settings": {}, "repeats": 1})
    chosen["suspect"]["narrowed"] = {"_target_": "tests.benchmark.test_inapplicable.Narrowed"}
    chosen["fingerprint"]["saliency"] = {"_target_": "fingerprints.saliency.Saliency", "steps": 2, "rounds": 1}
    assert run(chosen) == 0
    return folder / "results" / "mini"


def test_scores_hold_the_reason_and_no_number(results):
    scores = pd.read_csv(results / "scores.csv")
    own = scores[scores["family"] == "narrowed"]
    assert len(own) == 3  # of random, saliency white and saliency black
    assert set(own["reason"]) == {REASON}
    assert own[["score", "score_8bit", "matched", "queries"]].isna().all(axis=None)
    others = scores[scores["family"] != "narrowed"]
    assert others["reason"].isna().all() and others["score"].notna().all()


def test_areas_leave_the_suspect_out_and_tables_say_so(results):
    summary = pd.read_csv(results / "summary.csv").query("suspects == 'all'")
    assert set(summary["positives"]) == {2} and set(summary["negatives"]) == {2}
    assert set(pd.read_csv(results / "ablations.csv")["positives"]) == {2}
    headline, families, matrix = (
        (results / "tables" / f"{name}.md").read_text() for name in ("headline", "families", "matrix")
    )
    assert f"1 suspect not judged: {REASON}" in headline
    assert families.count("n/a<sup>") == 3 and REASON in families
    row = next(line for line in matrix.splitlines() if line.startswith("| digits | narrowed"))
    assert row.count("n/a<sup>a</sup>") == 3 and f"<sup>a</sup> {REASON}" in matrix
    assert REASON in (results / "index.html").read_text()
