"""A suspect that a method cannot judge: a reason in its place, everywhere, and no score."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn

from benchmark.access.access import Answers, Labels, WhiteBox
from benchmark.cli.command import run
from benchmark.contracts.suspect import Ingredients, Suspect
from benchmark.errors import Inapplicable
from benchmark.networks.network import Network
from tests.benchmark.run.test_local import config

REASON = "label space differs: 4 classes instead of 10"


class Narrowed(Suspect, name="test/narrowed"):
    """The victim with its first `classes` classes alone, as after transfer to another label space."""

    classes: int = 4
    stolen = True

    def derive(self, given: Ingredients) -> Network:
        return narrowed(given.copy_of_victim(), self.classes)


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
    chosen["suspect"]["narrowed"] = {"_target_": "test/narrowed"}
    chosen["fingerprint"]["saliency"] = {"_target_": "fingerprint/saliency", "steps": 2, "rounds": 1}
    own = {"contrast": 2, "level": 0.6}  # with two models the 99 % bound lies below 0
    black = {"_target_": "fingerprint/deepjudge_black", "eps": 0.3, "step": 0.1} | own
    white = {"_target_": "fingerprint/deepjudge_white", "m": 1.1} | own
    chosen["fingerprint"] |= {"deepjudge_black": black, "deepjudge_white": white}
    assert run(chosen) == 0
    return folder / "results" / "mini"


def test_scores_hold_the_reason_and_no_number(results):
    scores = pd.read_csv(results / "scores.csv")
    own = scores[(scores["family"] == "narrowed") & (scores["fingerprint"] != "deepjudge_white")]
    assert len(own) == 6  # random, saliency white and black, robd, jsd and both
    assert set(own["reason"]) == {REASON}
    assert own[["score", "score_8bit", "matched", "queries"]].isna().all(axis=None)
    others = scores.drop(own.index)
    assert others["reason"].isna().all() and others["score"].notna().all()


def test_inner_layers_are_judged_all_the_same(results):
    scores = pd.read_csv(results / "scores.csv")
    own = scores[(scores["family"] == "narrowed") & (scores["fingerprint"] == "deepjudge_white")]
    assert own["verifier"].tolist() == ["nod", "nad", "lod", "lad", "white"]
    assert (own["score"] == 1).all() and own["reason"].isna().all()  # another head on the victim's own layers


def test_a_distance_stands_beside_its_score_and_its_threshold(results):
    scores = pd.read_csv(results / "scores.csv")
    rows = scores[scores["score"].notna()]
    distances = rows[rows["verifier"].isin(["robd", "jsd", "nod", "nad", "lod", "lad"])]
    assert distances["matched"].isna().all() and (distances["threshold"] >= 0).all()
    known = distances[distances["threshold"] > 0]
    assert len(known) > 10
    assert known["score"].tolist() == pytest.approx(
        (1 - known["statistic"] / (2 * known["threshold"])).clip(0, 1).tolist()
    )
    votes = rows[rows["fingerprint"].str.startswith("deepjudge") & ~rows.index.isin(distances.index)]
    assert votes["threshold"].isna().all() and votes["matched"].isna().all()
    assert set(votes["statistic"] * votes["verifier"].map({"black": 2, "white": 4})) <= {0, 1, 2, 3, 4}
    assert rows[rows["fingerprint"].isin(["random", "saliency"])][["statistic", "threshold"]].isna().all(axis=None)


def test_areas_leave_the_suspect_out_and_tables_say_so(results):
    summary = pd.read_csv(results / "summary.csv").query("suspects == 'all'")
    inner = summary["fingerprint"] == "deepjudge_white"
    assert set(summary.loc[~inner, "positives"]) == {2} and set(summary.loc[inner, "positives"]) == {3}
    assert set(summary["negatives"]) == {2}
    ablations = pd.read_csv(results / "ablations.csv")
    assert set(ablations.loc[ablations["fingerprint"] != "deepjudge_white", "positives"]) == {2}
    headline, families, matrix = (
        (results / "tables" / f"{name}.md").read_text() for name in ("headline", "families", "matrix")
    )
    assert f"1 suspect not judged: {REASON}" in headline
    assert families.count("n/a<sup>") == 6 and REASON in families
    row = next(line for line in matrix.splitlines() if line.startswith("| digits | narrowed"))
    assert row.count("n/a<sup>a</sup>") == 6 and f"<sup>a</sup> {REASON}" in matrix
    assert REASON in (results / "index.html").read_text()
