"""Expressions over csv, against the same computed by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from benchmark import metrics
from benchmark.errors import InputError
from benchmark.report.claims.frames import Frames
from benchmark.report.claims.query import holds, number

ROWS = [
    # method, suspect, family, positive, repeat, score
    ("a", "cut ratio=0.4", "cut", True, 0, 0.9),
    ("a", "cut ratio=0.4", "cut", True, 1, 0.7),
    ("a", "cut ratio=0.6, twice", "cut", True, 0, 0.3),
    ("a", "cut ratio=0.6, twice", "cut", True, 1, 0.5),
    ("a", "other 0", "other", False, 0, 0.4),
    ("a", "other 0", "other", False, 1, 0.2),
    ("b", "cut ratio=0.4", "cut", True, 0, 1.0),
    ("b", "other 0", "other", False, 0, None),
]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two experiments of one frame each."""
    folder = tmp_path_factory.mktemp("results")
    for name, factor in (("mine", 1.0), ("yours", 0.5)):
        table = pd.DataFrame(ROWS, columns=["method", "suspect", "family", "positive", "repeat", "score"])
        (folder / name).mkdir()
        table.assign(score=table["score"] * factor).to_csv(folder / name / "rows.csv", index=False)
        notes = ['{"answer kept": 0.25, "tried": 100}', '{"tried": 40}', "{}"]
        pd.DataFrame({"method": list("abc"), "notes": notes}).to_csv(folder / name / "prints.csv", index=False)
        manifest = {"config": {"count": 100, "task": {"x": {}, "y": {}}}, "victims": 3}
        (folder / name / "manifest.json").write_text(json.dumps(manifest))
    return folder


VALUES = {
    "2 + 3 * 4 - -1": 15,
    "(2 + 3) / 4": 1.25,
    "rows.score[method=b, family=cut]": 1.0,
    "100 * rows.score[method=b, family=cut] / 3": 100 / 3,
    "mean(rows.score[method=a])": 0.5,
    "sum(rows.score[method=a])": 3.0,
    "median(rows.score[method=a])": 0.45,
    "quantile(0.5, rows.score[method=a])": 0.45,
    "sd(rows.score[method=a, family=other])": 0.02**0.5,
    "min(rows.score[method=a, positive=true])": 0.3,
    "max(rows.score[method=a, positive=False])": 0.4,
    "count(rows.score)": 7,
    "count(rows.suspect)": 8,
    "count(rows.score[method=a, score>0.4])": 3,
    "count(rows.score[method=a, score>=0.4])": 4,
    "count(rows.score[method=a, score>0.95])": 0,
    "count(rows.score[score=])": 0,
    "distinct(rows.suspect[family=cut])": 2,
    "mean(rows.positive)": 5 / 8,
    "mean(rows.score[repeat!=0])": 1.4 / 3,
    "mean(rows.score[family=cut|other, method!=b])": 0.5,
    'mean(rows.score[suspect="cut ratio=0.6, twice"])': 0.4,
    "mean(rows.score[suspect=cut*, method=a])": 0.6,
    "max(mean(rows.score[method=a] by suspect))": 0.8,
    "min(mean(rows.score[method=a, positive=true] by suspect)) - max(mean(rows.score[family=other] by method))": 0.1,
    "max(mean(rows.score[method=a, repeat=0] by suspect) - mean(rows.score[method=a, repeat=1] by suspect))": 0.2,
    "count(distinct(rows.score by method, repeat))": 3,
    "max(rows.score[method=b, family=cut], 0.25)": 1.0,
    "mean(1, 2, 6)": 3,
    "abs(0.25 - 1)": 0.75,
    "yours/rows.score[method=b, family=cut]": 0.5,
    "mine/rows.score[method=b, family=cut] - yours/rows.score[method=b, family=cut]": 0.5,
    "mean(prints.notes.tried[method=a|b])": 70,
    "prints.notes.answer_kept": 0.25,
    "manifest.config.count": 100,
    "yours/manifest.victims / 3": 1,
    "manifest.config.task": 2,
    "1e-3 * 2": 0.002,
}


