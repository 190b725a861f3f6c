"""Turns findings into results/<experiment>/: csv, tables, figures, index.html. Runs no model, imports no torch."""

from benchmark.report.findings import Exhibit, Findings
from benchmark.report.results import write

__all__ = ["Exhibit", "Findings", "write"]
