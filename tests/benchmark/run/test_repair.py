"""Damage that only reading finds: what was flipped is made again in the same run, with all that needs it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.builder import configuration
from tests.stores import built, carried_out, command, digests


def flip(path: Path) -> None:
    """Changes a byte in the middle of a file and keeps its size and times."""
    before, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("workers", [1, 2])
def test_prints_that_several_jobs_need_are_made_again_and_then_these(tmp_path, workers):
    config = configuration(tmp_path, executor={"_target_": "executor/local", "workers": workers})
    done = carried_out(config)
    whole, prints = digests(done.store.root), done.job("random prints, repeat 0")
    for job in done.plan.jobs:
        if prints.key in job.parents.values():
            shutil.rmtree(done.store.root / job.key[:2] / job.key)
    flip(done.store.root / prints.key[:2] / prints.key / "prints.safetensors")
    assert command(config) == 0
    assert digests(done.store.root) == whole
    assert [path.name for path in (done.store.root / "damaged").iterdir()] == [f"{prints.key}-1"]


def test_records_that_only_the_report_reads_are_made_again_however_many(tmp_path):
    config = configuration(tmp_path)
    done = carried_out(config)
    before = built(done.store.root)
    measured = [job.key for job in done.plan.jobs if job.kind == "measurement"][:4]
    for key in measured:
        flip(done.store.root / key[:2] / key / "cost.json")
    assert command(config) == 0
    after = built(done.store.root)
    assert {key for key in before if before[key] != after[key]} == set(measured)
    assert command(config) == 0 and built(done.store.root) == after
