"""The notebooks run from top to bottom, and what is committed of them is what they print."""

from __future__ import annotations

import json
import re

import nbformat
import numpy as np
import pandas as pd
import pytest

from benchmark.paths import ROOT
from benchmark.report.reading import file_of
from tests.notebooks import NOTEBOOKS, executed

LARGEST = 150_000  # bytes of a committed notebook
PATHS = re.compile(r"/home/|/root/|/Users/|/tmp/|site-packages|" + re.escape(str(ROOT)))
METHODS = (("saliency", "white"), ("saliency", "black"), ("ipguard", "label"))
FAMILIES = {"finetune": True, "weight_pruning": True, "distill": True, "independent": False, "victim": True}
KEYS = ["task", "victim", "repeat", "fingerprint", "verifier"]
DIGITS = ROOT / "results" / "digits"


def committed(name: str) -> nbformat.NotebookNode:
    return nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", nbformat.NO_CONVERT)


def outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def texts(notebook: nbformat.NotebookNode) -> list[str]:
    return [str(out.get("text") or out.get("data", {}).get("text/plain", "")) for out in outputs(notebook)]


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    """An experiment's csv, made up: 2 tasks, 2 victims, 2 repeats, 3 verifiers, of which one fails on a task."""
    folder, draws, rows, references, worth = tmp_path_factory.mktemp("results"), np.random.default_rng(0), [], [], []
    for task in ("one", "two"):
        for victim in (0, 1):
            for family, positive in FAMILIES.items():
                for i in range(1 if family == "victim" else 4):
                    suspect = {"task": task, "victim": victim, "suspect": f"{family} {i}", "family": family}
                    worth.append(suspect | {"positive": positive, "agreement": draws.random()})
                    for repeat in (0, 1):
                        for fingerprint, verifier in METHODS:
                            fails = (task, verifier) == ("two", "label")
                            score = np.nan if fails else draws.uniform(0.3, 1) if positive else draws.uniform(0, 0.5)
                            method = {"fingerprint": fingerprint, "verifier": verifier, "repeat": repeat}
                            row = suspect | method | {"positive": positive, "score": score}
                            rows += [row | {"channel": channel} for channel in ("as_made", "eight_bit")]
            for fingerprint, verifier in METHODS:
                for repeat in (0, 1):
                    method = {"fingerprint": fingerprint, "verifier": verifier, "repeat": repeat}
                    for reference, score in enumerate(np.linspace(0, 0.36, 19)):
                        references.append({"task": task, "victim": victim, **method, "reference": reference})
                        references[-1]["score"] = score
    for name, frame in (("scores", rows), ("references", references), ("worth", worth)):
        pd.DataFrame(frame).to_csv(folder / file_of(name), index=False)
    manifest = {"channel": "as_made", "accusation_rate": 0.05, "victims": 2, "repeats": 2}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_reading_the_results(results):
    notebook = executed(ROOT / "notebooks/results.ipynb", results)
    assert sum("image/png" in output.get("data", {}) for output in outputs(notebook)) == 2
    said = "\n".join(texts(notebook))
    assert "at most 5% of innocents are to be accused" in said
    scores = pd.read_csv(results / "scores.csv.gz").query("channel == 'as_made' and family != 'victim'")
    accused = scores.query("task == 'one' and verifier == 'white'").assign(over=lambda rows: rows["score"] > 0.36)
    tpr, fpr = (accused.query("positive == @side")["over"].mean() for side in (True, False))
    assert re.search(rf"\none .*\n +saliency +black .*\n +white +{round(tpr, 2):.2f} +{round(fpr, 2):.2f}\n", said)


def test_a_method_of_ones_own_is_judged_beside_the_baseline(results):
    notebook = executed(ROOT / "notebooks/own_method.ipynb", results)
    said = "\n".join(texts(notebook))
    assert " 0 of them failed" in said
    auc = {name: float(value) for name, value in re.findall(r"AUC of (\w+): ([\d.]+)", said)}
    assert set(auc) == {"just_across", "random"} and auc["just_across"] > max(auc["random"], 0.8)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_committed_is_small_and_knows_no_machine(path):
    text = path.read_text(encoding="utf-8")
    assert len(text) < LARGEST and not PATHS.search(text)
    notebook = nbformat.reads(text, nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert {output.output_type for output in outputs(notebook)} <= {"stream", "display_data", "execute_result"}
    assert not [output for output in outputs(notebook) if output.get("name") == "stderr"]
    assert not [cell for cell in notebook.cells if "execution" in cell.metadata]


@pytest.mark.parametrize("name", ["own_method", "results"])
def test_what_is_committed_was_run_from_top_to_bottom(name):
    cells = [cell for cell in committed(name).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), "run `make notebooks`"
    assert any("image/png" in output.get("data", {}) for cell in cells for output in cell.outputs)


def test_the_numbers_of_the_committed_reading_are_those_of_the_committed_results():
    found = executed(ROOT / "notebooks/results.ipynb", DIGITS)
    assert texts(found) == texts(committed("results")), "run `make notebooks`"