@pytest.mark.parametrize("text", VALUES)
def test_an_expression_comes_to(text: str, results: Path) -> None:
    assert number(text, Frames(results, "mine")) == pytest.approx(VALUES[text], rel=1e-12)


def test_areas_are_those_of_the_metrics(results: Path) -> None:
    frames = Frames(results, "mine")
    table = pd.DataFrame(ROWS, columns=["method", "suspect", "family", "positive", "repeat", "score"])
    first = table[(table["method"] == "a") & (table["repeat"] == 0)]
    scores, positive = first["score"].to_numpy(), first["positive"].to_numpy()
    assert number("auc(rows.score[method=a, repeat=0])", frames) == metrics.roc_auc(scores, positive) == 0.5
    assert number("aruc(rows.score[method=a, repeat=0])", frames) == metrics.aruc(scores, positive)
    assert number("mean(auc(rows.score[method=a] by repeat))", frames) == 0.75
    with pytest.raises(InputError, match="has no value"):  # a side is empty
        number("auc(rows.score[method=b])", frames)


def test_comparisons_tell_their_sides_and_numbers(results: Path) -> None:
    frames = Frames(results, "mine")
    true, told, literals = holds("mean(rows.score[method=a]) < rows.score[method=b, family=cut] <= 1", frames)
    assert true and told == "0.5 < 1 <= 1" and literals == [1.0]
    assert not holds("1 < mean(rows.score[method=a])", frames)[0]
    assert holds("0.5 == mean(rows.score[method=a])", frames)[0]
    assert not holds("0.7 > mean(rows.score[method=a]) > 0.5", frames)[0]
    with pytest.raises(InputError, match="compares nothing"):
        holds("mean(rows.score)", frames)


MISTAKES = {
    "mean(rows.scor)": "rows has no column scor, did you mean score?",
    "mean(row.score)": "row.csv: there is no such file",
    "mean(rows.score[family=cats])": "no row that is left has family=cats, did you mean cut?",
    "mean(rows.score[method=b, family=other, repeat=1])": "no row that is left has repeat=1",
    "mean(rows.score[famly=cut])": "there is no column famly, did you mean family?",
    "mean(rows.suspect)": "column suspect is not of numbers",
    "mean(rows.score[family>1])": "column family is not of numbers",
    "mean(rows.score[score>high])": "score: 'high' is no number",
    "rows.score[method=a]": "6 rows have 6 values: name more filters, or an aggregate",
    "mean(rows.score[method=b, family=other])": "has no value",
    "mean(rows.score by suspect)": "one number per group: wants an aggregate",
    "rows.score by suspect": "groups want an aggregate",
    "mean(rows.score by sus)": "there is no column sus",
    "maen(rows.score)": "did you mean mean",
    "mean(rows.score": "wants ) from here",
    "mean(rows.score[method=a)": "wants a value, and ] behind the last",
    "mean(rows.score[])": "wants a filter such as task=digits_class",
    "1 / 0": "divides by zero",
    "1 2": "cannot be read from here: «2»",
    "": "wants a number, a function or a frame's column",
    "manifest.config.cuont": "there is no cuont, did you mean count?",
    "manifest.config.task.x.y": "there is no y",
    "theirs/rows.score": "there are no results of theirs, known: mine, yours",
    "__import__('os').system('true')": "wants a number, a function",
    "mean(prints.notes.cried)": "prints has no column notes.cried, did you mean notes?",
    "rows.score.__class__": "rows has no column score.__class__",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_one_line(text: str, results: Path) -> None:
    with pytest.raises(InputError) as told:
        number(text, Frames(results, "mine"))
    assert MISTAKES[text] in str(told.value) and "\n" not in str(told.value)


def test_documents_about_several_experiments_name_them(results: Path) -> None:
    with pytest.raises(InputError, match="say which experiment is meant"):
        number("mean(rows.score)", Frames(results))
    assert number("mine/manifest.victims", Frames(results)) == 3
