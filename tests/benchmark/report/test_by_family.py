"""AUC of each family alone, against scikit-learn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from benchmark.report import Findings
from benchmark.report import summary as summaries
from benchmark.report.by_family import areas
from benchmark.report.findings import checked, of_main_channel

Make = Callable[..., Findings]


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "RESAMPLES", 100)


def scores_of(findings: Findings) -> pd.DataFrame:
    return of_main_channel(checked(findings)).scores


def test_each_family_stands_against_the_whole_other_side(make_findings: Make) -> None:
    findings = make_findings(tasks=["digits_class"], victims=2)
    odd = findings.scores["suspect"].isin(["independent replicate=1", "independent replicate=3"])
    findings.scores.loc[odd, "family"] = "other_half"
    scores = scores_of(findings)
    rows = areas(scores)
    here = scores[(scores["verifier"] == "white") & (scores["family"] != "victim")]
    for family, positive in (("finetune", True), ("weight_pruning", True), ("other_half", False), ("distill", True)):
        chosen = here[(here["family"] == family) | (here["positive"] != positive)]
        expected = np.mean([roc_auc_score(g["positive"], g["score"]) for _, g in chosen.groupby(["victim", "repeat"])])
        [row] = [r for _, r in rows[rows["family"] == family].iterrows() if r["verifier"] == "white"]
        assert row["auc"] == pytest.approx(expected) and row["positive"] == positive
        assert row["low"] <= row["auc"] <= row["high"] and row["victims"] == 2
        own = chosen.loc[chosen["family"] == family, "suspect"].nunique()
        assert (row["suspects"], row["others"]) == (own, 6)  # six positives, six negatives


def test_copies_that_learnt_from_answers_are_known_by_their_relation(make_findings: Make) -> None:
    zoo = [
        ("knockoff 0", "distill", True),
        ("jbda 0", "jbda", True),
        ("finetune", "finetune", True),
        *((f"independent {i}", "independent", False) for i in range(6)),
    ]
    findings = make_findings(tasks=["digits_class"], zoo=zoo)
    findings.scores.loc[findings.scores["family"] == "jbda", "relation"] = "derived"
    rows = areas(scores_of(findings))
    derived = rows[rows["family"] == ""]
    assert set(derived["relation"]) == {"derived"} and set(derived["suspects"]) == {2}
    assert len(derived) == 3  # methods


def test_derived_copies_that_are_degraded_are_left_out_for_the_victim_of_which_they_are(make_findings: Make) -> None:
    zoo = [
        *((f"knockoff {i}", "knockoff", True) for i in range(3)),
        ("finetune", "finetune", True),
        *((f"independent {i}", "independent", False) for i in range(6)),
    ]
    findings = make_findings(tasks=["digits_class"], victims=2, zoo=zoo)
    rows = findings.scores
    rows.loc[rows["family"] == "knockoff", "relation"] = "derived"
    useless = (rows["suspect"] == "knockoff 0") | ((rows["suspect"] == "knockoff 1") & (rows["victim"] == 0))
    rows.loc[useless, "degraded"] = True
    scores = scores_of(findings)
    found = areas(scores)
    [row] = [r for _, r in found[found["family"] == ""].iterrows() if r["verifier"] == "white"]
    here = scores[(scores["verifier"] == "white") & (scores["family"] != "victim")]
    chosen = here[~here["positive"] | ((here["relation"] == "derived") & ~here["degraded"])]
    expected = np.mean([roc_auc_score(g["positive"], g["score"]) for _, g in chosen.groupby(["victim", "repeat"])])
    assert row["auc"] == pytest.approx(expected) and (row["suspects"], row["others"]) == (2, 6)
    whole = found[(found["family"] == "knockoff") & (found["verifier"] == "white")].iloc[0]
    assert whole["suspects"] == 3 and whole["auc"] != pytest.approx(expected)


def test_without_a_derived_copy_that_works_there_is_no_row_of_them(make_findings: Make) -> None:
    findings = make_findings(tasks=["digits_class"])
    findings.scores.loc[findings.scores["relation"] == "derived", "degraded"] = True
    found = areas(scores_of(findings))
    assert "" not in set(found["family"]) and "distill" in set(found["family"])


def test_perfect_families_have_intervals_and_a_p_of_their_size(make_findings: Make) -> None:
    rows = areas(scores_of(make_findings(tasks=["digits_class"], matched=lambda *g: 90 if g[-1] else 10)))
    row = rows[(rows["family"] == "finetune") & (rows["verifier"] == "white")].iloc[0]
    assert (row["low"], row["high"]) == (pytest.approx(0.05**0.5), 1.0) and row["p"] == pytest.approx(0.5**2)
    negatives = rows[(rows["family"] == "independent") & (rows["verifier"] == "white")].iloc[0]
    assert negatives["low"] == pytest.approx(0.05 ** (1 / 6)) and not negatives["positive"]
    assert negatives["p"] == pytest.approx(2 / 101)  # of 100 resamples; 0.5^6 is less


def test_a_family_that_a_method_cannot_judge_has_no_row(make_findings: Make) -> None:
    findings = make_findings(tasks=["digits_class"])
    rows = findings.scores
    silent = (rows["family"] == "distill") & (rows["fingerprint"] == "akh")
    rows.loc[silent, ["score", "matched", "reason"]] = [np.nan, np.nan, "cannot"]
    found = areas(scores_of(findings))
    assert not (found["family"].isin(["distill", ""]) & (found["fingerprint"] == "akh")).any()
    assert (found["family"] == "distill").sum() == 2
