"""Paired differences against slow resampling, and the choice of rivals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from benchmark import metrics
from benchmark.report import Findings
from benchmark.report import summary as summaries
from benchmark.report.cubes import cube
from benchmark.report.differences import differences, rivals
from benchmark.report.findings import checked, of_main_channel
from benchmark.report.owner import decided
from benchmark.report.summary import summarise
from tests.benchmark.report.fabricated import noisy, perfect

Make = Callable[..., Findings]
WHITE, BLACK, AKH = ("saliency", "white"), ("saliency", "black"), ("akh", "label")


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "RESAMPLES", 150)
    monkeypatch.setattr("benchmark.report.differences.RESAMPLES", 150)


def ranked(fingerprint: str, number: int, suspect: str, positive: bool) -> int:
    """akh is worse than the others on distilled and filter-pruned copies."""
    if positive and fingerprint == "akh" and suspect.startswith(("distill", "filter")):
        return 5
    return noisy("saliency", number, suspect, positive)


def compared(findings: Findings) -> tuple[pd.DataFrame, pd.DataFrame]:
    ready = of_main_channel(checked(findings))
    summary = summarise(ready.scores, ready.references, 0.05)
    return ready.scores, differences(ready.scores, ready.references, 0.05, summary, ready.prints)


def row_of(rows: pd.DataFrame, method: tuple[str, str], rival: str, statistic: str = "auc") -> pd.Series:
    chosen = rows[(rows["fingerprint"] == method[0]) & (rows["verifier"] == method[1])]
    [found] = [row for _, row in chosen.iterrows() if (row["rival"], row["statistic"]) == (rival, statistic)]
    return found


def test_the_difference_is_that_of_the_means_and_its_interval_that_of_paired_resamples(make_findings: Make) -> None:
    scores, rows = compared(make_findings(tasks=["digits_class"], victims=3, matched=ranked))
    row = row_of(rows, AKH, "best")
    assert (row["against_fingerprint"], row["against_verifier"]) == WHITE
    suspects = scores[scores["family"] != "victim"]
    areas = {
        pair: group.groupby(["victim", "repeat"]).apply(lambda g: roc_auc_score(g["positive"], g["score"])).mean()
        for pair, group in suspects.groupby(["fingerprint", "verifier"])
    }
    assert row["difference"] == pytest.approx(areas[AKH] - areas[WHITE]) and row["difference"] < 0
    whole = cube(suspects.assign(accused=np.nan))
    draws = metrics.draw(whole.zoo, 3, resamples=150)
    apart = []
    for b in range(150):
        picked = np.repeat(np.arange(len(whole.suspects)), draws.suspects[b].astype(int))
        means = []
        for method in (whole.methods.index(AKH), whole.methods.index(WHITE)):
            of_victims = [
                np.mean([metrics.roc_auc(r[picked], whole.zoo.positive[picked]) for r in whole.scores[method, v]])
                for v in np.repeat(np.arange(3), draws.victims[b].astype(int))
            ]
            means.append(np.mean(of_victims))
        apart.append(means[0] - means[1])
    assert (row["low"], row["high"]) == pytest.approx(np.percentile(apart, [2.5, 97.5]), abs=1e-9)
    sides = min(np.sum(np.array(apart) <= 1e-9), np.sum(np.array(apart) >= -1e-9))
    assert row["p"] == pytest.approx(min(1, 2 * (1 + sides) / 151))


def test_methods_that_agree_everywhere_do_not_differ_and_their_interval_is_not_a_point(make_findings: Make) -> None:
    _, rows = compared(make_findings(tasks=["digits_class"], matched=ranked))
    row = row_of(rows, BLACK, "best")
    assert (row["difference"], row["p"], row["p_holm"]) == (0.0, 1.0, 1.0)
    error = 1 - 0.05 ** (1 / 6)
    assert (row["low"], row["high"]) == pytest.approx((-error, error))


def test_holm_is_over_all_comparisons_of_a_task_and_statistic(make_findings: Make) -> None:
    _, rows = compared(make_findings(victims=2))
    for _, group in rows.groupby(["task", "statistic"]):
        assert group["p_holm"].to_numpy() == pytest.approx(metrics.holm(group["p"].to_numpy()), nan_ok=True)
        assert len(group) == len(group.drop_duplicates(["rival", "fingerprint", "verifier"]))


def test_both_are_judged_on_the_suspects_that_both_can_judge(make_findings: Make) -> None:
    findings = make_findings(tasks=["digits_class"], victims=2, matched=ranked)
    rows = findings.scores
    silent = (rows["fingerprint"] == "akh") & rows["suspect"].str.startswith(("distill", "filter"))
    rows.loc[silent, ["score", "matched", "reason"]] = [np.nan, np.nan, "cannot"]
    row = row_of(compared(findings)[1], AKH, "best")
    assert (row["difference"], row["positives"], row["negatives"], row["victims"]) == (0.0, 4, 6, 2)
    assert (row["positives_least"], row["negatives_least"]) == (4, 6)


def test_n_says_so_where_the_victims_differ_in_whom_both_can_judge(make_findings: Make) -> None:
    findings = make_findings(tasks=["digits_class"], victims=2, matched=ranked)
    rows = findings.scores
    silent = (rows["fingerprint"] == "akh") & (rows["suspect"].str.startswith("distill") & (rows["victim"] == 1))
    rows.loc[silent, ["score", "matched", "reason"]] = [np.nan, np.nan, "cannot"]
    row = row_of(compared(findings)[1], AKH, "best")
    assert (row["positives_least"], row["positives"], row["negatives"]) == (5, 6, 6)


def test_the_cheapest_asks_fewest_queries_with_labels_before_all_others(make_findings: Make) -> None:
    methods = [("dear", "label", "label"), ("cheap", "label", "label"), ("free", "answers", "probability")]
    findings = make_findings(tasks=["digits_class"], methods=[*methods, ("inside", "x", "white box")])
    for name, queries in {"dear": 500, "cheap": 100, "free": 10, "inside": 1}.items():
        findings.scores.loc[findings.scores["fingerprint"] == name, "queries"] = queries
    ready = of_main_channel(checked(findings))
    rows, summary = decided(ready.scores, ready.references, 0.05), summarise(ready.scores)
    able = [(str(f), str(v)) for f, v, _ in [*methods, ("inside", "x", "")]]
    made = ready.prints
    assert rivals(rows, summary, made, able)["cheapest"] == ("cheap", "label")
    seen = rows[rows["access"] != "label"]
    assert rivals(seen, summary, made, able[2:])["cheapest"] == ("free", "answers")
    assert list(rivals(seen[seen["access"] == "white box"], summary, made, able[3:])) == ["best"]
    assert rivals(rows, summary, made, []) == {}


def test_of_those_that_ask_equally_often_the_cheapest_is_made_soonest(make_findings: Make) -> None:
    methods = [("slow", "label", "label"), ("quick", "label", "label")]
    findings = make_findings(tasks=["digits_class"], methods=methods)
    findings.scores["queries"] = 100
    for seconds in ({"slow": 9.0, "quick": 0.1}, {"slow": 0.1, "quick": 9.0}):
        findings.prints["seconds"] = findings.prints["fingerprint"].map(seconds)
        ready = of_main_channel(checked(findings))
        rows, summary = decided(ready.scores, ready.references, 0.05), summarise(ready.scores)
        found = rivals(rows, summary, ready.prints, [("slow", "label"), ("quick", "label")])
        assert found["cheapest"] == (min(seconds, key=seconds.__getitem__), "label")


def test_without_references_there_is_no_tpr_to_compare_and_it_is_said(make_findings: Make) -> None:
    findings = make_findings(tasks=["digits_class"])
    ready = of_main_channel(checked(findings))
    rows = differences(ready.scores, ready.references.head(0), 0.05, summarise(ready.scores), ready.prints)
    absent = rows[rows["statistic"] == "owner_tpr"]
    assert len(absent) and absent["difference"].isna().all()
    assert set(absent["reason"]) == {"one of them has no threshold"}


def test_methods_that_can_judge_nobody_have_no_rows(make_findings: Make) -> None:
    _, rows = compared(make_findings())
    assert not ((rows["task"] == "digits_angle") & (rows["fingerprint"] == "akh")).any()
    assert (rows["task"] == "digits_angle").any()


def test_each_pair_is_compared_once(make_findings: Make) -> None:
    _, rows = compared(make_findings(matched=perfect))
    pairs = rows.apply(
        lambda row: frozenset(
            ((row["fingerprint"], row["verifier"]), (row["against_fingerprint"], row["against_verifier"]))
        ),
        axis=1,
    )
    assert not rows.assign(pair=pairs)[["task", "statistic", "pair"]].duplicated().any()
    assert set(rows.loc[rows["task"] == "digits_class", "rival"]) == {"best", "cheapest"}
