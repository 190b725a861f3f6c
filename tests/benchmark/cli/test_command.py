"""What a user meets at the command line: help, mistakes in one line, exit codes."""

from __future__ import annotations

import sys

import pytest

from benchmark.cli import command
from benchmark.cli.app import main
from benchmark.cli.request import request
from benchmark.errors import InputError
from benchmark.paths import ROOT
from benchmark.report.figures import every
from suspects.prune import WeightPruning
from tests.builder import configuration
from tests.commands import imported, python

MISTAKES = {
    "experiment=digit": "experiment=digit: there is no conf/experiment/digit.yaml, did you mean digits",
    "task=[digit_class]": "task=digit_class: there is no conf/task/digit_class.yaml, did you mean digits_class",
    "fingerprint=[salency]": "fingerprint=salency: there is no conf/fingerprint/salency.yaml, did you mean saliency",
    "fingerprint.saliency.xii=1": "fingerprint.saliency.xii: there is no such setting, did you mean xi?",
    "fingrprint=x": "fingrprint: there is no such setting, did you mean fingerprint?",
    "+fingerprint.saliency.foo=1": "fingerprint.saliency.foo: Saliency has no such setting",
    "fingerprint.saliency.xi=2": "fingerprint.saliency.xi: 2.0 is out of range, wants > 0 and <= 1",
    "fingerprint.saliency.xi=[1,2]": "fingerprint.saliency.xi: wants a number alone, got [1, 2]",
    "fingerprint.saliency.norm=l1": "fingerprint.saliency.norm: 'l1' is none of linf, l2",
    "task.digits_class.training.epochs=1.5": "task.digits_class.training.epochs: wants a whole number, got 1.5",
    "suspect.independent.replicate=[]": "suspect.independent.replicate: the list is empty, so there is no suspect",
    "suspect=[]": "suspect: there is no positive suspect",
    "~suspect.independent": "suspect: there is no negative suspect",
    "count=1198": "count: 1198 prints are more than the 1197 train images of digits_class",
    "count=401": "count: 401 prints are more than the 400 test images of digits_class from which deepjudge_black makes",
    "count=abc": "count: wants a whole number >= 1, got 'abc'",
    "repeats=0": "repeats: wants a whole number >= 1, got 0",
    "task.digits_class.architecture={_target_: network/vgg11, width: 16}": "architecture: write task.digits_class.arch",
    "name=a/b": "name: wants letters, digits",
    "store=outputs/nothing": "compute: store",
    "store=pyproject.toml/below": "cannot be used",
}


@pytest.mark.parametrize("override", MISTAKES)
def test_a_mistake_is_one_line_that_names_it(override, monkeypatch, capfd):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["benchmark", "compute=false", override])
    with pytest.raises(SystemExit) as stopped:
        main()
    captured = capfd.readouterr()
    lines = captured.err.strip().splitlines()
    assert stopped.value.code == 2
    assert len(lines) == 1 and lines[0].startswith("error: ") and MISTAKES[override] in lines[0]
    assert captured.out == ""


def test_a_store_of_a_newer_version_is_left_alone_and_ends_the_process_with_2(tmp_path):
    (tmp_path / "store.json").write_text('{"format": 99}')
    done = python("-m", "benchmark", f"store={tmp_path}")
    assert done.returncode == 2 and "format 99" in done.stderr and done.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "locks") == ["store.json"]


def test_what_nobody_can_mend_is_one_traceback_and_exit_code_1(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(command, "plan", lambda experiment: 1 / 0)
    places = (f"store={tmp_path / 'store'}", f"results={tmp_path / 'results'}")
    monkeypatch.setattr(sys, "argv", ["benchmark", "experiment=smoke", *places])
    with pytest.raises(SystemExit) as stopped:
        main()
    said = capfd.readouterr().err
    assert stopped.value.code == 1 and said.count("Traceback") == said.count("ZeroDivisionError") == 1
    assert "Error executing job" not in said


def test_a_failed_job_is_told_once(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(WeightPruning, "derive", lambda self, given: 1 / 0)
    monkeypatch.setattr(every, "drawn", lambda *_: iter(()))
    assert command.run(configuration(tmp_path)) == 1
    said = capfd.readouterr().err
    assert said.count("ZeroDivisionError") == 2 and said.count("suspect weight_pruning ratio=0.1") == 1
    assert "needs «" not in said and "jobs are not done; whosenet status mini tells which, and why" in said


def test_results_that_cannot_be_written_are_told_before_any_job(tmp_path, monkeypatch):
    (tmp_path / "results").write_text("a file")
    monkeypatch.setattr(command, "_make", lambda *_: pytest.fail("a job was begun"))
    with pytest.raises(InputError, match="^results: .* cannot be written"):
        command.run(configuration(tmp_path))
    assert not (tmp_path / "store").exists()


def test_looking_whether_results_can_be_written_leaves_nothing(tmp_path):
    assert request(configuration(tmp_path)).results == tmp_path / "results/mini"
    assert not list(tmp_path.rglob("*"))


def test_help_names_groups_and_examples_and_imports_nothing_heavy():
    said, heavy = imported("run", "--help")
    assert heavy == {"hydra"}
    for word in (
        "experiment: age_utkface, age_utkface_tuning, deepjudge, ",
        "fingerprint: akh, conferae, conferae_paper, deepjudge_black, ",
        "whosenet run -m",
    ):
        assert word in said


def test_a_mistake_is_told_before_training_or_drawing_is_imported(tmp_path):
    _, heavy = imported("run", "compute=false", "experiment=smoke", f"store={tmp_path}", "count=1000000")
    assert "hydra" in heavy and not heavy & {"pytorch_lightning", "torchvision", "matplotlib"}
