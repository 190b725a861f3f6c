"""Distances per family with their thresholds, and the radars: what is drawn, and the area as the confidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from benchmark.report import Findings
from benchmark.report.figures import every, radar, separation, style
from benchmark.report.figures.sheet import Sheet
from benchmark.report.findings import checked, of_main_channel
from benchmark.report.summary import summarise
from benchmark.report.view import WHOLE

Make = Callable[..., Findings]
TASK = "digits_class"
DISTANCES = [
    ("judge_black", "robd"),
    ("judge_black", "jsd"),
    *(("judge_white", name) for name in ("nod", "nad", "lod")),
]


def scores_of(findings: Findings) -> tuple[pd.DataFrame, Sheet]:
    """What single-channel figures get."""
    given = of_main_channel(checked(findings))
    return given.scores, Sheet.of(given, WHOLE)


@pytest.fixture(scope="module")
def make_distances(make_findings: Callable[..., Findings]) -> Callable[..., Findings]:
    """Findings of five distances, each with its threshold; two suspects could not be judged by two, one by four."""

    def make(distances: Sequence[tuple[str, str]] = DISTANCES, **others: Any) -> Findings:
        methods = [(fingerprint, verifier, "white box") for fingerprint, verifier in distances]
        findings = make_findings(tasks=["digits_class"], methods=[*methods, ("akh", "label", "label")], **others)
        scores = findings.scores
        judged = scores["fingerprint"] != "akh"
        scores.loc[judged, "threshold"] = 0.5
        scores.loc[judged, "statistic"] = 1 - scores.loc[judged, "score"]  # 1 - d / (2 tau)
        scores.loc[judged, "matched"] = np.nan
        numbers = ["score", "statistic", "threshold"]
        for suspect, verifiers in (
            ("distill replicate=0", ["robd", "jsd"]),
            ("retrain layers=all", ["jsd", "nod", "nad", "lod"]),
        ):
            gone = scores["suspect"].eq(suspect) & scores["verifier"].isin(verifiers)
            scores.loc[gone, [*numbers, "reason"]] = [np.nan] * 3 + ["label space differs"]
        return findings

    return make


def texts(figure: Figure) -> str:
    found = [text.get_text() for axes in figure.axes for text in (*axes.texts, axes.title)]
    return "\n".join(found)


def test_a_panel_per_distance_with_its_threshold_and_every_suspect_at_its_mean(make_distances: Make) -> None:
    scores, sheet = scores_of(make_distances())
    with style.styled():
        [figure] = separation.draw(scores, TASK, sheet)
    panels = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title() for axes in panels] == [
        *("judge black robd", "judge black jsd"),
        *("judge white nod", "judge white nad", "judge white lod"),
    ]
    drawn = [
        np.concatenate([d.get_offsets().data[:, 0] for d in axes.collections if isinstance(d, PathCollection)])
        for axes in panels
    ]
    for axes, x, verifier in zip(panels, drawn, ("robd", "jsd", "nod", "nad", "lod"), strict=True):
        rows = scores[scores["verifier"] == verifier]
        means = rows.groupby("suspect")["statistic"].mean().dropna()
        assert sorted(x) == pytest.approx(sorted(means))
        assert [line.get_xdata() for line in axes.lines if line.get_linestyle() == ":"] == [[0.5, 0.5]]
    assert len(drawn[0]) == 12 and len(drawn[1]) == 11  # of 12 suspects and the victim


def test_suspects_that_were_not_judged_are_counted_in_their_row(make_distances: Make) -> None:
    [figure] = separation.draw((given := scores_of(make_distances()))[0], TASK, given[1])
    assert [[text.get_text() for text in axes.texts] for axes in figure.axes[:5]] == [
        *(["1 n/a"], ["1 n/a", "1 n/a"]),
        *[["1 n/a"]] * 3,
    ]


@pytest.mark.parametrize(
    ("values", "share"),
    [
        ([1] * 6, 1.0),
        ([0.5] * 6, 0.25),
        ([0] * 6, 0.0),
        ([1, 0, 1, 0, 1, 0], 0.0),
        ([1, 1, 0, 0, 0, 0], 1 / 6),
        ([0.9, 0.2, 0.4, 1.0], (0.9 * 0.2 + 0.2 * 0.4 + 0.4 * 1.0 + 1.0 * 0.9) / 4),
        ([0.5, np.nan, 0.5, np.nan, 0.5, 0.5], 0.25),
    ],
)
def test_the_area_is_the_mean_product_of_neighbours(values: list[float], share: float) -> None:
    assert radar.area(np.array(values, dtype=float)) == pytest.approx(share)


def test_fewer_than_three_axes_have_no_area() -> None:
    assert np.isnan(radar.area(np.array([1.0, 1.0, np.nan, np.nan])))


def test_the_table_of_a_radar_has_every_suspects_means_and_gaps(make_distances: Make) -> None:
    scores, _ = scores_of(make_distances())
    table = radar.table(scores, TASK)
    assert table["suspect"].tolist()[:2] == ["victim", "finetune layers=all"] and len(table) == 13
    values = table.set_index("suspect").drop(columns="family")
    own = scores[scores["suspect"] == "finetune layers=all"]
    for fingerprint, verifier in radar.axes_of(scores, TASK):
        expected = own[(own["fingerprint"] == fingerprint) & (own["verifier"] == verifier)]["score"].mean()
        assert values.loc["finetune layers=all", f"{fingerprint} {verifier}"] == pytest.approx(expected)
    assert values.isna().sum().sum() == 6


def test_a_radar_per_family_has_the_area_of_its_mean_and_the_outlines_of_its_suspects(make_distances: Make) -> None:
    scores, sheet = scores_of(make_distances())
    table = radar.table(scores, TASK)
    with style.styled():
        [figure] = radar.draw(scores, TASK, sheet)
    titles = [axes.get_title() for axes in figure.axes]
    for family, rows in table.groupby("family", sort=False):
        mean = rows.drop(columns=["family", "suspect"]).mean()
        share = radar.area(mean.to_numpy(dtype=float))
        number = "n/a" if np.isnan(share) else f"{share:.2f}"
        count = f" ({len(rows)})" if len(rows) > 1 else ""
        assert f"{str(family).replace('_', ' ')}{count}\n{number}" in titles
    assert len(titles) == 1 + 7 and titles[0] == ""  # the key
    outlines = {
        axes.get_title().partition("\n")[0]: sum(
            len(each.get_paths()) for each in axes.collections if each.get_linewidth()[0] == pytest.approx(0.3)
        )
        for axes in figure.axes
    }
    assert outlines["finetune (2)"] == 2 and outlines["independent (6)"] == 6 and outlines["distill"] == 0
    words = texts(figure)
    assert words.count("n/a") == 6 + 1  # gaps at axes, and one family with a single axis
    assert all(name in words for name in ("robd", "jsd", "nod", "nad", "lod"))


def test_a_key_leaves_out_what_all_axes_names_share(make_distances: Make) -> None:
    names = {f"{side} {name}": f"Judge {name.upper()}" for side, name in DISTANCES}
    scores, sheet = scores_of(make_distances(names={"methods": names}))
    with style.styled():
        [figure] = radar.draw(scores, TASK, sheet)
    assert {"ROBD", "JSD", "NOD", "NAD", "LOD"} <= {text.get_text() for text in figure.axes[0].texts}


def test_they_are_drawn_only_where_there_are_distances(make_distances: Make, make_findings: Make) -> None:
    def names(findings: Findings) -> set[str]:
        given = checked(findings)
        return {picture.name for picture, _ in every.drawn(given, summarise(scores_of(findings)[0]))}

    figures = {"separation_digits_class", "radar_digits_class"}
    assert figures <= names(make_distances(exhibits=[]))
    assert not figures & names(make_findings(exhibits=[], tasks=[TASK]))
    two = names(make_distances(distances=[("judge_black", "robd"), ("judge_black", "jsd")], exhibits=[]))
    assert two & figures == {"separation_digits_class"}


def test_they_are_the_same_bytes_every_time(make_distances: Make, tmp_path) -> None:
    scores, sheet = scores_of(make_distances())
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        with style.styled():
            style.save(next(separation.draw(scores, TASK, sheet)), folder, "separation")
            style.save(next(radar.draw(scores, TASK, sheet)), folder, "radar")
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
