"""The owner's verdicts against conformal p-values by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from benchmark.report import Findings
from benchmark.report.findings import checked, of_main_channel
from benchmark.report.owner import decided, rate_of, verdicts, without_threshold

Make = Callable[..., Findings]


def ready(findings: Findings) -> Findings:
    return of_main_channel(checked(findings))


def tenths(fingerprint: str, number: int, suspect: str, positive: bool) -> int:
    """The second set of prints matches one print more."""
    return (18 + number) if positive else number


def test_threshold_and_p_come_of_the_references_of_the_same_prints(make_findings: Make) -> None:
    """References match 0, 1, ..., 19 of 100: 18 and 19 have p of 3/21 and 2/21, the threshold is 0.19."""
    findings = ready(make_findings(tasks=["digits_class"], victims=2, repeats=1, matched=tenths))
    later = findings.references["victim"] == 1
    findings.references.loc[later, "score"] += 0.01  # another victim's prints, another threshold
    rows = decided(findings.scores, findings.references, 0.05)
    assert "victim" not in set(rows["family"])
    for victim, rho, p in ((0, 0.19, 3 / 21), (1, 0.20, 3 / 21)):
        positives = rows[(rows["victim"] == victim) & rows["positive"]]
        assert positives["rho"].unique() == pytest.approx([rho]) and positives["p"].unique() == pytest.approx([p])
        assert set(positives["accused"]) == {0.0} and set(positives["references"]) == {20}


def test_a_score_equal_to_the_threshold_does_not_accuse_and_the_next_does(make_findings: Make) -> None:
    for count, accused, p in ((19, 0.0, 2 / 21), (20, 1.0, 1 / 21)):
        findings = ready(make_findings(tasks=["digits_class"], repeats=1, matched=lambda *given, c=count: c))
        rows = decided(findings.scores, findings.references, 0.05)
        assert set(rows["accused"]) == {accused} and rows["p"].unique() == pytest.approx([p])
        assert all((rows["p"] <= 0.05) == (rows["accused"] == 1))


def test_a_reference_that_could_not_be_judged_does_not_count(make_findings: Make) -> None:
    findings = ready(make_findings(tasks=["digits_class"], repeats=1))
    findings.references.loc[findings.references["reference"] == "reference 19", "score"] = np.nan
    rows = decided(findings.scores, findings.references, 0.05)
    assert set(rows["references"]) == {19} and set(rows["rho"]) == {0.18}


def test_suspects_without_a_score_have_neither_verdict_nor_row(make_findings: Make) -> None:
    findings = ready(make_findings())
    rows = decided(findings.scores, findings.references, 0.05)
    silent = rows["score"].isna()
    assert silent.any() and rows.loc[silent, ["accused", "p"]].isna().all(axis=None)
    table = verdicts(findings.scores, findings.references, 0.05)
    assert not ((table["task"] == "digits_angle") & (table["fingerprint"] == "akh")).any()


def test_the_table_takes_repeats_together_and_the_largest_p(make_findings: Make) -> None:
    findings = ready(make_findings(tasks=["digits_class"], victims=2, matched=tenths))
    table = verdicts(findings.scores, findings.references, 0.05)
    assert not table.duplicated(["task", "victim", "fingerprint", "verifier", "suspect"]).any()
    row = table[(table["victim"] == 1) & (table["suspect"] == "retrain layers=all")].iloc[0]
    assert row["score"] == pytest.approx(0.205) and row["rho"] == pytest.approx(0.19)  # 20 and 21 of 100
    assert (row["accused"], row["repeats"], row["references"]) == (1.0, 2, 20)
    first = table[(table["victim"] == 0) & (table["suspect"] == "retrain layers=all")].iloc[0]
    assert first["accused"] == 0.0 and first["p"] == pytest.approx(3 / 21)  # of 3/21 and 2/21


def test_no_references_are_no_verdicts(make_findings: Make) -> None:
    findings = ready(make_findings(tasks=["digits_class"]))
    rows = decided(findings.scores, findings.references.head(0), 0.05)
    assert rows[["rho", "p", "accused"]].isna().all(axis=None) and set(rows["references"]) == {0}
    assert verdicts(findings.scores, findings.references.head(0), 0.05)["score"].notna().all()


def test_the_rate_is_the_manifests() -> None:
    assert rate_of({"accusation_rate": 0.01}) == 0.01
    assert rate_of({}) == 0.05
    assert without_threshold(20, 0.01) == "no threshold keeps 1 %: it takes 99 references, there are 20"
