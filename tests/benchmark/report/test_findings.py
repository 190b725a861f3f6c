"""What the report accepts, and how it orders and names things."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

from benchmark.errors import InputError
from benchmark.report import Findings
from benchmark.report.findings import (
    COLUMNS,
    KEYS,
    channels,
    checked,
    families,
    label,
    methods,
    of_main_channel,
    tasks,
)

Make = Callable[..., Findings]


def test_a_missing_column_is_named(make_findings: Make) -> None:
    findings = make_findings()
    broken = replace(findings, visibility=findings.visibility.drop(columns="psnr"))
    with pytest.raises(InputError, match=r"findings\.visibility: column psnr is missing"):
        checked(broken)


@pytest.mark.parametrize("name", list(KEYS))
def test_a_row_that_stands_twice_is_refused(make_whole: Make, name: str) -> None:
    findings = make_whole()
    frame = getattr(findings, name)
    with pytest.raises(InputError, match=rf"findings\.{name}: two rows of the same task, "):
        checked(replace(findings, **{name: pd.concat([frame, frame.head(1)])}))


@pytest.mark.parametrize(("name", "number"), [("scores", "score"), ("references", "score"), ("detections", "rate")])
def test_a_row_without_number_and_reason_is_refused(make_whole: Make, name: str, number: str) -> None:
    findings = make_whole()
    getattr(findings, name)[number] = float("nan")
    getattr(findings, name)["reason"] = ""
    with pytest.raises(InputError, match=rf"findings\.{name}: a row without a {number} needs a reason"):
        checked(findings)


def test_victims_and_repeats_are_whole_numbers_in_every_frame(make_whole: Make) -> None:
    findings = make_whole(victims=2)
    floats = {name: getattr(findings, name) for name in COLUMNS}
    floats = {
        name: frame.astype(dict.fromkeys({"victim", "repeat"} & {*frame}, float)) for name, frame in floats.items()
    }
    ready = checked(replace(findings, **floats))
    for name, columns in COLUMNS.items():
        for column in {"victim", "repeat"} & {*columns}:
            assert pd.api.types.is_integer_dtype(getattr(ready, name)[column]), f"{name} {column}"


def test_frames_that_were_not_given_are_empty_with_their_columns(make_findings: Make) -> None:
    findings = make_findings()
    for ready in (findings, checked(findings), checked(replace(findings, detections=pd.DataFrame()))):
        for name in ("detections", "distances", "ablations"):
            assert list(getattr(ready, name).columns) == list(COLUMNS[name])
            assert getattr(ready, name).empty
        assert ready.marks == {}


def test_the_harness_frames_are_not_changed_in_place(make_whole: Make) -> None:
    findings = make_whole()
    before = {name: getattr(findings, name).copy() for name in COLUMNS}
    checked(findings)
    for name, frame in before.items():
        pd.testing.assert_frame_equal(getattr(findings, name), frame)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channel": "jpeg"}, r"findings\.channel: no score is of channel 'jpeg', there are as_made, eight_bit"),
        ({"question": "theft"}, r"findings\.question: 'theft' is none of ownership, integrity"),
    ],
)
def test_a_channel_without_scores_and_an_unknown_question_are_refused(
    make_findings: Make, change: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        checked(replace(make_findings(), **change))


def test_the_main_channel_keeps_its_own_rows_and_clean_images(make_whole: Make) -> None:
    findings = checked(make_whole())
    for channel in ("as_made", "eight_bit"):
        main = of_main_channel(replace(findings, channel=channel))
        for name in ("scores", "visibility", "detections"):
            whole = getattr(findings, name)
            assert set(getattr(main, name)["channel"]) == {channel}
            assert len(getattr(main, name)) == (whole["channel"] == channel).sum() == len(whole) / 2
        assert (main.distances["fingerprint"] == "").sum() == (findings.distances["fingerprint"] == "").sum() > 0
        assert set(main.distances["channel"]) == {channel, ""}
        assert channels(replace(findings, channel=channel)) == sorted({"as_made", "eight_bit"}, reverse=channel > "b")


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


def test_a_sum_of_floats_is_not_above_the_number_that_it_means(make_findings: Make) -> None:
    findings = make_findings()
    scores = findings.scores.copy()
    scores.loc[0, ["matched", "score"]] = [float("nan"), 0.45000000000000007]
    assert checked(replace(findings, scores=scores)).scores.loc[0, "score"] == 0.45


def test_names_and_orders(make_findings: Make) -> None:
    scores = make_findings().scores
    assert tasks(scores) == ["digits_class", "digits_angle"]
    assert methods(scores) == [("saliency", "white"), ("saliency", "black"), ("akh", "label")]
    assert label(scores, "saliency", "white") == "saliency white"
    assert label(scores, "akh", "label") == "akh"
    scores.loc[scores["family"] == "distill", "family"] = "extract"
    shuffled = scores.sample(frac=1, random_state=0)
    assert families(shuffled) == ["finetune", "retrain", "weight_pruning", "filter_pruning", "extract", "independent"]
