"""summary.csv against values computed by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from benchmark.report import Findings
from benchmark.report import summary as summaries
from benchmark.report.findings import checked, of_main_channel
from benchmark.report.summary import PER_REPEAT, WITH_INTERVAL, by_method, summarise

Make = Callable[..., Findings]
SALIENCY = ("digits_class", "saliency", "white")


def ready(findings: Findings) -> Findings:
    """As the summary gets them."""
    return of_main_channel(checked(findings))


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "RESAMPLES", 50)


def summary_of(findings: Findings) -> pd.DataFrame:
    return summarise(ready(findings).scores)


def by_repeat(fingerprint: str, repeat: int, suspect: str, positive: bool) -> int:
    """Positives at 0.9 and 0.8, negatives at 0.1: ARUC 80/101 and 70/101. Filter pruning escapes."""
    if suspect.startswith("filter_pruning"):
        return 0
    return (90 - 10 * repeat) if positive else 10


def test_mean_sd_and_intervals_by_hand(make_findings: Make) -> None:
    kept = by_method(summary_of(make_findings(matched=by_repeat)), "kept")[SALIENCY]
    assert kept["aruc"] == pytest.approx(75 / 101)
    assert kept["aruc_sd"] == pytest.approx(np.sqrt(2) * 5 / 101)
    assert kept["aruc_exact"] == pytest.approx(0.75)
    assert (kept["aruc_low"], kept["aruc_high"]) == (pytest.approx(75 / 101), pytest.approx(75 / 101))
    assert kept["best_rho"] == pytest.approx((0.5 + 0.45) / 2)
    perfect = ["auc", "tpr_at_0", "tpr_at_5", "best", "robustness", "uniqueness"]
    assert kept[perfect].tolist() == [1.0] * 6
    assert kept[["positives", "negatives", "repeats"]].tolist() == [5, 6, 2]


def test_degraded_suspects_count_in_all_and_not_in_kept(make_findings: Make) -> None:
    whole = by_method(summary_of(make_findings(matched=by_repeat)), "all")[SALIENCY]
    assert whole["positives"] == 6
    # R is 5/6 up to 0.9 (0.8), U is 0 below 0.1: min(R, U) = 5/6 on 80 (70) grid points
    assert whole["aruc"] == pytest.approx(5 / 6 * 75 / 101)
    assert whole["auc"] == pytest.approx(5 / 6)
    assert whole["robustness"] == pytest.approx(5 / 6)
    assert whole["uniqueness"] == 1.0


def test_the_victim_is_a_self_check_and_no_positive(make_findings: Make) -> None:
    row = by_method(summary_of(make_findings(matched=lambda *_: 50)), "all")[SALIENCY]
    assert row["self_score"] == pytest.approx(0.98)
    assert row["auc"] == 0.5
    assert row["aruc"] == 0.0


def test_not_applicable_is_nan_with_its_reason_and_never_zero(make_findings: Make) -> None:
    summary = summary_of(make_findings())
    for variant in ("all", "kept"):
        row = by_method(summary, variant)["digits_angle", "akh", "label"]
        assert row["reason"] == "needs class labels: the task has none"
        assert row[["positives", "negatives", "repeats"]].tolist() == [0, 0, 0]
        columns = [*PER_REPEAT, *(f"{name}_sd" for name in PER_REPEAT), "self_score"]
        columns += [f"{name}_{end}" for name in WITH_INTERVAL for end in ("low", "high")]
        assert row[columns].isna().all()


def test_one_repeat_has_no_sd(make_findings: Make) -> None:
    row = by_method(summary_of(make_findings(repeats=1)), "all")[SALIENCY]
    assert row[[f"{name}_sd" for name in PER_REPEAT]].isna().all()
    assert not np.isnan(row["aruc"])


def test_a_side_with_degraded_suspects_only_leaves_kept_empty(make_findings: Make) -> None:
    zoo = [("filter_pruning ratio=1/16", "filter_pruning", True), ("independent replicate=0", "independent", False)]
    summary = summary_of(make_findings(zoo=zoo))
    kept = by_method(summary, "kept")[SALIENCY]
    assert np.isnan(kept["aruc"])
    assert kept["reason"] == "no scored positive or no scored negative among the kept suspects"
    assert by_method(summary, "all")[SALIENCY]["reason"] == ""


def test_a_missing_score_lowers_n_and_nothing_else(make_findings: Make) -> None:
    findings = make_findings(matched=by_repeat)
    gone = (findings.scores["suspect"] == "distill replicate=0") & (findings.scores["verifier"] == "white")
    for column in ("score", "matched"):
        findings.scores.loc[gone, column] = np.nan
    findings.scores.loc[gone, "reason"] = "the job failed"
    rows = by_method(summary_of(findings), "kept")
    assert rows[SALIENCY]["positives"] == 4
    assert rows[SALIENCY]["aruc"] == pytest.approx(75 / 101)
    assert rows["digits_class", "saliency", "black"]["positives"] == 5


def test_the_order_of_rows_does_not_change_the_intervals(make_findings: Make) -> None:
    findings = make_findings()
    shuffled = ready(findings).scores.sample(frac=1, random_state=1)
    keys = ["task", "fingerprint", "verifier", "suspects"]
    first = summary_of(findings).set_index(keys).sort_index()
    second = summarise(shuffled).set_index(keys).sort_index()
    names = [f"{name}_low" for name in WITH_INTERVAL]
    pd.testing.assert_frame_equal(first[names], second[names])
