"""The question of integrity from end to end: what is intact scores above what was tampered with."""

from __future__ import annotations

from tests.builder import configuration
from tests.stores import carried_out

SUSPECTS = {
    "feature_permutation": {"_target_": "suspect/feature_permutation"},
    "weight_noise": {"_target_": "suspect/weight_noise", "rho": [1.0, 2.0]},
    "independent": {"_target_": "suspect/independent"},
}


def test_high_scores_say_yes(tmp_path):
    config = configuration(tmp_path, question="integrity", suspect=SUSPECTS, repeats=1, count=50)
    config["task"]["digits"]["training"] |= {"epochs": 5, "batch": 64}  # else the victim gives all images one label
    done = carried_out(config)
    assert not done.failures
    scores = done.findings.scores.set_index("suspect")
    assert scores.loc["feature_permutation", "positive"] and not scores.loc["weight_noise rho=1", "positive"]
    assert scores.loc["feature_permutation", "score"] == 1.0 > scores.loc["weight_noise rho=2", "score"]
    assert "not asked" in scores.loc["independent", "reason"] and scores["score"].isna().sum() == 1
