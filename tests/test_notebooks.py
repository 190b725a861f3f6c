"""Every notebook runs from top to bottom on the committed results."""

from __future__ import annotations

import jupytext
import pytest
from nbclient import NotebookClient

from benchmark.paths import ROOT


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.py")), ids=lambda path: path.stem)
def test_a_notebook_runs(path, monkeypatch):
    monkeypatch.setenv("WHOSENET_RESULTS", str(ROOT / "results" / "digits"))
    notebook = jupytext.read(path)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs), "the main figure is drawn"
    assert not [output for output in outputs if output["output_type"] == "error"]
