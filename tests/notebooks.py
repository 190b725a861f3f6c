"""`python -m tests.notebooks [RESULTS]`: executes the notebooks and writes them back with their outputs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from benchmark.paths import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def executed(path: Path, results: Path) -> nbformat.NotebookNode:
    """The notebook, run from top to bottom on an experiment's results, without what differs from machine to machine.

    Raises:
        CellExecutionError: a cell fails.
    """
    notebook = nbformat.read(path, nbformat.NO_CONVERT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "WHOSENET_RESULTS": str(results), "OMP_NUM_THREADS": "1"}
    client = NotebookClient(notebook, timeout=600, record_timing=False, resources={"metadata": {"path": str(ROOT)}})
    client.execute(env=environment)
    notebook.metadata.language_info = {"name": "python"}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


def main() -> None:
    """Rewrites notebooks/*.ipynb."""
    results = ROOT / "results" / (sys.argv[1] if len(sys.argv) > 1 else "digits")
    for path in NOTEBOOKS:
        path.write_text(nbformat.writes(executed(path, results)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
