"""Identity: spec -> canonical JSON -> key, and seeds derived by name. Same spec, same key, same bits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

KEY_LENGTH = 20  # hex digits: 80 bits, a collision among a million artefacts has odds of about 4e-13


def canonical(spec: Mapping[str, Any]) -> str:
    """The spec as JSON with sorted keys and no spaces; NaN and infinity are refused (ValueError)."""
    return json.dumps(spec, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)


def key_of(spec: Mapping[str, Any]) -> str:
    """The artefact's key: the first 20 hex digits of the SHA-256 of its canonical spec."""
    return hashlib.sha256(canonical(spec).encode()).hexdigest()[:KEY_LENGTH]


def seed_for(*name: str | int) -> int:
    """A seed in [0, 2^63) that depends on the name alone, e.g. seed_for(task, role, suspect, repeat)."""
    digest = hashlib.sha256(canonical({"seed": [str(part) for part in name]}).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
