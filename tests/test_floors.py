"""Imports run down: each package stands on the floors below it, methods and recipes on the contracts they need.

The sources are read as text. An import counts wherever it stands: at import time, inside a function (which only puts
off when it happens), and for types alone; each of these is a case of its own, so that a failure tells which.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from benchmark.paths import ROOT

PACKAGES = ("benchmark", "suspects", "fingerprints")
FLOORS = (
    ("errors", "paths"),
    ("compat", "metrics"),
    *((name,) for name in ("spec", "store", "data", "networks", "tasks", "training", "crafting", "access")),
    *((name,) for name in ("contracts", "stealth", "plan", "run", "report", "collect", "cli", "__main__")),
)
HEIGHTS = {name: height for height, floor in enumerate(FLOORS) for name in floor}
ONLY = {  # of benchmark
    "report": {"errors", "paths", "metrics"},
    "suspects": {"errors", "spec", "data", "networks", "tasks", "training", "crafting", "access", "contracts"},
    "fingerprints": {"errors", "spec", "data", "networks", "tasks", "training", "crafting", "access", "contracts"},
}
KINDS = ("import time", "function", "types")


@dataclass(frozen=True)
class Import:
    """One import of a module of this project by another.

    Attributes:
        kind: when it happens: one of KINDS.
        place: file and line.
    """

    importer: str
    imported: str
    kind: str
    place: str


def sources(root: Path) -> dict[str, Path]:
    """The files of the packages, by module."""
    found = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(root: Path) -> list[Import]:
    """All imports of modules of this project by one another, wherever they stand."""
    modules = sources(root)
    return [
        Import(module, imported, kind, f"{path.relative_to(root)}:{line}")
        for module, path in modules.items()
        for imported, kind, line in _in(ast.parse(path.read_text(encoding="utf-8")), "import time")
        for imported in _resolved(imported, modules)
    ]


def _in(node: ast.AST, kind: str) -> Iterator[tuple[tuple[str, ...], str, int]]:
    """Each import below a node: its candidates, what is imported first, and when it happens and its line."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (((alias.name,), kind, child.lineno) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert not child.level, f"line {child.lineno}: imports are absolute in this project"
            for alias in child.names:
                yield (f"{child.module}.{alias.name}", str(child.module)), kind, child.lineno
        elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield from _in(child, "types" if kind == "types" else "function")
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            yield from _in(ast.Module(child.body, []), "types")
            yield from _in(ast.Module(child.orelse, []), kind)
        else:
            yield from _in(child, kind)


def _resolved(candidates: tuple[str, ...], modules: dict[str, Path]) -> list[str]:
    """The module of this project that is meant, if it is one: `from package import module` means the module."""
    return [name for name in candidates if name in modules][:1]


def room(module: str) -> str:
    """`plan` for benchmark.plan.job, `errors` for benchmark.errors, `suspects` for suspects.prune."""
    first, _, rest = module.partition(".")
    return rest.partition(".")[0] if first == "benchmark" else first


def upward(found: list[Import]) -> list[str]:
    """The imports of a module on a higher floor, or beside it in another package."""
    ours = [i for i in found if i.importer.startswith("benchmark.") and i.imported.startswith("benchmark.")]
    return [
        f"{i.place} imports {i.imported}"
        for i in ours
        if room(i.importer) != room(i.imported) and HEIGHTS[room(i.imported)] >= HEIGHTS[room(i.importer)]
    ]


def circle(edges: list[tuple[str, str]]) -> list[str]:
    """A circle among what imports one another, or an empty list."""
    graph = defaultdict(set)
    for importer, imported in edges:
        if importer != imported:
            graph[importer].add(imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.fixture(scope="module")
def found():
    return imports_of(ROOT)


def test_every_package_has_a_floor():
    rooms = {
        path.stem for path in (ROOT / "benchmark").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert rooms - {"__init__"} == set(HEIGHTS)


@pytest.mark.parametrize("kind", KINDS)
def test_imports_run_down(found, kind):
    of_kind = [i for i in found if i.kind == kind]
    assert of_kind and not upward(of_kind), "\n".join(["imports that run up:", *upward(of_kind)])


@pytest.mark.parametrize("kind", KINDS)
def test_no_circle_among_packages(found, kind):
    edges = [(room(i.importer), room(i.imported)) for i in found if KINDS.index(i.kind) <= KINDS.index(kind)]
    assert not circle(edges), " -> ".join(circle(edges))


def test_no_circle_among_modules_at_import_time(found):
    edges = [(i.importer, i.imported) for i in found if i.kind == "import time"]
    assert not circle(edges), " -> ".join(circle(edges))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("of", ONLY)
def test_what_a_package_stands_on(found, of, kind):
    wrong = [
        f"{i.place} imports {i.imported}"
        for i in found
        if i.kind == kind and room(i.importer) == of != room(i.imported) and room(i.imported) not in ONLY[of]
    ]
    assert not wrong, "\n".join(wrong)


def test_the_harness_knows_no_method_and_no_recipe(found):
    wrong = [i.place for i in found if i.importer.startswith("benchmark") and not i.imported.startswith("benchmark")]
    assert not wrong, "\n".join(wrong)


def test_only_components_are_imported_by_name():
    """What is imported by a text is on no floor that could be seen here. `compat` does so with a library."""
    users = {
        module
        for module, path in sources(ROOT).items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if {getattr(node, "attr", ""), getattr(node, "id", ""), getattr(node, "name", "")}
        & {"import_module", "__import__"}
    }
    assert users == {"benchmark.spec.names", "benchmark.compat"}


def written(root: Path, files: dict[str, str]) -> list[Import]:
    """The imports of a project made of these files."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return imports_of(root)


UP = "from benchmark.plan.job import Job\n"
HIDDEN = {
    "import time": UP,
    "function": f"class A:\n    def method(self):\n        {UP}",
    "types": f"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    {UP}",
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_import_that_runs_up_is_found_wherever_it_hides(tmp_path, kind):
    files = {"benchmark/store/deep/mine.py": HIDDEN[kind], "benchmark/plan/job.py": "import benchmark.errors\n"}
    (own, down) = sorted(
        written(tmp_path, files | {"benchmark/errors.py": ""}), key=lambda i: -HEIGHTS[room(i.imported)]
    )
    assert (
        own == Import("benchmark.store.deep.mine", "benchmark.plan.job", kind, own.place) and down.kind == "import time"
    )
    assert upward([own, down]) == [f"{own.place} imports benchmark.plan.job"]
    assert own.place.startswith("benchmark/store/deep/mine.py:")


def test_a_circle_is_found(tmp_path):
    files = {
        "benchmark/plan/a.py": "from benchmark.plan import b\n",
        "benchmark/plan/b.py": "import benchmark.plan.a\n",
    }
    edges = [(i.importer, i.imported) for i in written(tmp_path, files)]
    assert set(circle(edges)) == {"benchmark.plan.a", "benchmark.plan.b"} and not circle(edges[:1])
