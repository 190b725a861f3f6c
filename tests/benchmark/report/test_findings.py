"""What the report accepts, and how it orders and names things."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

from benchmark.errors import InputError
from benchmark.report import Findings
from benchmark.report.findings import checked, families, label, methods, tasks

Make = Callable[..., Findings]


def test_a_missing_column_is_named(make_findings: Make) -> None:
    findings = make_findings()
    broken = replace(findings, prints=findings.prints.drop(columns="psnr"))
    with pytest.raises(InputError, match=r"findings\.prints: column psnr is missing"):
        checked(broken)


def test_a_row_without_score_and_reason_is_refused(make_findings: Make) -> None:
    findings = make_findings()
    scores = findings.scores.assign(score=float("nan"), reason="")
    with pytest.raises(InputError, match="needs a reason"):
        checked(replace(findings, scores=scores))


def test_a_suspect_scored_twice_is_refused(make_findings: Make) -> None:
    findings = make_findings()
    scores = pd.concat([findings.scores, findings.scores.head(1)])
    with pytest.raises(InputError, match="scored twice"):
        checked(replace(findings, scores=scores))


def test_no_scores_at_all_are_refused(make_findings: Make) -> None:
    findings = make_findings()
    with pytest.raises(InputError, match="no score at all"):
        checked(replace(findings, scores=findings.scores.head(0)))


def test_shares_are_recomputed_exactly_and_other_scores_kept(make_findings: Make) -> None:
    findings = make_findings()
    scores = findings.scores.copy()
    scores["score"] = scores["score"].astype("float32").astype(float)
    scores.loc[0, ["matched", "score"]] = [float("nan"), 0.123456789]
    exact = checked(replace(findings, scores=scores)).scores
    known = exact["matched"].notna()
    assert (exact.loc[known, "score"] == exact.loc[known, "matched"] / 100).all()
    assert exact.loc[0, "score"] == 0.123456789
    assert exact["score"].isna().sum() == findings.scores["score"].isna().sum()


def test_names_and_orders(make_findings: Make) -> None:
    scores = make_findings().scores
    assert tasks(scores) == ["digits_class", "digits_angle"]
    assert methods(scores) == [("saliency", "white"), ("saliency", "black"), ("akh", "label")]
    assert label(scores, "saliency", "white") == "saliency white"
    assert label(scores, "akh", "label") == "akh"
    scores.loc[scores["family"] == "distill", "family"] = "extract"
    shuffled = scores.sample(frac=1, random_state=0)
    assert families(shuffled) == ["finetune", "retrain", "weight_pruning", "filter_pruning", "extract", "independent"]
