"""A suspect that a method cannot judge: a reason in its place, everywhere, and no score."""

from __future__ import annotations

import pandas as pd
import pytest
import torch

from benchmark.access.access import LABEL, PROBABILITY, WHITE_BOX, grant
from benchmark.access.target import Target
from benchmark.errors import Inapplicable
from tests.builder import BOTH, configuration
from tests.recipes import narrowed
from tests.stores import Done, carried_out, command

REASON = "label space differs: 4 classes instead of 10"


@pytest.mark.parametrize("kind", [LABEL, PROBABILITY])
def test_a_black_box_refuses_another_label_space_and_counts_nothing(tasks, victim_of, splits_of, kind):
    task = tasks["classification"]
    x = splits_of(task).test.pixels(slice(5))
    box = grant(kind, Target.of(task, narrowed(victim_of(task), 4)))
    with pytest.raises(Inapplicable, match=f"^{REASON}$"):
        box.labels(x) if kind == LABEL else box.answers(x)
    assert box.queries == 0


def test_a_white_box_refuses_it_unless_inner_layers_are_all_that_is_asked(tasks, victim_of):
    task = tasks["classification"]
    network = narrowed(victim_of(task), 4)
    box = grant(WHITE_BOX, Target.of(task, network))
    with pytest.raises(Inapplicable, match=f"^{REASON}$"):
        box.inspect(3)
    assert box.queries == 0
    assert box.inspect(3, inner_only=True) is network and box.queries == 3


def test_other_kinds_of_answers_know_no_label_space(tasks, victim_of, splits_of):
    task = tasks["similarity"]
    x = splits_of(task).test.pixels(slice(6))
    cosines = grant(PROBABILITY, Target.of(task, narrowed(victim_of(task), 4))).answers(x[:3], x[3:])
    assert cosines.shape == (3,) and torch.isfinite(cosines).all()


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Done:
    folder = tmp_path_factory.mktemp("narrowed")
    chosen = configuration(
        folder, repeats=1, gallery=0, channel=BOTH, ablation={"counts": [5], "settings": {}, "repeats": 1}
    )
    chosen["task"]["digits"]["training"] |= {"epochs": 5, "batch": 64}  # else the victim gives all images one label
    chosen["proof"]["drop"] = False
    chosen["suspect"]["narrowed"] = {"_target_": "suspect/test_narrowed"}
    chosen["fingerprint"]["saliency"] = {"_target_": "fingerprint/saliency", "steps": 2, "rounds": 1}
    own = {"contrast": 2, "level": 0.6}  # with two models the 99 % bound lies below 0
    black = {"_target_": "fingerprint/deepjudge_black", "eps": 0.3, "step": 0.1} | own
    white = {"_target_": "fingerprint/deepjudge_white", "m": 1.1} | own
    chosen["fingerprint"] |= {"deepjudge_black": black, "deepjudge_white": white}
    found = carried_out(chosen)
    assert not found.failures
    return found


def test_scores_hold_the_reason_and_no_number_for_every_channel(done):
    scores = done.findings.scores
    own = scores[(scores["family"] == "narrowed") & (scores["fingerprint"] != "deepjudge_white")]
    assert own.groupby("channel").size().to_dict() == {"as_made": 6, "eight_bit": 6}
    assert set(own["reason"]) == {REASON}  # of random, saliency white and black, robd, jsd and both
    assert own[["score", "statistic", "threshold", "matched", "queries"]].isna().all(axis=None)
    others = scores.drop(own.index)
    assert (others["reason"] == "").all() and others["score"].notna().all()


def test_inner_layers_are_judged_all_the_same(done):
    scores = done.findings.scores.query("channel == 'as_made'")
    own = scores[(scores["family"] == "narrowed") & (scores["fingerprint"] == "deepjudge_white")]
    assert own["verifier"].tolist() == ["nod", "nad", "lod", "lad", "white"]
    assert (own["score"] == 1).all() and (own["reason"] == "").all()  # another head on the victim's own layers


def test_a_distance_stands_beside_its_score_and_its_threshold(done):
    scores = done.findings.scores
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


def test_areas_leave_the_suspect_out_and_tables_say_so(done):
    ablations = done.findings.ablations
    inner = ablations["fingerprint"] == "deepjudge_white"
    assert set(ablations.loc[~inner, "positives"]) == {2} and set(ablations.loc[inner, "positives"]) == {3}
    assert command(done.config) == 0
    results = done.store.root.parent / "results" / "mini"
    summary = pd.read_csv(results / "summary.csv").query("suspects == 'all'")
    inner = summary["fingerprint"] == "deepjudge_white"
    assert set(summary.loc[~inner, "positives"]) == {2} and set(summary.loc[inner, "positives"]) == {3}
    assert set(summary["negatives"]) == {2}
    headline, families, matrix = (
        (results / "tables" / f"{name}.md").read_text() for name in ("headline", "families", "matrix")
    )
    assert f"1 suspect not judged: {REASON}" in headline
    assert families.count("n/a<sup>") == 6 and REASON in families
    row = next(line for line in matrix.splitlines() if line.startswith("| digits | narrowed"))
    assert row.count("n/a<sup>a</sup>") == 6 and f"<sup>a</sup> {REASON}" in matrix
    assert REASON in (results / "index.html").read_text()
