"""What a run wrote is read back to the last digit, and everything else is drawn from that alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from benchmark.errors import InputError
from benchmark.paths import ROOT
from benchmark.report import Findings, write
from benchmark.report import summary as summaries
from benchmark.report.__main__ import main
from benchmark.report.data import ROUNDED, write_frame
from benchmark.report.figures import every
from benchmark.report.findings import COLUMNS, NUMBERS, checked
from benchmark.report.reading import file_of, files, frame, pictures, read
from benchmark.report.results import redraw
from benchmark.report.view import View

Make = Callable[..., Findings]


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "RESAMPLES", 20)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.usefixtures("_no_figures")
def test_findings_come_back_as_they_were(make_whole: Make, tmp_path: Path) -> None:
    given = make_whole(config={"count": 100, "list": (1, 2)})
    given.scores["statistic"] = given.scores["score"] / 3
    given.scores["quality"] = np.nextafter(given.scores["quality"] / 3, 1)
    given.models.loc[1, "name"] = 'nan, «quoted» "NA"\n1e5'  # pandas by itself would lose some of these
    given.models.loc[2, "name"] = "None"
    write(given, tmp_path / "r", None)
    found, wanted = read(tmp_path / "r"), checked(given)
    for name in COLUMNS:
        left, right = getattr(found, name), getattr(wanted, name)
        rounded = {column: digits for column, digits in ROUNDED.items() if column in NUMBERS[name]}
        ours, theirs = left.drop(columns=[*rounded]), right.drop(columns=[*rounded])
        assert_frame_equal(ours, theirs, check_dtype=False, rtol=0, atol=0)
        for column, digits in rounded.items():
            exact = right[column].to_numpy(dtype=float)
            assert np.allclose(left[column], exact, rtol=5.001 * 10.0**-digits, atol=0, equal_nan=True)
    assert (found.experiment, found.channel, found.question) == (given.experiment, given.channel, given.question)
    assert found.marks == given.marks and not found.exhibits
    assert {key: found.manifest[key] for key in given.manifest} == json.loads(json.dumps(given.manifest))


@pytest.mark.usefixtures("_no_figures")
def test_results_of_an_earlier_version_have_no_blind_models_and_stay_as_they_are(
    make_whole: Make, tmp_path: Path
) -> None:
    write(make_whole(), tmp_path / "r", None)
    path = tmp_path / "r" / file_of("scores")
    write_frame(frame(tmp_path / "r", "scores").drop(columns="blind"), path)
    earlier = path.read_bytes()
    assert not read(tmp_path / "r").scores["blind"].any()
    write(make_whole(), tmp_path / "r", None)
    assert path.read_bytes() == earlier


def test_a_report_is_drawn_again_from_its_data_alone(whole: Path, tmp_path: Path) -> None:
    for name in files(whole):
        (tmp_path / "again" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(whole / name, tmp_path / "again" / name)
    redraw(tmp_path / "again", None)
    assert contents(tmp_path / "again") == contents(whole)
    assert [path.name for path in tmp_path.iterdir()] == ["again"]


def test_drawing_imports_neither_torch_nor_hydra_nor_the_store(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "mini")
    code = (
        "import sys; from benchmark.report.__main__ import main\n"
        f"main(['{tmp_path}/mini', 'only=page']); print(*sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert "benchmark.report.page.page" in loaded
    assert not loaded & {"torch", "hydra", "benchmark.store", "benchmark.plan", "benchmark.cli"}


@pytest.mark.usefixtures("_no_figures")
def test_the_page_alone_leaves_the_rest(make_whole: Make, small: dict[str, object], tmp_path: Path) -> None:
    write(make_whole(**small), tmp_path / "r", ROOT / "results" / "published")
    before = contents(tmp_path / "r")
    (tmp_path / "r" / "index.html").unlink()
    (tmp_path / "r" / "tables" / "headline.tex").write_text("mine")
    assert main([f"{tmp_path}/r", "only=page"]) == 0
    assert contents(tmp_path / "r") == before | {"tables/headline.tex": b"mine"}


def test_a_view_is_drawn_beside_the_report(
    make_whole: Make, small: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[View] = []

    def drawn(*given: object) -> object:
        seen.extend(each for each in given if isinstance(each, View))
        return iter(())

    monkeypatch.setattr(every, "drawn", drawn)
    write(make_whole(**small), tmp_path / "r", None)
    before = contents(tmp_path / "r")
    assert main([f"{tmp_path}/r", "report.methods=[akh,saliency]", "width=column"]) == 0
    assert seen == [View(("akh", "saliency"), "column")]
    drawn_there = {name: content for name, content in contents(tmp_path / "r").items() if name.startswith("paper/")}
    assert contents(tmp_path / "r") == before | drawn_there and list(drawn_there) == ["paper/.drawn.json"]


MISTAKES = {
    (): "wants one experiment, such as digits, got none",
    ("{}", "digits"): "wants one experiment",
    ("digitz",): "did you mean digits",
    ("{}", "width=colum"): "width=colum: wants one of column, page",
    ("{}", "method=akh"): "method= is no setting, did you mean methods?",
    ("{}", "methods=akk"): "methods=akk: synthetic has no such method, did you mean akh?",
    ("{}", "only=tables"): "only=page stands alone",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_is_one_line(words: tuple[str, ...], whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([word.format(whole) for word in words])
    said = capsys.readouterr().err
    assert stopped.value.code == 2 and said.count("\n") == 1
    assert said.startswith("error: ") and MISTAKES[words] in said


def spoil_json(folder: Path) -> None:
    (folder / "manifest.json").write_text("{")


def cut_short(folder: Path) -> None:
    path = folder / file_of("scores")
    path.write_bytes(path.read_bytes()[:200])


def lose_a_column(folder: Path) -> None:
    pd.read_csv(folder / "visibility.csv").drop(columns="psnr").to_csv(folder / "visibility.csv", index=False)


def a_word_among_numbers(folder: Path) -> None:
    pd.read_csv(folder / "worth.csv").assign(kl="high").to_csv(folder / "worth.csv", index=False)


def lose_a_picture(folder: Path) -> None:
    (folder / pictures(folder)[0]).unlink()


FAULTS = {
    spoil_json: "manifest.json: cannot be read",
    cut_short: "scores.csv.gz: cannot be read",
    lose_a_column: "column psnr is missing",
    a_word_among_numbers: "worth.csv: cannot be read",
    lose_a_picture: "No such file",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_folder_is_one_line_and_stays(fault: Callable[[Path], None], whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "r")
    fault(tmp_path / "r")
    before = contents(tmp_path / "r")
    with pytest.raises(SystemExit) as stopped:
        main([f"{tmp_path}/r"])
    assert stopped.value.code == 2
    assert contents(tmp_path / "r") == before


def test_a_person_reads_a_csv_with_pandas_alone(whole: Path) -> None:
    for name in COLUMNS:
        assert set(pd.read_csv(whole / file_of(name)).columns) >= set(COLUMNS[name])


def test_other_csv_are_read_by_what_stands_in_them(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("a,b,c,d\n1,x,True,\n0.1,2,False,0.30000000000000004\n")
    found = frame(tmp_path, "mine")
    assert found["a"].tolist() == [1.0, 0.1] and found["b"].tolist() == ["x", "2"]
    assert found["c"].tolist() == [True, False] and found["d"].tolist()[1] == 0.1 + 0.2
    with pytest.raises(InputError, match=r"yours\.csv: there is no such file"):
        frame(tmp_path, "yours")
