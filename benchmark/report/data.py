"""The data part of results/<experiment>/, all that a report is drawn from: csv, manifest.json, pictures of the prints.

What an experiment finds again, in other seconds, on another day or machine, leaves these files as they are.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd

from benchmark.errors import InputError
from benchmark.report import reading
from benchmark.report.figures import every, gallery, style
from benchmark.report.findings import COLUMNS, Findings, of_main_channel

COUNTS = ("matched", "n", "made", "queries", "positives", "negatives", "parameters")  # written as integers
ROUNDED = {
    "distance": 4,
    "seconds": 3,
    "statistic": 6,
    "threshold": 6,
}  # significant digits of what is measured row by row and averaged when shown
CLOCKS = "seconds"  # the column that differs from run to run
CIRCUMSTANCES = ("overrides", "provenance", "seconds_of_all_jobs")  # of the manifest: how, not what
EXECUTION = ("executor", "trainer")  # of the manifest's configuration, likewise
RESOLUTION = 70  # dots per inch of the galleries, which are kept in full colour


def save(findings: Findings, folder: Path, former: Path) -> None:
    """Writes the data part of checked findings into the new `folder`.

    Args:
        former: the folder of the report before: files that would say the same are taken from there, byte for byte.
    """
    folder.mkdir(parents=True)
    if same_numbers(findings, former):
        _copy(former, folder, [*(reading.file_of(name) for name in COLUMNS), "manifest.json"])
    else:
        for name in COLUMNS:
            write_frame(getattr(findings, name), folder / reading.file_of(name))
        _write_json(_manifest(findings), folder / "manifest.json")
    if same_pictures(findings, former):
        _copy(former, folder, [reading.GALLERIES, *reading.pictures(former)])
    else:
        _galleries(findings, folder)


def copy(former: Path, folder: Path) -> None:
    """The data part as it is, into a new folder."""
    folder.mkdir(parents=True)
    _copy(former, folder, reading.files(former))


def same_numbers(findings: Findings, folder: Path) -> bool:
    """Whether the csv and the manifest in `folder` say the same as checked findings, clocks and circumstances apart."""
    try:
        return _essence(reading.read(folder)) == _essence(findings)
    except InputError:  # none there, or of an older version
        return False


def same_pictures(findings: Findings, folder: Path) -> bool:
    """Whether the galleries in `folder` show these prints, drawn as they would be now."""
    try:
        kept = reading.galleries(folder)
    except InputError:
        return False
    return bool(kept["digest"] == _digest(findings)) and all(
        (folder / name).is_file() for name in reading.pictures(folder)
    )


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """A csv, compressed if the path says so; the same bytes for the same frame."""
    packed: Any = {"method": "gzip", "mtime": 0, "compresslevel": 9} if path.suffix == ".gz" else None
    _plain(frame).to_csv(path, index=False, lineterminator="\n", compression=packed)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame for csv: counts as integers, mappings as JSON, some numbers with fewer digits."""
    result = frame.copy()
    for column in result.columns:
        if column in COUNTS:
            result[column] = result[column].astype("Int64")
        elif column in ROUNDED and pd.api.types.is_numeric_dtype(result[column]):
            result[column] = result[column].map(_rounding(ROUNDED[column]))
        elif result[column].map(lambda value: isinstance(value, Mapping)).any():
            result[column] = result[column].map(_json)
    return result


def _rounding(digits: int) -> Callable[[float], float]:
    return lambda value: float(f"{value:.{digits}g}")


def _json(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False) if isinstance(value, Mapping) else ""


def _manifest(findings: Findings) -> dict[str, Any]:
    own = {"channel": findings.channel, "question": findings.question, "marks": dict(findings.marks)}
    return {"experiment": findings.experiment} | findings.manifest | own


def _essence(findings: Findings) -> str:
    """SHA-256 over what was found, without what differs from run to run."""
    total = hashlib.sha256()
    for name in COLUMNS:
        frame = _plain(getattr(findings, name).drop(columns=CLOCKS, errors="ignore"))
        total.update(frame.to_csv(index=False).encode())
    about = {key: value for key, value in _manifest(findings).items() if key not in CIRCUMSTANCES}
    if isinstance(config := about.get("config"), Mapping):
        about["config"] = {key: value for key, value in config.items() if key not in EXECUTION}
    total.update(json.dumps(about, sort_keys=True, default=str).encode())
    return total.hexdigest()


def _digest(findings: Findings) -> str:
    """SHA-256 over the prints to be shown and the code that draws them."""
    total = hashlib.sha256(repr((RESOLUTION, sorted(findings.marks.items()))).encode())
    for exhibit in findings.exhibits:
        total.update(repr((exhibit.task, exhibit.fingerprint, exhibit.captions, list(exhibit.maps))).encode())
        for array in (exhibit.originals, exhibit.samples, *exhibit.maps.values()):
            total.update(b"none" if array is None else np.ascontiguousarray(array).tobytes())
    for module in (gallery, style):
        total.update(Path(str(module.__file__)).read_bytes())
    return total.hexdigest()


def _galleries(findings: Findings, folder: Path) -> None:
    """Draws the prints; what the page says of the pictures goes to a file beside them."""
    (folder / reading.FIGURES).mkdir(exist_ok=True)
    shown = []
    with style.styled(), matplotlib.rc_context({"savefig.dpi": RESOLUTION}):
        for picture, figure in every.galleries(of_main_channel(findings)):
            style.save(figure, folder / reading.FIGURES, picture.name, ("png",))
            shown.append({"name": picture.name, "section": picture.section, "caption": picture.caption})
    _write_json({"digest": _digest(findings), "pictures": shown}, folder / reading.GALLERIES)


def _write_json(content: Any, path: Path) -> None:
    text = json.dumps(content, indent=2, default=str, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def _copy(source: Path, target: Path, names: list[str]) -> None:
    for name in names:
        (target / name).parent.mkdir(exist_ok=True)
        shutil.copy2(source / name, target / name)
