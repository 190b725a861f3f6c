"""The torchvision trap: a stand-in package that fails as PyPI's CUDA build does beside a CPU-only torch."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys

import pytest

from benchmark.compat import ensure_torchvision

MISMATCHED = """
import torch
torch.library.register_fake("torchvision::nms")(lambda *tensors: tensors[0])
torch.library.register_fake("torchvision::qnms")(lambda *tensors: tensors[0])
"""
ASK = """
from benchmark import compat
compat.ensure_torchvision()
import torchvision
print(len(compat._declared), torchvision.__file__)
"""


def python(code, first_on_path):
    path = os.pathsep.join([str(first_on_path), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(("source", "declared"), [(MISMATCHED, 1), ("", 0)])
def test_the_schemas_are_declared_only_where_they_are_missing(tmp_path, source, declared):
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(source)
    found = python(ASK, tmp_path)
    assert found.stdout.split() == [str(declared), str(tmp_path / "torchvision" / "__init__.py")], found.stderr


def test_the_stand_in_fails_without_the_cure(tmp_path):
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(MISMATCHED)
    found = python("import torchvision", tmp_path)
    assert "RuntimeError: operator torchvision::nms does not exist" in found.stderr


def test_the_installed_torchvision_can_be_imported(tmp_path):
    code = ASK + "from torchvision import models\nprint(models.resnet18(num_classes=3).fc.out_features)"
    found = python(code, tmp_path)
    assert found.stdout.split()[-1:] == ["3"], found.stderr


def test_another_error_is_raised_unchanged(monkeypatch):
    error = RuntimeError("operator torchvision::roi_align is broken")

    asked = []

    def fail(name):
        asked.append(name)
        raise error

    monkeypatch.setattr(importlib, "import_module", fail)
    with pytest.raises(RuntimeError) as caught:
        ensure_torchvision()
    assert caught.value is error and asked == ["torchvision"]  # nothing declared, not tried again
