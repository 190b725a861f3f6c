"""Findings out of results/<experiment>/: what a run wrote there, read back to the last digit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.errors import InputError
from benchmark.report.findings import COLUMNS, NUMBERS, WHOLE, Findings, checked

COMPRESSED = ("scores", "references", "detections", "distances", "ablations", "verdicts")  # the long ones
GALLERIES, FIGURES = "galleries.json", "figures"
READING = "READING.md"  # what somebody wrote of the results
TRUTHS = ("positive", "degraded", "blind", "shares_training_data")
MAPPINGS = ("notes", "detail")


def file_of(name: str) -> str:
    """The csv of a frame."""
    return f"{name}.csv.gz" if name in COMPRESSED else f"{name}.csv"


def read(folder: Path) -> Findings:
    """The findings that a run wrote into `folder`, without exhibits: their pictures are there already.

    Raises:
        InputError: a file is missing or cannot be read, or the findings lack something.
    """
    record = manifest(folder)
    own = {key: record.pop(key, None) for key in ("channel", "question", "marks")}
    if None in own.values():
        raise InputError(f"{folder / 'manifest.json'}: written by an older version, run the experiment again")
    frames: dict[str, Any] = {name: frame(folder, name) for name in COLUMNS}
    return checked(Findings(str(record.get("experiment", folder.name)), manifest=record, **own, **frames))


def frame(folder: Path, name: str) -> pd.DataFrame:
    """One csv of a folder, every number exactly as it was written; an empty cell is NaN among numbers, else "".

    The columns of findings have the types that they were found with; of any other csv a column is of numbers, or of
    truths, where all of its cells are.

    Raises:
        InputError: there is no such csv, or it cannot be read.
    """
    path = folder / file_of(name)
    try:
        cells = pd.read_csv(path, dtype=str, keep_default_na=False)
        return cells.apply(lambda column: _typed(column, name))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file, run the experiment first") from None
    except (OSError, EOFError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error


def manifest(folder: Path) -> dict[str, Any]:
    """What was run, on what.

    Raises:
        InputError: there is none, or it cannot be read.
    """
    return _json(folder / "manifest.json")


def galleries(folder: Path) -> dict[str, Any]:
    """What is known of the pictures of prints: {"digest", "pictures": [{"name", "section", "caption"}]}.

    Raises:
        InputError: the file that says so is missing or is none.
    """
    found = _json(folder / GALLERIES)
    if not {"digest", "pictures"} <= found.keys():
        raise InputError(f"{folder / GALLERIES}: wants digest and pictures, run the experiment again")
    for picture in found["pictures"]:
        if "/" in str(picture["name"]):  # it is copied, and must not be another's file
            raise InputError(f"{folder / GALLERIES}: {picture['name']} is no picture's name, run the experiment again")
    return found


def pictures(folder: Path) -> list[str]:
    """The pictures of prints, as files below `folder`."""
    return [f"{FIGURES}/{picture['name']}.png" for picture in galleries(folder)["pictures"]]


def files(folder: Path) -> list[str]:
    """All files that a report is drawn from, as names below `folder`."""
    return [*(file_of(name) for name in COLUMNS), "manifest.json", GALLERIES, *pictures(folder)]


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file, run the experiment first") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: wants a mapping, run the experiment again")
    return found


def _typed(column: pd.Series, name: str) -> pd.Series:
    """A column of text as what it is of."""
    label = str(column.name)
    if label in WHOLE and name in COLUMNS:
        return column.astype(int)
    if label in TRUTHS:
        return _truths(column)
    if label in MAPPINGS:
        return column.map(lambda text: json.loads(text) if text else None)
    if name in COLUMNS and (name, label) != ("ablations", "value"):
        return _numbers(column) if label in NUMBERS.get(name, ()) else column
    return _guessed(column)


def _numbers(column: pd.Series) -> pd.Series:
    return column.where(column != "", "nan").astype(float)


def _truths(column: pd.Series) -> pd.Series:
    if not column.isin(("True", "False")).all():
        raise ValueError(f"column {column.name} wants True or False")
    return column == "True"


def _guessed(column: pd.Series) -> pd.Series:
    for convert in (_numbers, _truths):
        try:
            return convert(column)
        except ValueError:
            continue
    return column
