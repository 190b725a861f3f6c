"""What is in an artefact's files: tensors and JSON, held against the manifest whenever they are read.

A file can be what the manifest says and yet none that this module writes: that is damage too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from benchmark.errors import Damaged, StoreError
from benchmark.store.disk import one_line, shown
from benchmark.store.manifest import Sealed, read

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Artefact:
    """A complete artefact. An experiment may have a hundred thousand, so it holds little of what the manifest says.

    Attributes:
        folder: where it lies.
        seconds: what its making took.
        files: SHA-256 and bytes of each file by name.
    """

    key: str
    folder: Path
    seconds: float
    files: Mapping[str, Sealed]

    def tensors(self, name: str) -> dict[str, torch.Tensor]:
        """The tensors of a file that `write_tensors` wrote, on the CPU and in order of their names.

        Raises:
            Damaged: the file is not as it was written.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load

        content = self.content(name)
        try:
            return dict(sorted(load(content).items()))
        except (SafetensorError, ValueError, LookupError):  # LookupError: a type of number that torch does not know
            raise Damaged(self.key, f"{name} has no tensors") from None

    def json(self, name: str) -> dict[str, Any]:
        """The object of a file that `write_json` wrote.

        Raises:
            Damaged: the file is not as it was written.
        """
        content = self.content(name)
        try:
            found = json.loads(content, parse_constant=_refuse)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise Damaged(self.key, f"{name} has no JSON object")
        return found

    def content(self, name: str) -> bytes:
        """What is in a file.

        Raises:
            Damaged: the file is not as it was written.
            StoreError: the disk does not hand it out, or it is none of the artefact's.
        """
        root = self.folder.parents[1]
        if name not in self.files:
            raise StoreError(f"store {root} has an artefact {self.key} without {name}: move {self.folder} away")
        try:
            with one_line(root):
                found, fault = read(self.folder / name, self.files[name])
        except MemoryError:
            size = self.files[name].bytes
            raise StoreError(f"{self.folder / name} has {size} bytes: more memory is needed to read it") from None
        if fault:
            raise Damaged(self.key, f"{shown(name)} {fault}")
        return found

    def fault(self) -> str:
        """What is wrong with the content of the files, in a clause that begins with a name; empty when nothing is."""
        readers = {".safetensors": self.tensors, ".json": self.json}
        try:
            for name in self.files:
                readers.get(Path(name).suffix, self.content)(name)
        except Damaged as damage:
            return damage.fault
        return ""


def _refuse(word: str) -> NoReturn:
    raise ValueError(word)  # NaN and infinity, which `write_json` does not write


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Writes a safetensors file whose bytes depend on the values only; tied tensors become separate copies.

    Raises:
        ValueError: a number is NaN or infinite, so that whatever is made of it would be worth nothing.
    """
    import torch
    from safetensors.torch import save

    plain = {
        name: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    if lost := {name: count for name, tensor in plain.items() if (count := not_finite(tensor))}:
        where, total = ", ".join(lost), sum(plain[name].numel() for name in lost)
        raise ValueError(f"{sum(lost.values())} of {total} numbers are not finite ({path.name}: {where})")
    path.write_bytes(save(plain))  # not save_file, which hides a full disk in an error of its own type


def not_finite(tensor: torch.Tensor) -> int:
    """How many of its numbers are NaN or infinite."""
    return int((~tensor.isfinite()).sum())
