"""summary.csv against values computed by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from benchmark.report import Findings
from benchmark.report import summary as summaries
from benchmark.report.findings import checked, of_main_channel
from benchmark.report.summary import PER_REPEAT, VARIANTS, WITH_INTERVAL, by_method, summarise

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
    assert kept["aruc_sd_repeats"] == pytest.approx(np.sqrt(2) * 5 / 101)
    assert np.isnan(kept["aruc_sd"])  # of one victim
    assert kept["aruc_exact"] == pytest.approx(0.75)
    assert kept["best_rho"] == pytest.approx((0.5 + 0.45) / 2)
    perfect = ["auc", "auc_macro", "tpr_at_0", "tpr_at_5", "best", "robustness", "uniqueness"]
    assert kept[perfect].tolist() == [1.0] * 7
    assert kept[["positives", "negatives", "victims", "repeats"]].tolist() == [5, 6, 1, 2]
    assert kept[["n_prints", "made"]].tolist() == [100, 100]


def test_what_no_resample_varies_is_as_wide_as_five_equal_suspects_leave_it(make_findings: Make) -> None:
    """Five positives and six negatives, each side all alike: five pairs that share no suspect."""
    kept, error = by_method(summary_of(make_findings(matched=by_repeat)), "kept")[SALIENCY], 1 - 0.05 ** (1 / 5)
    aruc = 75 / 101
    expected = (aruc * (1 - error), aruc + error * (100 / 101 - aruc))
    assert (kept["aruc_low"], kept["aruc_high"]) == pytest.approx(expected)
    assert (kept["auc_low"], kept["auc_high"]) == pytest.approx((1 - error, 1.0))


def test_the_mean_is_over_victims_of_means_over_repeats(make_findings: Make) -> None:
    """Three victims of two repeats with ARUC k/101: 80, 70; 60, 50; 40, and no second repeat."""
    ends = (90, 80, 70, 60, 50, 50)

    def matched(fingerprint: str, number: int, suspect: str, positive: bool) -> int:
        return ends[number] if positive else 10

    findings = make_findings(tasks=["digits_class"], victims=3, matched=matched)
    rows = findings.scores
    gone = (rows["victim"] == 2) & (rows["repeat"] == 1)
    rows.loc[gone, ["score", "matched", "reason"]] = [np.nan, np.nan, "the job failed"]
    row = by_method(summary_of(findings), "all")[SALIENCY]
    assert row["aruc"] == pytest.approx((75 + 55 + 40) / 3 / 101)
    assert row["aruc_sd"] == pytest.approx(np.std([75, 55, 40], ddof=1) / 101)
    assert row["aruc_sd_repeats"] == pytest.approx(np.sqrt((50 + 50) / 2) / 101)
    assert row[["victims", "repeats"]].tolist() == [3, 2]


def test_the_common_suspects_are_those_that_every_able_method_judges_for_every_victim(make_findings: Make) -> None:
    findings = make_findings(tasks=["digits_class"], victims=2)
    rows = findings.scores
    silent = (rows["suspect"] == "distill replicate=0") & (rows["verifier"] == "white") & (rows["victim"] == 0)
    silent |= (rows["suspect"] == "finetune layers=all") & (rows["verifier"] == "black") & (rows["repeat"] == 0)
    silent |= rows["fingerprint"] == "akh"  # able to judge nobody, so no measure of what is common
    rows.loc[silent, ["score", "matched", "reason"]] = [np.nan, np.nan, "cannot"]
    summary = summary_of(findings)
    own, common = by_method(summary, "all"), by_method(summary, "common")
    assert own[SALIENCY]["positives"] == 6 and common[SALIENCY]["positives"] == 5
    assert common["digits_class", "akh", "label"]["reason"] == "cannot"
    ready_rows = ready(findings).scores
    here = ready_rows[(ready_rows["verifier"] == "white") & (ready_rows["family"] != "victim")]
    here = here[here["suspect"] != "finetune layers=all"]
    areas = []
    for victim, group in here.groupby("victim"):
        chosen = group[group["suspect"] != "distill replicate=0"] if victim == 0 else group
        areas.append(np.mean([roc_auc_score(r["positive"], r["score"]) for _, r in chosen.groupby("repeat")]))
    assert common[SALIENCY]["auc"] == pytest.approx(np.mean(areas))
    assert common[SALIENCY]["auc"] != own[SALIENCY]["auc"]


def test_the_interval_says_of_what_it_speaks(make_findings: Make) -> None:
    one = by_method(summary_of(make_findings()), "all")[SALIENCY]["covers"]
    assert one == "other families of positives, suspects; not other victims, families of negatives (one only)"
    findings = make_findings(victims=2)
    findings.scores.loc[findings.scores["suspect"] == "independent replicate=1", "family"] = "sibling"
    several = by_method(summary_of(findings), "all")[SALIENCY]["covers"]
    assert several == "other victims, families of positives, families of negatives, suspects"


def test_several_victims_that_differ_widen_the_interval(make_findings: Make) -> None:
    def matched(fingerprint: str, number: int, suspect: str, positive: bool) -> int:
        lucky = number < 2  # the first victim
        return (90 if lucky or suspect[-1] in "012356" else 5) if positive else int(suspect[-1]) * 10

    rows = [
        by_method(summary_of(make_findings(victims=victims, matched=matched)), "all")[SALIENCY] for victims in (1, 3)
    ]
    widths = [row["auc_high"] - row["auc_low"] for row in rows]
    assert widths[1] > widths[0]


def test_shares_at_the_owners_threshold_by_hand(make_findings: Make) -> None:
    """References match 0 to 19 of 100, so the threshold is 0.19: one negative of six is above, in one repeat of two."""

    def matched(fingerprint: str, number: int, suspect: str, positive: bool) -> int:
        if positive:
            return 90 if suspect.startswith("finetune") else 19
        return 20 if suspect.endswith("=0") and number == 0 else 0

    findings = make_findings(tasks=["digits_class"], matched=matched)
    row = by_method(summarise(ready(findings).scores, findings.references, 0.05), "all")[SALIENCY]
    assert row[["owner_rho", "owner_tpr", "owner_fpr"]].tolist() == pytest.approx([0.19, 2 / 6, 1 / 12])
    assert row[["references", "smallest_p"]].tolist() == pytest.approx([20, 1 / 21])
    assert row["owner_reason"] == ""
    assert row["owner_tpr_low"] < 2 / 6 < row["owner_tpr_high"]


def test_no_innocent_accused_is_bounded_by_their_number(make_findings: Make) -> None:
    findings = make_findings(tasks=["digits_class"], matched=lambda *given: 100 if given[-1] else 0)
    row = by_method(summarise(ready(findings).scores, findings.references, 0.05), "all")[SALIENCY]
    assert (row["owner_fpr"], row["owner_tpr"]) == (0.0, 1.0)
    assert (row["owner_fpr_low"], row["owner_fpr_high"]) == (0.0, pytest.approx(1 - 0.05 ** (1 / 6)))
    assert (row["owner_tpr_low"], row["owner_tpr_high"]) == (pytest.approx(0.05 ** (1 / 6)), 1.0)


def test_too_few_references_are_no_threshold_and_said_so(make_findings: Make) -> None:
    findings = make_findings(tasks=["digits_class"])
    short = findings.references[findings.references["reference"].str[-2:].astype(int) < 12]
    for references, count in ((findings.references.head(0), 0), (short, 12)):
        row = by_method(summarise(ready(findings).scores, references, 0.05), "all")[SALIENCY]
        assert row[["owner_rho", "owner_tpr", "owner_fpr", "owner_tpr_low"]].isna().all()
        assert row["owner_reason"] == f"no threshold keeps 5 %: it takes 19 references, there are {count}"


def test_degraded_suspects_count_in_all_and_not_in_kept(make_findings: Make) -> None:
    whole = by_method(summary_of(make_findings(matched=by_repeat)), "all")[SALIENCY]
    assert whole["positives"] == 6
    # R is 5/6 up to 0.9 (0.8), U is 0 below 0.1: min(R, U) = 5/6 on 80 (70) grid points
    assert whole["aruc"] == pytest.approx(5 / 6 * 75 / 101)
    assert whole["auc"] == pytest.approx(5 / 6)
    assert whole["robustness"] == pytest.approx(5 / 6)
    assert whole["uniqueness"] == 1.0


def test_degraded_innocents_stay_in_kept(make_findings: Make) -> None:
    findings = make_findings(matched=by_repeat)
    findings.scores.loc[~findings.scores["positive"], "degraded"] = True
    assert by_method(summary_of(findings), "kept")[SALIENCY]["negatives"] == 6


def test_the_victim_is_a_self_check_and_no_positive(make_findings: Make) -> None:
    row = by_method(summary_of(make_findings(matched=lambda *_: 50)), "all")[SALIENCY]
    assert row["self_score"] == pytest.approx(0.98)
    assert row["auc"] == 0.5
    assert row["aruc"] == 0.0


def test_not_applicable_is_nan_with_its_reason_and_never_zero(make_findings: Make) -> None:
    summary = summary_of(make_findings())
    for variant in VARIANTS:
        row = by_method(summary, variant)["digits_angle", "akh", "label"]
        assert row["reason"] == "needs class labels: the task has none"
        assert row[["positives", "negatives", "victims", "repeats"]].tolist() == [0] * 4
        columns = [*PER_REPEAT, *(f"{name}_sd" for name in PER_REPEAT), "self_score"]
        columns += [f"{name}_{end}" for name in WITH_INTERVAL for end in ("low", "high")]
        assert row[columns].isna().all()


def test_one_repeat_has_no_sd(make_findings: Make) -> None:
    row = by_method(summary_of(make_findings(repeats=1)), "all")[SALIENCY]
    assert row[[f"{name}_sd" for name in PER_REPEAT] + [f"{name}_sd_repeats" for name in PER_REPEAT]].isna().all()
    assert not np.isnan(row["aruc"])


def test_a_side_with_degraded_suspects_only_leaves_kept_empty(make_findings: Make) -> None:
    zoo = [("filter_pruning ratio=1/16", "filter_pruning", True), ("independent replicate=0", "independent", False)]
    summary = summary_of(make_findings(zoo=zoo))
    kept = by_method(summary, "kept")[SALIENCY]
    assert np.isnan(kept["aruc"])
    assert kept["reason"] == "no scored positive or no scored negative among these suspects"
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
