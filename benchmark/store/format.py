"""The format of a whole store, as its `store.json` states it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from benchmark.errors import StoreError
from benchmark.store.disk import bytes_of
from benchmark.store.manifest import FORMAT, sync, write_json


def state_format(path: Path) -> None:
    """Writes `store.json` into a new store. The caller holds the store's lock."""
    if not path.exists():
        draft = path.with_suffix(".tmp")
        draft.unlink(missing_ok=True)  # a link there would lead the writing elsewhere
        write_json(draft, {"format": FORMAT})
        sync(draft)
        os.replace(draft, path)


def check_format(path: Path) -> None:
    """Refuses a store of another format; a store that does not exist yet has none."""
    try:
        stated = int(json.loads(bytes_of(path, 1000))["format"])
    except (FileNotFoundError, NotADirectoryError):
        return
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError):
        raise StoreError(f"{path} does not say the store's format: delete it or set another `store=`") from None
    line = f"store {path.parent} has format {stated}, this whosenet"
    if stated > FORMAT:
        raise StoreError(f"{line} knows up to {FORMAT}: update whosenet or set another `store=`")
    if stated < FORMAT:
        remedy = "set another `store=` or delete it, its models must be made again as names of components changed"
        raise StoreError(f"{line} knows {FORMAT} alone: {remedy}")
