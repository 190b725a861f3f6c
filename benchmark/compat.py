"""Importing torchvision beside a torch build that it was not compiled for.

PyPI's torchvision is a CUDA build. Beside a CPU-only torch its extension does not load, and `import torchvision` (so
timm, Lightning and torchmetrics too) dies with "operator torchvision::nms does not exist". None of the detection
operators is used here: declaring the two schemas that the import asks for is enough. On a matching pair this does
nothing.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[Any] = []  # a Library must stay alive, its schemas go with it


def ensure_torchvision() -> None:
    """Makes `import torchvision` work on CPU-only torch; any other import failure is raised unchanged."""
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "operator torchvision::nms does not exist" not in str(error):
            raise
        import torch

        library = torch.library.Library("torchvision", "FRAGMENT")
        for schema in _SCHEMAS:
            library.define(schema)
        _declared.append(library)
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        importlib.import_module("torchvision")
