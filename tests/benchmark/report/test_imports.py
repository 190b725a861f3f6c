"""What the report's modules import: nothing that runs models, nothing above themselves, nobody each other."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from benchmark.paths import ROOT

PACKAGE = "benchmark.report"
# A module imports from its own storey and from those below it.
STOREYS = (
    ("findings", "names", "numbers", "view"),
    ("cubes", "owner", "summary", "shares", "by_family", "differences", "statistics"),
    ("reading",),
    ("record",),
    ("tables", "figures", "current", "claims", "publishing"),
    ("page", "data"),
    ("drawing",),
    ("results",),
)
FOREIGN = ("torch", "lightning", "matplotlib.pyplot", "suspects", "fingerprints")
FOREIGN += tuple(f"benchmark.{name}" for name in ("store", "plan", "run", "contracts", "collect", "access", "tasks"))


def modules() -> dict[str, Path]:
    """Every module of the report by its dotted name, packages by the name of their folder."""
    found = {}
    for path in sorted((ROOT / "benchmark" / "report").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


def imported(path: Path) -> Iterator[str]:
    """The report's modules that a source file imports; a package only where nothing in it is named."""
    known = modules()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(PACKAGE):
            for name in node.names:
                whole = f"{node.module}.{name.name}"
                yield whole if whole in known else node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.startswith(PACKAGE))


def part(module: str) -> str:
    """The room of a module: the folder, or the module itself, below benchmark.report."""
    return module.removeprefix(PACKAGE + ".").partition(".")[0]


def test_no_module_is_imported_by_what_it_imports() -> None:
    graph = {name: set(imported(path)) - {name} for name, path in modules().items()}
    assert {f"{PACKAGE}.tables.headline", f"{PACKAGE}.figures.every"} <= graph[f"{PACKAGE}.drawing"]
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError
    assert set(modules()) <= set(order)


def test_nothing_imports_from_above_itself_and_tables_and_figures_not_each_other() -> None:
    storey = {name: height for height, names in enumerate(STOREYS) for name in names}
    seen = set()
    for module, path in modules().items():
        for other in imported(path):
            pair = part(module), part(other)
            if pair[0] not in storey or pair[0] == pair[1]:
                continue
            seen.add(pair)
            assert storey[pair[1]] <= storey[pair[0]], f"{module} imports {other}"
            assert set(pair) != {"tables", "figures"}, f"{module} imports {other}"
    assert {("figures", "findings"), ("page", "tables"), ("drawing", "page")} <= seen


def test_the_report_imports_nothing_that_runs_models() -> None:
    names = [name for name in modules() if not name.endswith("__main__")]
    code = f"import sys, {', '.join(names)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert set(names) <= set(loaded)
    assert [name for name in loaded if any(f"{name}.".startswith(f"{other}.") for other in FOREIGN)] == []
